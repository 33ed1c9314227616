"""The glaze shelf: colours, and how a glazed surface takes them.

Colours are written as people write them (sRGB, "#rrggbb") and computed with as light adds up (linear RGB, 0..1).
"""

from dataclasses import dataclass

import numpy as np

from trainer.sources.pottery.noise import Floats, smoothstep
from trainer.sources.pottery.patterns import PATTERNS, Place
from trainer.sources.pottery.solid import Solid


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours that go together."""

    name: str  # what a potter calls it
    colour: str  # the base in a plain word: it covers more of a piece than the accent does
    base: str
    accent: str
    clay: str


@dataclass(frozen=True, slots=True)
class Glaze:
    """A palette laid on in a pattern."""

    pattern: str  # a key of PATTERNS
    palette: Palette
    gloss: float  # 0 dull .. 1 like glass
    whim: float  # 0..1: what sets it apart from the same pattern on another pot


WHITE_CLAY, BUFF, RED, DARK = "#dccfb9", "#bf9c74", "#a3603f", "#5a4538"

PALETTES: tuple[Palette, ...] = (
    Palette("celadon", "green", "#a5c2ab", "#4f7c6b", BUFF),
    Palette("porcelain", "white", "#ece8de", "#24488f", WHITE_CLAY),
    Palette("cobalt", "blue", "#2b52a0", "#e9e2d2", WHITE_CLAY),
    Palette("tenmoku", "brown", "#3b241a", "#b0602a", DARK),
    Palette("turquoise", "turquoise", "#3fa3a3", "#125560", WHITE_CLAY),
    Palette("oxblood", "red", "#8c211d", "#e2c4a4", BUFF),
    Palette("honey", "yellow", "#d49a34", "#6b3d16", RED),
    Palette("rose", "pink", "#e0aba2", "#a24e58", WHITE_CLAY),
    Palette("indigo", "blue", "#2f4673", "#dfe3e2", BUFF),
    Palette("snow", "white", "#eeebe4", "#8d8a86", WHITE_CLAY),
    Palette("moss", "green", "#6d7b43", "#2d3a23", RED),
    Palette("lavender", "purple", "#a598c0", "#55457c", WHITE_CLAY),
    Palette("ink", "black", "#26262a", "#cdbb96", DARK),
    Palette("terracotta", "orange", "#c46a40", "#f2e2cd", RED),
    Palette("chun", "light blue", "#a3bfd3", "#7d4f80", BUFF),
    Palette("oatmeal", "cream", "#ddccaf", "#70503a", BUFF),
    Palette("saffron", "yellow", "#e4b73e", "#27566b", WHITE_CLAY),
    Palette("copper", "turquoise", "#7fb8a4", "#9d4f2f", DARK),
    Palette("graphite", "grey", "#73787d", "#e6e0d4", DARK),
    Palette("coral", "orange", "#e58468", "#fbe9da", WHITE_CLAY),
    Palette("plum", "purple", "#5d2b4d", "#d6a6ab", BUFF),
)


def linear(colour: str) -> Floats:
    """An sRGB colour "#rrggbb" as linear light [3, 1]."""
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], np.float32)[:, None] / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4).astype(np.float32)


def mix(one: Floats, other: Floats, share: Floats) -> Floats:
    """`share` [n] of the other colour, the rest of the one [3, n]."""
    return one + (other - one) * share


def glazed(solid: Solid, glaze: Glaze, points: Floats) -> tuple[Floats, Floats]:
    """Colour [3, n] (linear) and gloss [n] of points on the surface of a piece."""
    along, across, on_wall = solid.wall(points)
    palette = glaze.palette
    base, accent, clay = linear(palette.base), linear(palette.accent), linear(palette.clay)
    below = along * along if solid.form.is_open else along  # a dish spreads as a disc does, other walls go straight up
    place = Place(points, along, solid.length * (1 - solid.foot), below, on_wall, glaze.whim)

    amount = PATTERNS[glaze.pattern](place)
    if not solid.form.is_open:  # nobody decorates the inside of a bottle
        amount = amount * smoothstep(-0.008, 0.002, across)
    colour = mix(base, accent, np.clip(amount, 0, 1))
    cloud = place.noise(3.1)
    colour = colour * (1 + 0.09 * cloud)

    thin = smoothstep(0.975, 1.0, along) * (0.55 + 0.3 * cloud)  # a glaze breaks where it runs off an edge
    colour = mix(colour, 0.45 * clay + 0.55 * colour, thin)
    bare = smoothstep(0.006, -0.006, points[1] - 0.022 - 0.012 * cloud) * (across > 0)  # the foot is wiped clean
    return mix(colour, clay, bare), glaze.gloss * (1 - 0.85 * bare)
