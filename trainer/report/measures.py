"""An evaluation as tables: measures with their intervals, and whether they are better than another bundle's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from trainer.evaluation.measures import FORMULAS, HEADLINE, MEASURES
from trainer.evaluation.results import Evaluation, Interval, Missing, Protocol

WORDS = {
    "known labels": "held-out pictures of labels seen in training",
    "new labels": "pictures of labels never seen in training",
}
MAX_LABELS = 24


@dataclass(frozen=True, slots=True)
class Difference:
    """How much this bundle's measure lies above another's, and what follows: nothing where the interval spans zero."""

    text: str
    interval: str
    verdict: Literal["better", "worse", ""]


@dataclass(frozen=True, slots=True)
class Line:
    """One measure of one protocol; a difference for each of the others, None where it was not compared."""

    title: str
    value: str
    interval: str
    differences: Sequence[Difference | None]


@dataclass(frozen=True, slots=True)
class Table:
    """One protocol: what was measured on what, the lines that count, and the others."""

    name: str
    words: str
    measured_on: str
    others: Sequence[str]
    headline: Sequence[Line]
    further: Sequence[Line]
    weakest: Sequence[Mapping[str, str]]
    labels: int


def tables(evaluation: Evaluation) -> list[Table]:
    """A table for each protocol that was measured."""
    return [_table(protocol) for protocol in evaluation.protocols if isinstance(protocol, Protocol)]


def missing(evaluation: Evaluation) -> list[Missing]:
    """The protocols that could not be measured."""
    return [protocol for protocol in evaluation.protocols if isinstance(protocol, Missing)]


def title(name: str) -> str:
    """What a measure is called in a table."""
    return MEASURES[name].title if name in MEASURES else name.replace("_", " ")


def formulas() -> dict[str, str]:
    """Each measure by its title, and how it is computed for one query."""
    return {title(name): formula for name, formula in FORMULAS.items()}


def label_rows(protocol: Protocol) -> list[dict[str, float | str]]:
    """What each label of a protocol scored, weakest first."""
    ranked = sorted(protocol.per_label.items(), key=lambda entry: (entry[1].get("map", 0.0), entry[0]))
    return [{"protocol": protocol.name, "label": label, **means} for label, means in ranked]


def _table(protocol: Protocol) -> Table:
    lines = {name: _line(name, protocol) for name in FORMULAS if name in protocol.measures}
    gallery = "the other pictures of the gallery" if protocol.leave_one_out else "a gallery they are not part of"
    measured_on = (
        f"{protocol.queries:,} queries of {protocol.labels:,} labels among {protocol.gallery:,} pictures, {gallery}"
    )
    if protocol.unanswerable:
        measured_on += f"; {protocol.unanswerable:,} more have no picture of their label to find"
    return Table(
        protocol.name,
        WORDS[protocol.name],
        measured_on,
        tuple(protocol.against),
        [lines[name] for name in HEADLINE if name in lines],
        [line for name, line in lines.items() if name not in HEADLINE],
        [_weak(row) for row in label_rows(protocol)[:MAX_LABELS]],
        len(protocol.per_label),
    )


def _weak(row: Mapping[str, float | str]) -> dict[str, str]:
    """One label's means as they are shown."""
    figures = {name: f"{row[name]:.3f}" for name in ("map", "precision@1", "recall@10") if name in row}
    return {"label": str(row["label"]), "queries": f"{row.get('queries', 0):.0f}", **figures}


def _line(name: str, protocol: Protocol) -> Line:
    interval = protocol.measures[name]
    differences = [_difference(name, measures.get(name)) for measures in protocol.against.values()]
    return Line(title(name), f"{interval.value:.3f}", f"{interval.low:.3f} to {interval.high:.3f}", differences)


def _difference(name: str, interval: Interval | None) -> Difference | None:
    if interval is None:
        return None
    verdict: Literal["better", "worse", ""] = ""
    if interval.low > 0 or interval.high < 0:
        verdict = "better" if (interval.low > 0) != (MEASURES[name].better == "less") else "worse"
    return Difference(_signed(interval.value), f"{_signed(interval.low)} to {_signed(interval.high)}", verdict)


def _signed(value: float) -> str:
    """+0.012, or -0.012 with a true minus sign; what rounds to nothing has no sign."""
    text = f"{value:+.3f}"
    return "0.000" if text[1:] == "0.000" else text.replace("-", "\N{MINUS SIGN}")
