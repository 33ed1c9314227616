"""The map: all vectors on a plane, zoomable, each with its picture when it is pointed at. Drawn by Bokeh.

The page carries Bokeh's core script alone. No callback of ours is in it, so that a browser need not be allowed to make
code out of text; and what the pictures' owner wrote reaches only places that Bokeh escapes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bokeh.embed import components
from bokeh.models import (
    BoxZoomTool,
    ColumnDataSource,
    HoverTool,
    PanTool,
    ResetTool,
    WheelZoomTool,
    ZoomInTool,
    ZoomOutTool,
)
from bokeh.plotting import figure
from bokeh.resources import Resources
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from retrieval.encoding.projection import unit
from trainer.plotting import SHARED
from trainer.progress import Progress
from trainer.report.drawing.images import DOT, thumbnails
from trainer.report.model import Report

MAX_POINTS = 1500  # a thumbnail each: beyond that the page grows heavy and the map a blur
MIN_POINTS = 20  # below, neighbourhoods say too little for t-SNE: PCA
PERPLEXITY = 30.0  # neighbours that t-SNE heeds, scikit-learn's default
SEED = 0


def sample(count: int) -> NDArray[np.int64]:
    """Rows of the pictures that the map shows, ascending: all, or as many as it holds drawn at random, always the same.

    int64 [m].
    """
    if count <= MAX_POINTS:
        return np.arange(count)
    return np.sort(np.random.default_rng(SEED).choice(count, MAX_POINTS, replace=False))


def place(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Vectors [n, d] as points [n, 2] by cosine distance: t-SNE from a PCA start (van der Maaten & Hinton 2008;
    Kobak & Berens 2019, https://doi.org/10.1038/s41467-019-13056-x, for the start), PCA where there are few.
    """
    directions = unit(vectors).astype(np.float64)
    start = _pca(directions)
    spread = start[:, 0].std() if len(start) else 0.0
    if len(vectors) < MIN_POINTS or spread < 1e-9:
        return start
    tsne = TSNE(
        perplexity=min(PERPLEXITY, (len(vectors) - 1) / 3),
        init=(start / spread * 1e-4).astype(np.float32),  # its scale is scikit-learn's
        random_state=SEED,
    )
    # One thread takes eight seconds for all points; several wait for each other on a busy machine, and take a minute.
    with threadpool_limits(1):
        points: NDArray[np.float64] = tsne.fit_transform(directions.astype(np.float32)).astype(np.float64)
    return points


def _pca(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The two directions of most variance [n, 2]; zeros where there is none. Signs do not depend on the machine."""
    points = np.zeros((len(rows), 2))
    if not len(rows):
        return points
    centred = rows - rows.mean(axis=0)
    _left, _sizes, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:2]
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    points[:, : len(axes)] = centred @ (axes * signs[:, None]).T
    return points


HEIGHT = 560  # pixels
NO_LABEL = "#8a8a8a"
MAX_NAMED = 12  # labels whose colours are explained; beyond, colours repeat too closely to tell
TURN = 137.508  # degrees between the hues of neighbours: the golden angle, which keeps any few of them apart
SIZES = (5.0, 10.0)  # of a dot where there are many and few, pixels

# The page's own colours come in through its CSS variables, so that the tip is dark on a dark page.
TIP = """<div style="width: 8rem; margin: -5px; padding: .5rem; background: var(--raised); color: var(--ink);
font: .8125rem/1.35 system-ui, sans-serif; overflow-wrap: anywhere; white-space: normal">
<img src="@thumbnail" alt="" style="display: block; width: 5rem; height: 5rem; object-fit: contain;
margin: 0 auto .25rem">
<div>@label</div><div style="color: var(--soft)">cluster @cluster</div>
<div style="color: var(--soft)">@id</div></div>"""

NOTHING = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="  # one clear pixel


@dataclass(frozen=True, slots=True)
class Panel:
    """The map in one colouring. `names` are labels with their colours, where they are few."""

    by: str
    html: str
    names: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Map:
    """Panels over the same points; `library` and `script` bring them to life. `points` [m, 2] of the `rows` shown."""

    panels: Sequence[Panel]
    library: str
    script: str
    rows: NDArray[np.int64]
    points: NDArray[np.float64]


def draw_map(report: Report, progress: Progress) -> Map:
    """Lay out the vectors and read their pictures, or a sample where they are many."""
    rows = sample(len(report.pictures))
    points = place(report.vectors[rows])
    pictures = [report.pictures[row] for row in rows]
    small = thumbnails([picture.path for picture in pictures], DOT, progress)
    labels = [picture.label for picture in pictures]
    by_label = _label_colours(report.labels)
    source = ColumnDataSource(
        {
            "x": points[:, 0].astype(np.float32),
            "y": points[:, 1].astype(np.float32),
            "thumbnail": [address or NOTHING for address in small],
            "label": [label or "no label" for label in labels],
            "cluster": report.clusters[rows].astype(np.int32),
            "id": [picture.id for picture in pictures],
            "by_label": [by_label[label] if label is not None else NO_LABEL for label in labels],
            "by_cluster": [_colour(cluster) for cluster in report.clusters[rows].tolist()],
        }
    )
    ways = ["cluster"] if not by_label else ["label", "cluster"]
    script, parts = components([_figure(source, f"by_{way}", len(rows)) for way in ways])
    names = list(by_label.items()) if len(by_label) <= MAX_NAMED else []
    panels = [Panel(way, html, names if way == "label" else []) for way, html in zip(ways, parts, strict=True)]
    return Map(panels, Resources(mode="inline", components=["bokeh"]).render_js(), script, rows, points)


def _figure(source: ColumnDataSource, colours: str, count: int) -> figure:
    """Dots without axes, as only their distances mean something."""
    zoom = WheelZoomTool(modifiers={"ctrl": True})  # the wheel alone goes on scrolling the page
    plot = figure(
        height=HEIGHT,
        sizing_mode="stretch_width",
        toolbar_location="above",
        match_aspect=True,
        tools=[BoxZoomTool(match_aspect=True), PanTool(), zoom, ZoomInTool(), ZoomOutTool(), ResetTool()],
        active_scroll=zoom,
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
    )
    least, most = SIZES
    dots = plot.scatter(
        "x",
        "y",
        source=source,
        size=float(np.clip(most * (100 / max(count, 1)) ** 0.25, least, most)),
        fill_color=colours,
        line_color=None,
        fill_alpha=0.85,
        hover_line_color=NO_LABEL,
        hover_fill_color=colours,
    )
    plot.add_tools(HoverTool(renderers=[dots], tooltips=TIP))
    plot.axis.visible = False
    plot.grid.visible = False
    plot.toolbar.logo = None
    return plot


def _label_colours(labels: NDArray[np.object_]) -> dict[str, str]:
    """A colour for each label, in alphabetical order."""
    return {label: _colour(place) for place, label in enumerate(sorted({one for one in labels if one is not None}))}


def _colour(number: int) -> str:
    """Colours that show on a light and on a dark page: six that differ for any eye, then ever more hues."""
    if number < len(SHARED):
        return SHARED[number]
    return f"hsl({(number * TURN) % 360:.0f}, {(65, 45)[number % 2]}%, {(48, 58, 40)[number % 3]}%)"
