"""What there is to learn from: the items of the catalogue as they are now, and pairs of them that people judged."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from retrieval import bundle
from retrieval.catalogue import Catalogue, Item
from retrieval.catalogue.records.feedback import Feedback
from trainer.data.features import Features
from trainer.training.examples import JudgedPairs

PAGE = 500
POSITIVE = ("right", "same")
HIT_VERDICTS = ("right", "wrong")


@dataclass(frozen=True, slots=True)
class Judgement:
    """Two items that people compared: whether they show the same, and whether the second was a hit of a search."""

    first: str
    second: str
    same: bool
    is_hit: bool


@dataclass(frozen=True, slots=True)
class Material:
    """Items by id, judged pairs of them, and how many things were said of pictures that are no items, or not the same.

    `corrected`: how many items people corrected. `digest`: the same as long as nothing of it has changed.
    """

    items: Sequence[Item]
    judgements: Sequence[Judgement]
    unusable: int
    corrected: int

    @property
    def digest(self) -> str:
        """SHA-256, hexadecimal."""
        digest = sha256()
        for item in self.items:
            digest.update(f"{item.id}\0{item.sha256}\0{item.label}\n".encode())
        for pair in self.judgements:
            digest.update(f"{pair.first}\0{pair.second}\0{pair.same}\n".encode())
        return digest.hexdigest()


def read_material(artifacts: Path) -> Material:
    """All of it, from the catalogue. Raises CatalogueError."""
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
        items = list(catalogue.items())
        feedback = list(_feedback(catalogue))
        corrected = len(catalogue.corrections.all())
    judgements = judged(feedback, {item.id: item.sha256 for item in items})
    return Material(items, list(judgements.values()), len(feedback) - len(judgements), corrected)


def judged(feedback: Sequence[Feedback], digests: Mapping[str, str]) -> dict[tuple[str, str], Judgement]:
    """The last word on each pair of items whose pictures are still those that were judged."""
    pairs: dict[tuple[str, str], Judgement] = {}
    for said in feedback:  # the latest first
        query = said.query_item
        if query is None or query == said.item:
            continue
        if digests.get(query) != said.query_sha256 or digests.get(said.item) != said.item_sha256:
            continue
        first, second = sorted((query, said.item))
        judgement = Judgement(query, said.item, said.verdict in POSITIVE, said.verdict in HIT_VERDICTS)
        pairs.setdefault((first, second), judgement)
    return pairs


def judged_pairs(judgements: Sequence[Judgement], features: Features) -> JudgedPairs | None:
    """The pairs as rows of the features; None where there is none."""
    rows = {file.picture.id: row for row, file in enumerate(features.files)}
    usable = [pair for pair in judgements if pair.first in rows and pair.second in rows]
    if not usable:
        return None
    numbers = np.array([(rows[pair.first], rows[pair.second]) for pair in usable], np.int64)
    clean = features.values[:, 0]
    return JudgedPairs(
        clean[numbers[:, 0]] - clean[numbers[:, 1]],
        np.array([pair.same for pair in usable], bool),
        numbers,
        np.array([pair.is_hit for pair in usable], bool),
    )


def _feedback(catalogue: Catalogue) -> Iterator[Feedback]:
    before = None
    while page := catalogue.feedback.listed(limit=PAGE, before=before):
        yield from page
        before = page[-1].entry
