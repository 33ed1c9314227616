"""The charts of a report: loss and seconds, precision-recall, probes, reliability, cluster sizes.

Each is drawn twice, for a light and a dark page, as SVG with its letters as shapes: sharp on a phone and on paper.
"""

import io
import itertools
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from trainer.evaluation.results import LadderRow, Protocol, Reliability
from trainer.plotting import DARK, LIGHT, Theme, count_across, dress, logarithmic
from trainer.progress import Epoch
from trainer.report.clusters import Cluster

WIDTH, HEIGHT = 5.4, 3.3  # inches
MARKERS = "osD^"
WAY_MARKERS = "*Xvph"  # of ways to search that open no number of clusters, such as `auto`
METRICS = ("cosine", "euclidean")  # each keeps its colour and marker in every chart
MARKER_AREA = (12.0, 160.0)  # of the bin with fewest and with most pairs, square points
WANTED_RECALL = 0.99  # what `auto` is chosen for

Plot = Callable[[Axes, Theme], None]
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as data: addresses, and in words for whom pictures say nothing."""

    alt: str
    light: str
    dark: str


def history_charts(epochs: Sequence[Epoch]) -> list[Chart]:
    """Loss, mAP and seconds of every epoch of each stage; what was never measured has no chart."""
    charts = []
    for stage, group in itertools.groupby(epochs, key=lambda epoch: epoch.stage):
        stage_epochs = list(group)
        curves: dict[str, Points] = {
            "mean loss": [(e.epoch, e.loss) for e in stage_epochs if e.loss is not None],
            "mAP on held-out pictures": [(e.epoch, e.map) for e in stage_epochs if e.map is not None],
            "seconds per epoch": [(e.epoch, e.seconds) for e in stage_epochs if e.seconds > 0],
        }
        charts += [
            _chart(f"{stage}: {name}", _epochs(f"{stage}: {name}", points, timed=name.startswith("seconds")))
            for name, points in curves.items()
            if points
        ]
    return charts


def _epochs(title: str, points: Points, *, timed: bool) -> Plot:
    def plot(axes: Axes, theme: Theme) -> None:
        dress(axes, theme, title, across="epoch")
        count_across(axes)
        if timed:
            logarithmic(axes)
        _line(axes, theme, 0, points)

    return plot


def precision_recall_chart(protocols: Sequence[Protocol]) -> Chart | None:
    """One curve for each protocol that was measured."""
    drawn = [protocol for protocol in protocols if protocol.precision_recall]
    if not drawn:
        return None

    def plot(axes: Axes, theme: Theme) -> None:
        dress(axes, theme, "precision at each recall", across="recall")
        for place, protocol in enumerate(drawn):
            _line(axes, theme, place, protocol.precision_recall, protocol.name)
        axes.set(xlim=(-0.02, 1.02), ylim=(0, 1.03))
        _legend(axes, theme)

    return _chart("Precision at 21 levels of recall, for each protocol", plot)


def ladder_charts(rows: Sequence[LadderRow]) -> list[Chart]:
    """Recall against probes, and against milliseconds with everything that was tried."""
    if not rows:
        return []
    return [
        _chart("Recall at 10 against the number of clusters opened, for both measures", _probes(rows)),
        _chart("Recall at 10 against milliseconds of a search, for both measures", _milliseconds(rows)),
    ]


def _probes(rows: Sequence[LadderRow]) -> Plot:
    def plot(axes: Axes, theme: Theme) -> None:
        dress(axes, theme, "recall@10 of exact search", across="probes (clusters opened at most)")
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.axhline(WANTED_RECALL, color=theme.ink, linewidth=0.8, linestyle=":")
        for place, metric in enumerate(METRICS):
            curve_points = [
                (r.probes, r.recall_at_10) for r in rows if r.metric == metric and isinstance(r.probes, int)
            ]
            _line(axes, theme, place, sorted(curve_points), metric)
        _recall_up(axes, rows)
        _legend(axes, theme)

    return plot


def _milliseconds(rows: Sequence[LadderRow]) -> Plot:
    def plot(axes: Axes, theme: Theme) -> None:
        dress(axes, theme, "recall@10 and the time of one search", across="milliseconds, median")
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        ways = dict.fromkeys(row.probes for row in rows if isinstance(row.probes, str))
        markers = dict(zip(ways, itertools.cycle(WAY_MARKERS), strict=False))
        for place, metric in enumerate(METRICS):
            metric_rows = [row for row in rows if row.metric == metric]
            curve_points = [(r.milliseconds_p50, r.recall_at_10) for r in metric_rows if isinstance(r.probes, int)]
            _line(axes, theme, place, sorted(curve_points), metric)
            for row in metric_rows:
                if isinstance(row.probes, str):
                    _way(axes, theme, place, row.milliseconds_p50, row.recall_at_10, markers[row.probes])
        for way, marker in markers.items():
            axes.plot([], [], marker, color=theme.ink, markersize=8, label=way)
        _recall_up(axes, rows)
        _legend(axes, theme)

    return plot


def _way(axes: Axes, theme: Theme, place: int, milliseconds: float, recall: float, marker: str) -> None:
    """One way of searching. The second measure's are larger and hollow: at the same point, both can be seen."""
    ground = theme.lines[place] if not place else "none"
    axes.plot(milliseconds, recall, marker, color=theme.lines[place], markerfacecolor=ground, markersize=8 + 5 * place)


