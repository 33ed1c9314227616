"""An evaluation as the command line shows it: tables of its measures, and lines for the rest."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from trainer.evaluation.measures import CUTS, FORMULAS
from trainer.evaluation.results import Evaluation, Interval, LadderRow, Leak, Missing, Name, Protocol, Reliability

MEANINGS: Mapping[Name, str] = {
    "known labels": "pictures not trained on, of labels that were",
    "new labels": "pictures of labels that were never trained on",
}
SHOWN_LABELS = 5  # worst and best
SHOWN_LEAKS = 10
RANKED_BY = "map"


def tables(evaluation: Evaluation) -> Iterator[RenderableType]:
    """All there is to see, in the order in which it is read."""
    for protocol in evaluation.protocols:
        if isinstance(protocol, Missing):
            yield Text(f"{protocol.name} ({MEANINGS[protocol.name]}): not measured; {protocol.reason}.")
        else:
            yield Text(f"\n{_title(protocol, evaluation)}", style="bold")
            yield _measures(protocol)
            yield Text("The labels that are found worst and best:")
            yield _labels(protocol)
    if evaluation.trained_on:
        yield Text(f"Dropped from the queries, for they were trained on: {evaluation.trained_on}.")
    if evaluation.leaks:
        yield Text(f"\nThe same picture on both sides, left out of its own answer ({len(evaluation.leaks)}):")
        yield _leaks(evaluation.leaks)
    for reliability in evaluation.reliability.values():
        yield Text("\nWhat match probabilities are worth on these queries", style="bold")
        yield _reliability(reliability)
    if evaluation.ladder:
        yield Text("\nThe search itself: ten hits against the exact ten", style="bold")
        yield _ladder(evaluation.ladder)
        yield Text(f"99 % of the gallery's own neighbours lie in {evaluation.auto_probes} clusters.")
    if evaluation.query_milliseconds_p50 is not None:
        yield Text(
            f"A query takes {evaluation.query_milliseconds_p50:.1f} ms (p95 {evaluation.query_milliseconds_p95:.1f}): "
            "decoding, encoding and searching."
        )


def formulas() -> Table:
    """What each measure is."""
    table = Table("measure", "of one query", title="r_i is 1 where hit i has the query's label", title_justify="left")
    for name, formula in FORMULAS.items():
        table.add_row(name, Text(formula))
    return table


def _title(protocol: Protocol, evaluation: Evaluation) -> str:
    alone = ", each without itself" if protocol.leave_one_out else ""
    return (
        f"{protocol.name}: {MEANINGS[protocol.name]}\n{protocol.queries} queries of {protocol.labels} labels among "
        f"{protocol.gallery} pictures{alone}, by {evaluation.metric}, bundle {evaluation.bundle_id}"
    )


def _measures(protocol: Protocol) -> Table:
    """A row for each measure, and beside it the paired differences with other bundles."""
    table = Table("measure", "mean [95 %]")
    for other in protocol.against:
        table.add_column(f"less {other}")
    for name in sorted(protocol.measures, key=list(FORMULAS).index):
        differences = (measures.get(name) for measures in protocol.against.values())
        cells = (_interval(difference, sign="+") if difference else "" for difference in differences)
        table.add_row(name, _interval(protocol.measures[name]), *cells)
    if protocol.unanswerable:
        table.caption = f"{protocol.unanswerable} more queries have nothing of their label to find"
    return table


def _interval(interval: Interval, sign: str = "") -> str:
    return f"{interval.value:{sign}.3f} [{interval.low:{sign}.3f}, {interval.high:{sign}.3f}]"


def _labels(protocol: Protocol) -> Table:
    """The labels that are found worst, and those that are found best."""
    ranked = sorted(protocol.per_label.items(), key=lambda entry: (entry[1][RANKED_BY], entry[0]))
    count = min(SHOWN_LABELS, (len(ranked) + 1) // 2)
    table = Table("label", "mAP", "P@1", "queries")
    for place, (label, means) in enumerate([*ranked[:count], *ranked[count:][-count:]]):
        cells = f"{means[RANKED_BY]:.3f}", f"{means[f'precision@{CUTS[0]}']:.3f}", f"{means['queries']:.0f}"
        table.add_row(Text(label), *cells, end_section=place == count - 1)
    return table


def _leaks(leaks: tuple[Leak, ...]) -> Table:
    table = Table("query", "gallery", "")
    for leak in leaks[:SHOWN_LEAKS]:
        table.add_row(Text(_place(leak.query)), Text(_place(leak.gallery)), leak.kind)
    if len(leaks) > SHOWN_LEAKS:
        table.add_row("…", "all of them: --json", "")
    return table


def _reliability(reliability: Reliability) -> Table:
    """What is right and what is kept of the first hits, for some probabilities that may be asked for."""
    table = Table("asked", "hits", "right", "true matches kept")
    for row in reliability.asked:
        right = "" if row.right is None else f"{row.right:.3f}"
        table.add_row(f"{row.probability:g}", str(row.hits), right, f"{row.kept:.1%}")
    table.caption = (
        f"Calibration error {reliability.ece:.3f}, Brier score {reliability.brier:.3f}, "
        f"over {reliability.pairs} first hits"
    )
    return table


def _place(path: str) -> str:
    """The end of a path, enough to tell pictures apart."""
    return str(Path(*Path(path).parts[-3:]))


def _ladder(ladder: tuple[LadderRow, ...]) -> Table:
    table = Table("metric", "probes", "recall@10", "opened", "ms p50", "ms p95")
    for place, row in enumerate(ladder):
        ends = ladder[place + 1 : place + 2]
        table.add_row(*_ladder_row(row), end_section=bool(ends) and ends[0].metric != row.metric)
    return table


def _ladder_row(row: LadderRow) -> tuple[str, ...]:
    opened = "" if row.clusters_opened_mean is None else f"{row.clusters_opened_mean:.1f}"
    times = f"{row.milliseconds_p50:.2f}", f"{row.milliseconds_p95:.2f}"
    return row.metric, str(row.probes), f"{row.recall_at_10:.4f}", opened, *times
