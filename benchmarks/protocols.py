"""Grocery by both protocols, with 95 % intervals: `lookalike evaluate` on what each way of tuning has made."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from benchmarks.new_labels import tables
from benchmarks.setup import grocery, official, publish, table, trained
from trainer.data.labelled import read_labelled
from trainer.evaluation.evaluate import evaluate
from trainer.evaluation.results import Interval, Name
from trainer.progress import Progress

SEED = 0  # of the labels that are drawn
HEADER = "protocol | encoder | queries | P@1 | mAP | mAP against frozen"


def main() -> None:
    """Known labels: test pictures among training pictures. New labels: leave one out on 40 labels never trained on."""
    training, others = tables(SEED)
    figures = {
        "frozen": trained("frozen"),
        "tuned head (`demo.toml`)": trained("demo"),
        "fine-tuned (`grocery.toml`)": trained("grocery", official()),
    }
    new = {
        "frozen": trained("frozen", training),
        "tuned head (`newlabels.toml`)": trained("newlabels", training),
        "fine-tuned (`newlabels_finetuned.toml`)": trained("newlabels_finetuned", training),
    }
    rows = _rows("known labels", figures, grocery("test"), grocery("train"))
    rows += _rows("new labels", new, others, others)
    publish("protocols", table(HEADER, rows))


def _rows(name: Name, bundles: dict[str, Path], queries: Path, gallery: Path) -> list[tuple[str, ...]]:
    """One protocol; the first of the bundles is the frozen one."""
    frozen = str(next(iter(bundles.values())))
    rows = []
    for encoder, artifacts in bundles.items():
        against = () if encoder == "frozen" else (frozen,)
        searched, stored = (read_labelled(str(source), artifacts) for source in (queries, gallery))
        result = evaluate(artifacts, searched, stored, "cosine", _quietly, against=against, ladder=False)
        protocol = result.evaluation.protocol(name)
        if protocol is None:
            raise ValueError(f"{artifacts} cannot be measured by {name}: {result.evaluation.protocols}")
        measures = (_cell(protocol.measures[measure]) for measure in ("precision@1", "map"))
        gained = _cell(protocol.against["frozen"]["map"], sign="+") if against else ""
        rows.append((name, encoder, f"{protocol.queries:,}", *measures, gained))
    return rows


def _cell(interval: Interval, sign: str = "") -> str:
    return f"{interval.value:{sign}.3f} [{interval.low:{sign}.3f}, {interval.high:{sign}.3f}]"


def _quietly(_title: str) -> AbstractContextManager[Progress]:
    return nullcontext(lambda _done, _total: None)