def _recall_up(axes: Axes, rows: Sequence[LadderRow]) -> None:
    """Recall up to 1, and a range wide enough that nearly perfect looks nearly perfect."""
    least = min(0.95, *(row.recall_at_10 for row in rows))
    room = 0.15 * (1 - least)
    axes.set_ylim(least - room, 1 + room)


def reliability_chart(reliabilities: Sequence[Reliability]) -> Chart | None:
    """How often hits are true matches, against how probable they were said to be; larger dots hold more pairs."""
    most = max((pairs for reliability in reliabilities for _stated, _observed, pairs in reliability.bins), default=0)
    if not most:
        return None

    def plot(axes: Axes, theme: Theme) -> None:
        dress(axes, theme, "share of true matches", across="match probability that was said")
        axes.plot((0, 1), (0, 1), color=theme.ink, linewidth=0.8, linestyle=":")
        least, largest = MARKER_AREA
        for reliability in reliabilities:
            place = METRICS.index(reliability.metric)
            stated, observed, pairs = zip(*reliability.bins, strict=True)
            _line(axes, theme, place, list(zip(stated, observed, strict=True)), reliability.metric, dots=False)
            areas = [least + (largest - least) * count / most for count in pairs]
            axes.scatter(stated, observed, areas, color=theme.lines[place], marker=MARKERS[place], alpha=0.8)
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
        _legend(axes, theme)

    return _chart("Share of true matches against the match probability that was said, for both measures", plot)


def sizes_chart(clusters: Sequence[Cluster]) -> Chart | None:
    """Pictures in each cluster, largest first; nothing to see where there is one."""
    if len(clusters) < 2:
        return None

    def plot(axes: Axes, theme: Theme) -> None:
        dress(axes, theme, "pictures in each cluster", across="clusters, largest first")
        count_across(axes)
        places, sizes = range(1, len(clusters) + 1), [cluster.size for cluster in clusters]
        axes.fill_between(places, sizes, step="mid", color=theme.lines[0], alpha=0.35, linewidth=0)
        axes.step(places, sizes, where="mid", color=theme.lines[0], linewidth=1.6)
        axes.set_ylim(bottom=0)

    return _chart("Pictures in each cluster, largest first", plot)


def _line(axes: Axes, theme: Theme, place: int, points: Points, name: str | None = None, *, dots: bool = True) -> None:
    axes.plot(
        [x for x, _y in points],
        [y for _x, y in points],
        color=theme.lines[place],
        marker=MARKERS[place] if dots else "",
        markersize=4,
        linewidth=1.6,
        label=name,
    )


def _legend(axes: Axes, theme: Theme) -> None:
    axes.legend(frameon=False, labelcolor=theme.ink, fontsize=9)


def _chart(alt: str, plot: Plot) -> Chart:
    return Chart(alt, _svg(plot, LIGHT), _svg(plot, DARK))


def _svg(plot: Plot, theme: Theme) -> str:
    with rc_context({"svg.hashsalt": "lookalike"}):  # the same chart is the same bytes
        figure = Figure((WIDTH, HEIGHT), facecolor=theme.ground, layout="constrained")
        plot(figure.add_subplot(), theme)
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{b64encode(file.getvalue()).decode()}"
