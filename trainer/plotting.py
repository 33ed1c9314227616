"""How every chart of ours looks: the colours of a light and a dark page, and axes that suit them."""

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours for one kind of page; `lines` tell up to eight things apart."""

    ground: str
    ink: str
    grid: str
    lines: tuple[str, ...]


# Okabe & Ito 2008, "Color Universal Design" (https://jfly.uni-koeln.de/color/): told apart with any colour vision.
# Their yellow is too faint on white, and their black cannot be seen on black: these two are exchanged for what can.
SHARED = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
LIGHT = Theme("#ffffff", "#1d1c1a", "#dfdbd4", (*SHARED, "#1d1c1a", "#8a7a10"))
DARK = Theme("#1d1c1a", "#eeece8", "#3d3a36", ("#3d9fdd", "#f07a30", *SHARED[2:], "#eeece8", "#f0e442"))


def dress(axes: Axes, theme: Theme, title: str, *, across: str) -> None:
    """A title, what is counted `across`, and as little else as can be."""
    axes.set_facecolor(theme.ground)
    axes.set_title(title, color=theme.ink, loc="left", fontsize=11)
    axes.set_xlabel(across, color=theme.ink)
    axes.tick_params(which="both", colors=theme.ink)
    axes.ticklabel_format(useOffset=False)  # 0.9999, not a small number and "+1" in a corner
    axes.grid(color=theme.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(theme.ink)


def count_across(axes: Axes) -> None:
    """Whole numbers only, such as epochs."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def logarithmic(axes: Axes) -> None:
    """Seconds from thousandths to hours, written out."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
