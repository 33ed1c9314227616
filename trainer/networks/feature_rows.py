"""Rows of features that are read a block at a time: no copy of all of them is made, however many there are."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

BLOCK = 4_096  # rows that are copied at once


@dataclass(frozen=True, slots=True, eq=False)
class FeatureRows:
    """Some views of some pictures, times a factor: a matrix [rows, e], the views of a picture one after the other."""

    values: NDArray[np.float32]
    """[n, views, e], which may be mapped from a file."""
    pictures: NDArray[np.int64]
    """Which of the n."""
    views: tuple[int, ...]
    """Which of the views."""
    factor: float = 1.0

    @classmethod
    def of(cls, rows: NDArray[np.float32], selected: NDArray[np.int64] | None = None) -> Self:
        """Rows [n, e] of one view, or some of them."""
        return cls(rows[:, None], np.arange(len(rows)) if selected is None else selected, (0,))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, and the width of each."""
        return len(self), self.values.shape[2]

    def __len__(self) -> int:
        return len(self.pictures) * len(self.views)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> NDArray[np.float32]:
        numbers = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else rows
        pictures, views = np.divmod(numbers, len(self.views))
        return self.scaled(self.values[self.pictures[pictures], np.array(self.views, np.int64)[views]])

    def __matmul__(self, kernel: NDArray[np.float32]) -> NDArray[np.float32]:
        """The product [rows, d] with a kernel [e, d]."""
        product = np.empty((len(self), kernel.shape[1]), np.float32)
        for start in range(0, len(self), BLOCK):
            product[start : start + BLOCK] = self[start : start + BLOCK] @ kernel
        return product

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """All rows, some at a time."""
        for start in range(0, len(self), BLOCK):
            yield self[start : start + BLOCK]

    def only(self, rows: NDArray[np.int64]) -> Self:
        """These pictures of those."""
        return replace(self, pictures=self.pictures[rows])

    def scaled(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rows that were read from `values`, which are a copy, times the factor."""
        return rows if self.factor == 1 else np.multiply(rows, self.factor, out=rows)
