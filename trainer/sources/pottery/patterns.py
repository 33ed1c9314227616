"""How a second colour lies on a pot: each pattern says, point by point, how much of it there is (0..1).

A pattern is a function of the place on the surface alone, so a piece carries the same marks in every photograph.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trainer.sources.pottery.noise import Floats, cells, fractal_noise, smoothstep, value_noise


@dataclass(frozen=True, slots=True)
class Place:
    """Where on the pot [n] points are, and the whim of the hand that decorated it."""

    points: Floats  # [3, n]
    along: Floats  # 0 at the foot (of a bowl or plate: at its centre) .. 1 at the rim
    length: float  # of the wall, foot to rim: along * length is a distance
    below: Floats  # share of the decorated surface that is nearer the foot
    on_wall: Floats  # 1 on the thrown wall, 0 on a handle: figures are painted on the wall alone
    whim: float  # 0..1, another for each glaze: where bands lie, how many leaves there are

    @property
    def turn(self) -> Floats:
        """Angle around the axis, in turns, 0..1 [n]."""
        return np.asarray(np.arctan2(self.points[2], self.points[0]) / (2 * np.pi) % 1, np.float32)

    @property
    def radius(self) -> Floats:
        """Distance from the axis [n]."""
        return np.asarray(np.hypot(self.points[0], self.points[2]), np.float32)

    def noise(self, scale: float, octaves: int = 2) -> Floats:
        """A random field that belongs to this glaze, features about 1 / scale wide [n]."""
        return fractal_noise(self.points * scale + 31 * self.whim, octaves)

    def ring_noise(self, around: float, along: float = 0.0) -> Floats:
        """A random field of angle (features about 1 / `around` radians) and place along the wall (1 / `along`) [n]."""
        angle = 2 * np.pi * self.turn
        return value_noise(
            np.stack([around * np.cos(angle), around * np.sin(angle), along * self.along]) + 31 * self.whim
        )


def plain(place: Place) -> Floats:
    """One glaze, hardly moved by the fire."""
    return 0.25 * smoothstep(0.0, 0.9, place.noise(2.2))


def speckled(place: Place) -> Floats:
    """Iron spots that came through in the kiln."""
    distance, _, identity = cells(place.points * (15 + 8 * place.whim) + 31 * place.whim)
    size = 0.06 + 0.26 * identity**3
    return smoothstep(size + 0.1, size, distance) * (0.55 + 0.45 * identity)


def banded(place: Place) -> Floats:
    """Bands laid on while the wheel turns."""
    at = place.along + 0.006 * place.ring_noise(1.5)
    mask = np.zeros_like(at)
    for middle, half in ((0.3, 0.018), (0.42 + 0.2 * place.whim, 0.07), (0.84, 0.03), (0.92, 0.01)):
        mask = np.maximum(mask, smoothstep(half + 0.006, half - 0.006, np.abs(at - middle)))
    return np.asarray(mask * (0.9 + 0.1 * place.noise(9)), np.float32)


def dipped(place: Place) -> Floats:
    """The rim dipped into a second bucket, held a little aslant."""
    slant = 0.05 * np.cos(2 * np.pi * (place.turn + place.whim)) + 0.012 * place.ring_noise(2)
    return smoothstep(-0.006, 0.006, place.below - 0.5 - 0.18 * place.whim - slant)


def dripping(place: Place) -> Floats:
    """A thick glaze that ran down from the rim and stopped where it cooled."""
    lobes = np.abs(place.ring_noise(2.2 + 1.5 * place.whim)) ** 0.8 + 0.25 * place.ring_noise(5)
    edge = 0.78 - 0.62 * lobes
    return smoothstep(-0.012, 0.012, place.below - edge)


def crackled(place: Place) -> Floats:
    """A net of fine cracks, rubbed with ink."""
    wander = place.points + 0.012 * place.noise(9)
    nearest, second, _ = cells(wander * (8 + 4 * place.whim) + 31 * place.whim)
    return smoothstep(0.065, 0.02, second - nearest) * (0.65 + 0.35 * place.noise(5))


def dotted(place: Place) -> Floats:
    """Staggered rows of dots from a brush handle."""
    rows, columns = round(5 + 4 * place.whim), round(12 + 8 * place.whim)
    row = np.clip(place.along, 0.16, 0.9) * rows
    number = np.floor(row)
    column = place.turn * columns + 0.5 * (number % 2)
    sideways = (column % 1 - 0.5) / columns * 2 * np.pi * place.radius
    upwards = (place.along * rows - number - 0.5) / rows * place.length
    pitch = np.minimum(2 * np.pi * place.radius / columns, place.length / rows)
    ragged = 0.3 * pitch + 0.004 * place.noise(12)
    return smoothstep(0.006, -0.006, np.hypot(sideways, upwards) - ragged) * place.on_wall


def brushed(place: Place) -> Floats:
    """White slip from a coarse straw brush while the wheel turns (hakeme)."""
    hairs = 0.65 * place.ring_noise(0.9, 42) + 0.35 * place.ring_noise(2.5, 95)
    middle = 0.55 + 0.08 * np.cos(2 * np.pi * (place.turn + place.whim))
    load = 1 - np.abs(place.along - middle) / (0.25 + 0.08 * place.ring_noise(1.7))
    return smoothstep(-0.1, 0.25, hairs + 1.6 * load - 0.35) * 0.92


def waved(place: Place) -> Floats:
    """Waves combed through the slip down to the clay (sgraffito)."""
    periods = round(5 + 5 * place.whim)
    comb = place.along - 0.035 * np.sin(2 * np.pi * periods * place.turn) + 0.004 * place.ring_noise(4)
    line = np.abs((comb * 22) % 1 - 0.5)
    field = smoothstep(0.012, -0.012, np.abs(comb - 0.56) - 0.25)
    return smoothstep(0.2, 0.12, line) * field * place.on_wall


def leafed(place: Place) -> Floats:
    """A wreath of painted leaves, the vein left open."""
    count = round(7 + 5 * place.whim)
    tile = place.turn * count + 0.22 * np.sin(np.pi * (place.along - 0.3) / 0.5)
    rise = (place.along - 0.3) / 0.5
    inside = np.clip(rise, 0, 1)
    width = 0.36 * np.sin(np.pi * inside**0.8)
    aside = np.abs(tile % 1 - 0.5)
    leaf = smoothstep(0.03, -0.03, aside - width) * ((rise > 0) & (rise < 1))
    vein = smoothstep(0.015, 0.035, aside)
    brush = 0.8 + 0.2 * place.ring_noise(12, 6)
    line = smoothstep(0.014, 0.006, np.abs(place.along - 0.88)) + smoothstep(0.014, 0.006, np.abs(place.along - 0.2))
    return np.maximum(leaf * vein * brush, line) * place.on_wall


def shaded(place: Place) -> Floats:
    """Sprayed from above: one colour melts into the other."""
    return smoothstep(0.22, 0.88, place.below + 0.05 * place.noise(3))


def striped(place: Place) -> Floats:
    """Upright strokes of a soft brush."""
    count = round(14 + 12 * place.whim)
    stroke = np.abs((place.turn * count + 0.12 * place.ring_noise(3, 4)) % 1 - 0.5)
    ends = smoothstep(0.02, 0.07, place.along - 0.1 - 0.03 * place.ring_noise(9))
    return smoothstep(0.27, 0.2, stroke) * ends * smoothstep(0.97, 0.93, place.along) * place.on_wall


def marbled(place: Place) -> Floats:
    """Two slips swirled together and never quite mixed."""
    warp = np.stack([place.noise(2.1, 3), place.noise(2.7, 3), place.noise(3.3, 3)])
    return smoothstep(-0.05, 0.19, fractal_noise(place.points * 2.6 + 1.1 * warp + 17 * place.whim, 2))


PATTERNS: dict[str, Callable[[Place], Floats]] = {
    "plain": plain,
    "leaves": leafed,
    "dripping": dripping,
    "speckled": speckled,
    "banded": banded,
    "dipped": dipped,
    "crackle": crackled,
    "waves": waved,
    "dots": dotted,
    "brushed": brushed,
    "marbled": marbled,
    "stripes": striped,
    "shaded": shaded,
}
