"""The report as one self-contained page: jinja2 escapes everything, and a policy in it lets nothing in from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from trainer.evaluation.results import Evaluation, Protocol
from trainer.report import measures, opening
from trainer.report.clusters import Cluster
from trainer.report.drawing import charts
from trainer.report.drawing.charts import Chart
from trainer.report.drawing.embedding_map import Map
from trainer.report.drawing.images import Sheet
from trainer.report.drawing.picture_lists import PictureList
from trainer.report.model import Report

TEMPLATE = "report.html"

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; font-src data:"
"""What a browser may do on the page: run and show what is in it, and fetch nothing."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the page shows beside the report itself. `map_of` is how many pictures the map could have shown."""

    map: Map
    clusters: Sequence[Cluster]
    searches: Sequence[PictureList]
    confusions: PictureList | None
    cluster_list: PictureList
    health: Sequence[PictureList]
    sheets: Sequence[Sheet]
    files: Sequence[str]
    """The names of the CSV files beside the page."""


def template(name: str) -> Template:
    """A page of ours: everything that is put into it is escaped, and a name that is not there is an error."""
    environment = Environment(
        loader=PackageLoader("trainer"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def render(report: Report, parts: Parts) -> str:
    """The whole page."""
    evaluation = report.evaluation
    measured = evaluation or Evaluation(report.bundle_id, ())
    protocols = [protocol for protocol in measured.protocols if isinstance(protocol, Protocol)]
    return template(TEMPLATE).render(
        policy=POLICY,
        report=report,
        evaluation=evaluation,
        parts=parts,
        # Bokeh's own markup: its strings are escaped by Bokeh, and what the pictures' owner wrote is only in its data.
        library=Markup(parts.map.library),  # noqa: S704
        script=Markup(parts.map.script),  # noqa: S704
        panels=[(panel, Markup(panel.html)) for panel in parts.map.panels],  # noqa: S704
        sentences=opening.sentences(protocols),
        tasks=opening.tasks(report.health) if report.health else None,
        tables=measures.tables(measured),
        missing=measures.missing(measured),
        formulas=measures.formulas(),
        stages=_stages(report),
        history=charts.history_charts(report.history),
        precision_recall=_charts(charts.precision_recall_chart(protocols)),
        ladder=charts.ladder_charts(measured.ladder),
        reliability=_charts(charts.reliability_chart(list(measured.reliability.values()))),
        sizes=_charts(charts.sizes_chart(parts.clusters)),
    )


def _charts(chart: Chart | None) -> list[Chart]:
    return [] if chart is None else [chart]


def _stages(report: Report) -> list[tuple[str, list[tuple[str, str]]]]:
    """The manifest's measures of each stage, for a bundle without an evaluation."""
    return [
        (
            stage,
            [(_words(name), _figure(name, value, report.intervals.get(stage, {}))) for name, value in values.items()],
        )
        for stage, values in report.scores.items()
    ]


def _figure(name: str, value: float, intervals: Mapping[str, tuple[float, float]]) -> str:
    if name in ("queries", "unanswerable"):
        return f"{value:.0f}"
    low, high = intervals.get(name, (None, None))
    return f"{value:.3f}" if low is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _words(name: str) -> str:
    """precision_at_1 as it is called elsewhere on the page."""
    return measures.title("map@r" if name == "map_at_r" else name.replace("_at_", "@"))
