"""A selection of items: those that a filter lets through, as the catalogue knows them and as a vector store uses them.

Each item has a number in the catalogue, so that a million of them are a set of some kilobytes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap64

from retrieval.filters import Filter


@dataclass(frozen=True, eq=False)
class Selection:
    """Items of one state of the catalogue. Whoever searches among them may look at `filter`, or at the numbers."""

    filter: Filter
    numbers: BitMap64
    """Of the items; see the table `items`."""
    ids_of: Callable[[Iterable[int]], dict[int, str]] = field(repr=False)
    """The ids of items by number, read from the catalogue; those that are no more are left out."""
    numbers_of: Callable[[Sequence[str]], dict[str, int]] = field(repr=False)
    """The numbers of items by id, read from the catalogue; those that are no more are left out."""

    def __len__(self) -> int:
        return len(self.numbers)

    def ids(self) -> Iterator[str]:
        """The ids of all of them, read from the catalogue."""
        return iter(self.ids_of(self.numbers).values())

    @cached_property
    def flags(self) -> NDArray[np.bool_]:
        """Of each number from 0 on whether it is one of these; one more at the end, for no number: False."""
        flags = np.zeros(self.numbers.max() + 2 if self.numbers else 1, bool)
        flags[np.asarray(self.numbers.to_array(), np.int64)] = True
        return flags
