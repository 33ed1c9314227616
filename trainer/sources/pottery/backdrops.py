"""What a piece is photographed on: paper sweeps, wood, linen, slate, marble, concrete.

A backdrop colours the table at points (a, b): a to the right, b away from the camera, in piece heights.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trainer.sources.pottery.glazes import linear, mix
from trainer.sources.pottery.noise import Floats, fractal_noise, smoothstep, value_noise

Texture = Callable[[Floats, Floats], Floats]


@dataclass(frozen=True, slots=True)
class Backdrop:
    """A table top and the wall behind it; a sweep is one sheet of paper, bent."""

    texture: str  # a key of TEXTURES, or "paper", which has none
    table: str
    table_too: str  # the second colour of the table's texture
    wall: str

    @property
    def is_sweep(self) -> bool:
        """Whether table and wall are one sheet."""
        return self.texture == "paper"


def _sweep(colour: str) -> Backdrop:
    return Backdrop("paper", colour, colour, colour)


BACKDROPS: tuple[Backdrop, ...] = (
    _sweep("#e9e4da"),
    _sweep("#c9ccd0"),
    _sweep("#dcb9a6"),
    _sweep("#a9b8a6"),
    _sweep("#8fa3b5"),
    _sweep("#5b5a5e"),
    _sweep("#d8c7a4"),
    Backdrop("wood", "#a9744a", "#6e4425", "#d9d2c5"),
    Backdrop("wood", "#c9a478", "#a57e52", "#b9c2bf"),
    Backdrop("wood", "#6b452d", "#3c2416", "#8f8a80"),
    Backdrop("linen", "#d9cfbd", "#b7a98f", "#e5e0d6"),
    Backdrop("linen", "#7f8c95", "#646f78", "#cfd2cf"),
    Backdrop("slate", "#4a4e53", "#33363a", "#76797a"),
    Backdrop("marble", "#e8e6e2", "#a9a7a6", "#c3cacd"),
    Backdrop("concrete", "#a5a29d", "#8b8883", "#d0ccc4"),
)


def _wood(a: Floats, b: Floats) -> Floats:
    plank = np.floor(b / 0.62)
    a = a + 3.7 * plank
    grain = fractal_noise(np.stack([a * 0.9, b * 9, plank * 5.3]), 3)
    rings = np.sin(26 * (b + 0.09 * fractal_noise(np.stack([a * 0.7, b * 1.6, plank * 2.1]), 2)))
    pores = value_noise(np.stack([a * 5, b * 75, plank]))
    gap = smoothstep(0.02, 0.008, np.minimum((b / 0.62) % 1, 1 - (b / 0.62) % 1))
    tone = 0.3 * value_noise(np.stack([plank * 1.7 + 0.5, plank * 0 + 0.5, plank * 0 + 0.5]))
    amount: Floats = 0.45 + 0.3 * grain + 0.12 * rings + 0.14 * pores + tone + 0.9 * gap
    return np.clip(amount, 0, 1.3)


def _linen(a: Floats, b: Floats) -> Floats:
    weave = np.sin(150 * a + 2 * value_noise(np.stack([a * 4, b * 30, a * 0]))) * np.sin(150 * b)
    thread = value_noise(np.stack([a * 60, b * 4, a * 0])) + value_noise(np.stack([a * 4, b * 60, a * 0 + 9]))
    folds = fractal_noise(np.stack([a * 1.1 + 0.6 * b, b * 0.7, a * 0 + 3]), 2)
    return 0.5 + 0.16 * weave + 0.2 * thread + 0.35 * folds


def _slate(a: Floats, b: Floats) -> Floats:
    layers = fractal_noise(np.stack([a * 1.3, b * 2.2, a * 0]), 4)
    return 0.5 + 0.8 * layers + 0.15 * value_noise(np.stack([a * 40, b * 40, a * 0]))


def _marble(a: Floats, b: Floats) -> Floats:
    warp = fractal_noise(np.stack([a * 1.2, b * 1.2, a * 0]), 4)
    vein = np.abs(fractal_noise(np.stack([a * 0.8 + warp, b * 0.8 - warp, a * 0 + 5]), 3))
    return smoothstep(0.09, 0.0, vein) * 0.75 + 0.15 * (warp + 0.5)


def _concrete(a: Floats, b: Floats) -> Floats:
    return 0.5 + 0.7 * fractal_noise(np.stack([a * 1.6, b * 1.6, a * 0]), 4)


TEXTURES: dict[str, Texture] = {
    "wood": _wood,
    "linen": _linen,
    "slate": _slate,
    "marble": _marble,
    "concrete": _concrete,
}


def table_colour(backdrop: Backdrop, a: Floats, b: Floats) -> Floats:
    """Colour of the table (linear) at the points (a, b) [3, n]; far from the lens it is out of focus."""
    if backdrop.is_sweep:
        return np.broadcast_to(linear(backdrop.table), (3, len(a)))
    amount = TEXTURES[backdrop.texture](a, b)
    sharp = smoothstep(4.5, 1.0, b)
    return mix(linear(backdrop.table), linear(backdrop.table_too), 0.5 + (amount - 0.5) * sharp)
