"""What the tests of evaluations share: small labelled shops, and how they are measured."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from retrieval.clusters import Vectors
from tests.support.bundles import Piece, picture
from trainer.data.labelled import read_labelled
from trainer.evaluation.evaluate import EvaluationResult, evaluate
from trainer.evaluation.results import Protocol
from trainer.progress import Progress

LABELS = ("bowl", "cup", "jug")


@contextmanager
def silent(_title: str) -> Iterator[Progress]:
    yield lambda _done, _total: None


def shop(count: int = 18, *, start: int = 0) -> list[Piece]:
    """Different pictures of three labels in turn."""
    return [Piece(f"piece-{n}", picture(n), LABELS[n % 3], {}) for n in range(start, start + count)]


Publish = Callable[..., tuple[Path, dict[str, Vectors]]]


def folder(root: Path, pictures: Mapping[str, bytes]) -> str:
    """Files by their places below a new folder."""
    for place, data in pictures.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_bytes(data)
    return str(root)


def measured(home: Path, queries: str | None = None, gallery: str | None = None, **options: Any) -> EvaluationResult:
    query_source, stored = (source if source is None else read_labelled(source, home) for source in (queries, gallery))
    return evaluate(home, query_source, stored, "cosine", silent, **({"ladder": False} | options))


def known(result: EvaluationResult) -> Protocol:
    protocol = result.evaluation.protocol("known labels")
    assert protocol is not None, result.evaluation.protocols
    return protocol


def new(result: EvaluationResult) -> Protocol:
    protocol = result.evaluation.protocol("new labels")
    assert protocol is not None, result.evaluation.protocols
    return protocol
