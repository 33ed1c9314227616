"""The training curves of several configurations in one picture: loss and seconds of every epoch, stage by stage."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from trainer.comparison import Row
from trainer.history import Epoch

STAGES = ("autoencoder", "head", "finetune")
MARKERS = "osD^vPX*"
WIDTH, PANEL_HEIGHT = 11.0, 2.9  # inches
DOTS_PER_INCH = 150
LEGEND_CHARACTERS = 120  # that fit side by side


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours for one kind of page; `lines` tell up to eight configurations apart."""

    ground: str
    ink: str
    grid: str
    lines: tuple[str, ...]


# Okabe & Ito 2008, "Color Universal Design" (https://jfly.uni-koeln.de/color/): told apart with any colour vision.
# Their yellow is too faint on white, and their black cannot be seen on black: these two are exchanged for what can.
SHARED = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
LIGHT = Theme("#ffffff", "#1d1c1a", "#dfdbd4", (*SHARED, "#1d1c1a", "#8a7a10"))
DARK = Theme("#1d1c1a", "#eeece8", "#3d3a36", ("#3d9fdd", "#f07a30", *SHARED[2:], "#eeece8", "#f0e442"))


def draw(rows: Sequence[Row], theme: Theme) -> bytes | None:
    """A PNG with a line for every trained configuration; None where nothing was trained.

    A row of panels for each stage and loss, as losses of different kinds have nothing in common but their name.
    """
    trained = [row for row in rows if row.history]
    panels = sorted({(STAGES.index(stage), stage, loss) for row in trained for stage, loss in row.losses.items()})
    if not panels:
        return None
    figure = Figure((WIDTH, PANEL_HEIGHT * len(panels) + 0.8), facecolor=theme.ground, layout="constrained")
    for number, (_order, stage, loss) in enumerate(panels):
        left, right = (figure.add_subplot(len(panels), 2, 2 * number + side) for side in (1, 2))
        _dress(left, theme, f"{stage}: loss ({loss})")
        _dress(right, theme, f"{stage}: seconds per epoch")
        _logarithmic(right)
        for place, row in enumerate(trained):
            if row.losses.get(stage) == loss:
                epochs = [epoch for epoch in row.history if epoch.stage == stage]
                _line(left, [(e.epoch, e.loss) for e in epochs if e.loss is not None], theme, place, row.configuration)
                _line(right, _timed(epochs), theme, place, row.configuration)
    _legend(figure, theme, [row.configuration for row in trained])
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DOTS_PER_INCH)
    return file.getvalue()


def _timed(epochs: Sequence[Epoch]) -> list[tuple[int, float]]:
    """Epochs with their seconds; a start that took no time is no epoch."""
    return [(epoch.epoch, epoch.seconds) for epoch in epochs if epoch.seconds > 0]


def _line(axes: Axes, points: Sequence[tuple[int, float]], theme: Theme, place: int, name: str) -> None:
    """One configuration's curve: the `place` chooses colour, marker, and from the ninth on a broken line."""
    axes.plot(
        [x for x, _y in points],
        [y for _x, y in points],
        color=theme.lines[place % len(theme.lines)],
        marker=MARKERS[place % len(MARKERS)],
        linestyle="-" if place < len(theme.lines) else "--",
        markersize=5,
        markevery=max(1, len(points) // 12),
        linewidth=1.6,
        label=name,
    )


def _dress(axes: Axes, theme: Theme, title: str) -> None:
    axes.set_facecolor(theme.ground)
    axes.set_title(title, color=theme.ink, loc="left", fontsize=11)
    axes.set_xlabel("epoch", color=theme.ink)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(which="both", colors=theme.ink)
    axes.grid(color=theme.grid, linewidth=0.8)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(theme.ink)


def _logarithmic(axes: Axes) -> None:
    """Seconds from thousandths to hours, written out."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _legend(figure: Figure, theme: Theme, names: Sequence[str]) -> None:
    """One for all panels, above them: each configuration once, in its order."""
    handles = {line.get_label(): line for axes in figure.axes for line in axes.get_lines()}
    columns = max(1, min(len(names), LEGEND_CHARACTERS // (max(map(len, names)) + 6)))
    figure.legend(
        [handles[name] for name in names],
        names,
        loc="outside upper left",
        ncols=columns,
        frameon=False,
        labelcolor=theme.ink,
    )
