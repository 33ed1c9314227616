"""The training curves of several configurations in one picture: loss and seconds of every epoch, stage by stage."""

import io
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from trainer.compare.results import Row
from trainer.plotting import Theme, count_across, dress, logarithmic
from trainer.progress import Epoch

STAGES = ("autoencoder", "head", "finetune")
MARKERS = "osD^vPX*"
WIDTH, PANEL_HEIGHT = 11.0, 2.9  # inches
DOTS_PER_INCH = 150
LEGEND_CHARACTERS = 120  # that fit side by side


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
        dress(left, theme, f"{stage}: loss ({loss})", across="epoch")
        dress(right, theme, f"{stage}: seconds per epoch", across="epoch")
        count_across(left)
        count_across(right)
        logarithmic(right)
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
