"""Where small pictures lie in others, for many pairs at once: what rejects most candidates before any file is read.

The place is found by Gauss-Newton steps on the brightness (Lucas and Kanade 1981, "An iterative image registration
technique with an application to stereo vision"), from pictures of 8 pixels up to those of SIDE: an upright rectangle
has four numbers, and light two more. Pairs that do not fit are dropped at the first size that shows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from retrieval.clusters import Numbers
from retrieval.duplicates.candidates import Candidate
from retrieval.duplicates.sketch import FLIPS, SIDE
from retrieval.images import RGB

Greys = NDArray[np.float32]
Places = NDArray[np.float32]  # [n, 4], each a Place
Place = tuple[float, float, float, float]
"""Scale and shift to the right, scale and shift downwards. A point x of the second picture, from its
middle and in shares of its side, lies at scale * x + shift of the first."""

STEPS = ((8, 2.0, 4), (16, 1.0, 3), (SIDE, 0.7, 1))  # pixels of a side, blur before they are made, Gauss-Newton steps
MIN_EXPLAINED = {8: 0.4, 16: 0.6, SIDE: 0.82}  # share of the second picture that the first explains, at each size
BATCH = 128  # pairs compared at once, so that they stay in the processor's cache

MIN_SCALE = 0.78  # of a crop; alignment asks for 0.82 once it knows better
NOISE = 20.0  # squared grey levels of brightness that may differ
PLAIN = 3.0  # grey levels: deviation of a picture that shows nothing
CLIPPED = 248  # grey levels; what is brighter may have been cut off by brightening
DAMPING = 1e-3  # of the steps, as a share of the diagonal


@dataclass(frozen=True, slots=True)
class Placed:
    """A candidate that may show the same picture: where the second lies in the first, and the share explained."""

    first: int
    second: int
    flip: int
    place: Place
    explained: float


@dataclass(frozen=True, slots=True)
class Ladder:
    """The brightness of pictures at each size of STEPS: arrays float32 [n, side, side]; and which show nothing [n]."""

    sizes: tuple[Greys, ...]
    plain: NDArray[np.bool_]


def ladder(smalls: Sequence[RGB]) -> Ladder:
    """Small pictures uint8 [SIDE, SIDE, 3], made ready to be laid over each other. 5 kB a picture."""
    greys = [cv2.cvtColor(small, cv2.COLOR_RGB2GRAY) for small in smalls]
    sizes = []
    for side, blur, _ in STEPS:
        soft = (cv2.GaussianBlur(grey.astype(np.float32), (0, 0), blur) for grey in greys)
        sizes.append(
            np.stack([cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA) for grey in soft], dtype=np.float32)
        )
    return Ladder(tuple(sizes), np.array([grey.std() < PLAIN for grey in greys]))


def place(pictures: Ladder, pairs: Sequence[Candidate]) -> list[Placed]:
    """Those of the pairs that may show the same picture, in order; their rows are those of `pictures`.

    Pairs of which one shows nothing are kept as they lie: their colours have to decide.
    """
    placed: list[Placed] = []
    for start in range(0, len(pairs), BATCH):
        batch = pairs[start : start + BATCH]
        rows = np.array(batch, np.int64)
        plain = pictures.plain[rows[:, :2]].any(axis=1)
        positions, places, explained = _fitting(pictures, rows, np.flatnonzero(~plain))
        as_they_lie = np.flatnonzero(plain).tolist()
        fitting: list[tuple[int, Place, float]] = [(position, (1.0, 0.0, 1.0, 0.0), 1.0) for position in as_they_lie]
        fitting += zip(positions.tolist(), map(tuple, places.tolist()), explained.tolist(), strict=True)
        for position, where, share in sorted(fitting):
            first, second, flip = batch[position]
            placed.append(Placed(first, second, flip, where, share))
    return placed


def _fitting(pictures: Ladder, rows: Numbers, positions: Numbers) -> tuple[Numbers, Places, NDArray[np.float32]]:
    """Which of the rows [n, 3] at these positions fit, where, and how much is explained."""
    places = np.tile(np.array([1, 0, 1, 0], np.float32), (len(positions), 1))
    explained = np.empty(len(positions), np.float32)
    for (side, _, steps), greys in zip(STEPS, pictures.sizes, strict=True):
        if not len(positions):
            break
        first, second, flip = rows[positions].T
        places, explained = _fitted(greys[first], _flipped(greys[second], flip), places, steps)
        scales = places[:, ::2]
        fits = (explained >= MIN_EXPLAINED[side]) & (scales.min(axis=1) >= MIN_SCALE)
        fits &= scales.max(axis=1) <= 1 / MIN_SCALE
        positions, places, explained = positions[fits], places[fits], explained[fits]
    return positions, places, explained


def _flipped(greys: Greys, flips: Numbers) -> Greys:
    for number, (sideways, over) in enumerate(FLIPS):
        these = flips == number
        if number and these.any():
            greys[these] = greys[these][:, :: -1 if over else 1, :: -1 if sideways else 1]
    return greys


def _fitted(outer: Greys, inner: Greys, places: Places, steps: int) -> tuple[Places, NDArray[np.float32]]:
    """Better places, and the share of the inner picture's structure that the outer one explains there."""
    count, side, _ = outer.shape
    middle = (side - 1) / 2
    x = np.arange(side, dtype=np.float32) - np.float32(middle)
    down, right = np.gradient(outer, axis=(1, 2))
    layers = np.stack([outer, right, down], axis=1)
    places = places * np.array([1, side, 1, side], np.float32)
    for step in range(steps + 1):
        columns = places[:, :1] * x + places[:, 1:2] + np.float32(middle)
        lines = places[:, 2:3] * x + places[:, 3:] + np.float32(middle)
        laid = _weights(lines, side)[:, None] @ layers @ _weights(columns, side).transpose(0, 2, 1)[:, None]
        inside = (_within(lines, side)[:, :, None] & _within(columns, side)[:, None, :]).astype(np.float32)
        there = np.maximum(inside.sum(axis=(1, 2), keepdims=True), 1)
        ours = (laid[:, 0] - (laid[:, 0] * inside).sum(axis=(1, 2), keepdims=True) / there) * inside
        theirs = (inner - (inner * inside).sum(axis=(1, 2), keepdims=True) / there) * inside
        gain = (ours * theirs).sum(axis=(1, 2)) / ((ours * ours).sum(axis=(1, 2)) + NOISE)
        residual = theirs - gain[:, None, None] * ours
        if step == steps:
            break
        slopes = laid[:, 1:] * inside[:, None] * gain[:, None, None, None]
        motion = [slopes[:, 0] * x, slopes[:, 0], slopes[:, 1] * x[:, None], slopes[:, 1], ours, inside]
        jacobian = np.stack(motion, axis=1).reshape(count, 6, -1)
        normal = jacobian @ jacobian.transpose(0, 2, 1)
        diagonal = np.arange(6)
        normal[:, diagonal, diagonal] *= 1 + DAMPING
        normal[:, diagonal, diagonal] += 1e-6 * np.trace(normal, axis1=1, axis2=2)[:, None] + 1e-6
        moves = np.linalg.solve(normal, jacobian @ residual.reshape(count, -1, 1))[:, :4, 0]
        places = places + np.clip(moves, [-0.08, -2, -0.08, -2], [0.08, 2, 0.08, 2]).astype(np.float32)
        places[:, ::2] = np.clip(places[:, ::2], 0.7, 1.4)
    # What was cut off by brightening was at least this bright, nobody knows how much brighter.
    residual = np.where(laid[:, 0] >= CLIPPED, np.minimum(residual, 0), residual)
    residual = np.where(inner >= CLIPPED, np.maximum(residual, 0), residual)
    left_over = (residual**2).sum(axis=(1, 2)) / there[:, 0, 0]
    explained = 1 - left_over / ((theirs**2).sum(axis=(1, 2)) / there[:, 0, 0] + NOISE)
    explained = np.where(gain > 0, explained, 0).astype(np.float32)
    return (places / np.array([1, side, 1, side])).astype(np.float32), explained


def _weights(positions: Greys, side: int) -> Greys:
    """Linear interpolation as a matrix: positions [n, m] in pixels to [n, m, side]."""
    distance = np.clip(positions, 0, side - 1)[..., None] - np.arange(side, dtype=np.float32)
    return np.asarray(np.maximum(1 - np.abs(distance), 0), np.float32)


def _within(positions: Greys, side: int) -> NDArray[np.bool_]:
    return (positions >= -0.01) & (positions <= side - 0.99)
