"""Vectors as one byte a number: a quarter of the memory that searches go through.

A code stands for a vector that is at most `error` away from the one it was made of; so an inner product with a code
bounds that with the vector. What may be among the hits by these bounds is then compared by the vectors themselves, read
from the file: an answer is the same as without codes, and as certain.
"""

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.clusters import Vectors, lengths_of, product_error

Kind = Literal["none", "int8"]
"""`none`: searches go through the vectors themselves."""
NAMES = ("codes", "code_grid", "code_error")
"""Of the arrays in a block."""
LEVELS = 127
CHUNK = 1 << 14  # vectors at once


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """n vectors as `middle + step * numbers`."""

    numbers: NDArray[np.int8]
    """[n, d], from -127 to 127."""
    grid: Vectors
    """The middle and the step of each axis, float32 [2, d]."""
    error: float
    """More than the length of the difference of any vector and its code, with what the products lose to rounding."""

    @classmethod
    def of(cls, vectors: Vectors) -> Self:
        """Encodes vectors float32 [n, d]; each axis from its smallest to its largest number."""
        low, high = (edge.astype(np.float64) for edge in _edges(vectors))
        grid = np.stack([(low + high) / 2, (high - low) / (2 * LEVELS)]).astype(np.float32)
        middle, step = grid.astype(np.float64)
        numbers = np.empty(vectors.shape, np.int8)
        farthest = longest = 0.0
        for start in range(0, len(vectors), CHUNK):
            rows = slice(start, start + CHUNK)
            offsets = vectors[rows] - middle
            scaled = np.divide(offsets, step, out=np.zeros_like(offsets), where=step > 0)
            numbers[rows] = np.clip(np.rint(scaled), -LEVELS, LEVELS)
            decoded = numbers[rows] * step
            farthest = max(farthest, float(lengths_of(offsets - decoded).max(initial=0)))
            longest = max(longest, float(lengths_of(decoded).max(initial=0)))
        rounding = float(product_error(vectors.shape[1])) * (longest + float(np.sqrt(middle @ middle)))
        return cls(numbers, grid, farthest * (1 + 1e-6) + 2 * rounding)

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self | None:
        """From the arrays of a block; None if it has no codes."""
        if "codes" not in arrays:
            return None
        return cls(arrays["codes"], np.array(arrays["code_grid"]), float(arrays["code_error"][0]))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As arrays of a block, under NAMES."""
        return {"codes": self.numbers, "code_grid": self.grid, "code_error": np.array([self.error])}

    def products(self, rows: slice, direction: Vectors) -> Vectors:
        """The inner products, float32 [m], of these rows [m] with a vector [d] of length one."""
        numbers, weights = self.numbers[rows], self.grid[1] * direction
        products = np.empty(len(numbers), np.float32)
        for start in range(0, len(numbers), CHUNK):  # as float32 they take four times the room
            some = slice(start, start + CHUNK)
            np.dot(numbers[some].astype(np.float32), weights, out=products[some])
        products += self.grid[0] @ direction
        return products


def _edges(vectors: Vectors) -> tuple[Vectors, Vectors]:
    if not len(vectors):
        return np.zeros(vectors.shape[1], np.float32), np.zeros(vectors.shape[1], np.float32)
    return vectors.min(axis=0), vectors.max(axis=0)
