"""Seamless random fields in space: what makes glaze, wood and stone look grown rather than drawn.

Every function takes points as float32 [3, n] and gives values per point. The lattices are fixed: a caller who
wants another field shifts the points, so a field belongs to the piece or the scene that chose the shift.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]  # float32 throughout: half the memory to move

LATTICE = 32  # cells before a field repeats; a power of two, so that wrapping is a bit mask


@lru_cache(maxsize=1)
def _lattice() -> Floats:
    """[4, 32**3]: one random value and one random offset (three numbers) for every lattice point, all in [0, 1)."""
    return np.random.default_rng(20_240_229).random((4, LATTICE**3), dtype=np.float32)


def _addresses(cell: NDArray[np.intp]) -> NDArray[np.intp]:
    """Parts [3, n] that add up to a lattice point's place in the table."""
    return np.asarray((cell & (LATTICE - 1)) * np.array([[LATTICE**2], [LATTICE], [1]]), np.intp)


def value_noise(points: Floats) -> Floats:
    """Smooth noise in [-1, 1] with features about one unit wide (value noise, Perlin's quintic blend)."""
    table = _lattice()[0]
    floor = np.floor(points)
    cell = floor.astype(np.intp)
    i, j, k = _addresses(cell)
    i_next, j_next, k_next = _addresses(cell + 1)
    fraction = points - floor
    u, v, w = fraction * fraction * fraction * (fraction * (fraction * 6 - 15) + 10)

    def edge(row: NDArray[np.intp]) -> Floats:
        near = table.take(row + k)
        return np.asarray(near + w * (table.take(row + k_next) - near), np.float32)

    def face(slab: NDArray[np.intp]) -> Floats:
        near = edge(slab + j)
        return np.asarray(near + v * (edge(slab + j_next) - near), np.float32)

    left = face(i)
    return np.asarray(2 * (left + u * (face(i_next) - left)) - 1, np.float32)


def fractal_noise(points: Floats, octaves: int = 3) -> Floats:
    """Noise with detail: each octave half as strong and twice as fine; roughly in [-1, 1]."""
    total = value_noise(points)
    for octave in range(1, octaves):
        total = total + value_noise(points * 2**octave + 7.3 * octave) * 0.5**octave
    return total / (2 - 0.5 ** (octaves - 1))


def cells(points: Floats) -> tuple[Floats, Floats, Floats]:
    """Worley's cells (SIGGRAPH 1996): distance to the nearest seed, to the next, and a number in [0, 1) per cell."""
    table = _lattice()
    base = np.floor(points).astype(np.intp)
    nearest = np.full(points.shape[1], 9, np.float32)
    second = nearest.copy()
    identity = np.zeros_like(nearest)
    for shift in np.ndindex(3, 3, 3):
        corner = base + (np.array(shift) - 1)[:, None]
        address = _addresses(corner).sum(0)
        offset = corner.astype(np.float32) + table[1:].take(address, axis=1) - points
        distance = np.einsum("kn,kn->n", offset, offset)
        closer = distance < nearest
        second = np.where(closer, nearest, np.minimum(second, distance))
        identity = np.where(closer, table[0].take(address), identity)
        nearest = np.where(closer, distance, nearest)
    return np.sqrt(nearest), np.sqrt(second), identity


def smoothstep(low: float | Floats, high: float | Floats, x: Floats) -> Floats:
    """0 below `low`, 1 above `high`, and a smooth rise between (low > high turns it round)."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
