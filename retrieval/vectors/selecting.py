"""Which rows of a store a search may find: by the numbers that their items have in the catalogue, or by row.

The catalogue says which items a filter lets through, by number; the store knows the number of each row. So a search
looks only at the rows that it opens, and costs the same whether the filter lets few or many through.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap64

from retrieval.clusters import Numbers

UNKNOWN = -1


class Allowed(Protocol):
    """Of some rows, whether each may be found."""

    def __getitem__(self, rows: slice | Numbers) -> NDArray[np.bool_]: ...


@dataclass(frozen=True, slots=True, eq=False)
class AllowedNumbers:
    """The rows whose items have certain numbers."""

    numbers: NDArray[Any]
    """Of each row."""
    flags: NDArray[np.bool_]
    """Of each number whether it may be found; the last one, False, is for no number."""

    def __getitem__(self, rows: slice | Numbers) -> NDArray[np.bool_]:
        allowed: NDArray[np.bool_] = self.flags[np.minimum(self.numbers[rows], len(self.flags) - 1)]
        return allowed


@dataclass(frozen=True, slots=True, eq=False)
class AllowedRows:
    """Certain rows, ascending."""

    rows: Numbers

    def __getitem__(self, rows: slice | Numbers) -> NDArray[np.bool_]:
        if not isinstance(rows, slice):
            return np.isin(rows, self.rows)
        first, last = np.searchsorted(self.rows, (rows.start, rows.stop))
        allowed = np.zeros(rows.stop - rows.start, bool)
        allowed[self.rows[first:last] - rows.start] = True
        return allowed


class RowNumbers:
    """The number of each row's item, as far as it is known. Not safe to change while it is read."""

    def __init__(self) -> None:
        self._numbers: NDArray[Any] = np.empty(0, np.int32)  # int64 once a number is too large for that
        self._rows: NDArray[Any] = np.empty(0, np.int32)  # by number
        self.known = BitMap64()
        """The numbers that have a row."""
        self.absent = BitMap64()
        """The numbers that had none when they were looked for."""

    def make_room(self, rows: int) -> None:
        """Rows up to this one may have numbers from now on; those looked for in vain may have come."""
        self._numbers = _grown(self._numbers, rows)
        self.absent = BitMap64()

    def unknown(self, numbers: BitMap64) -> BitMap64:
        """Those of these numbers whose row, if there is one, is not known."""
        if numbers.issubset(self.known):
            return BitMap64()
        return numbers - self.known - self.absent

    def set(self, numbers: Numbers, rows: Numbers) -> None:
        """From now on, these rows' items have these numbers; a row UNKNOWN says that there is none."""
        there = rows != UNKNOWN
        self.absent |= BitMap64(numbers[~there].astype(np.uint64))
        numbers, rows = numbers[there], rows[there]
        if not len(rows):
            return
        self.forget(rows)
        largest = int(numbers.max())
        if largest > np.iinfo(self._numbers.dtype).max:
            self._numbers = self._numbers.astype(np.int64)
        self._rows = _grown(self._rows, largest + 1)
        self._numbers[rows] = numbers
        self._rows[numbers] = rows
        self.known |= BitMap64(numbers.astype(np.uint64))

    def forget(self, rows: Numbers) -> None:
        """These rows have no number any more."""
        numbers = self._numbers[rows]
        numbers = numbers[numbers != UNKNOWN]
        self._numbers[rows] = UNKNOWN
        self._rows[numbers] = UNKNOWN
        self.known -= BitMap64(numbers.astype(np.uint64))

    def of(self, row: int) -> int:
        """The number of a row, or UNKNOWN."""
        return int(self._numbers[row])

    def rows(self, numbers: BitMap64) -> Numbers:
        """The rows of those of these numbers that have one."""
        known_numbers = np.asarray((numbers & self.known).to_array(), np.int64)
        rows: Numbers = self._rows[known_numbers].astype(np.int64)
        return rows

    def allowed(self, flags: NDArray[np.bool_]) -> AllowedNumbers:
        """The rows that a selection lets through."""
        return AllowedNumbers(self._numbers, flags)

    def moved(self, rows: Numbers, count: int) -> "RowNumbers":
        """The same for a store whose rows have moved: `rows` has the new row of each old one, or UNKNOWN."""
        moved = RowNumbers()
        moved.make_room(count)
        places = np.asarray(rows, np.int64)
        usable = (self._numbers[: len(places)] != UNKNOWN) & (places != UNKNOWN)
        moved.set(self._numbers[: len(places)][usable], places[usable])
        return moved


def _grown(values: NDArray[Any], size: int) -> NDArray[Any]:
    """The values with room for so many; the new ones are UNKNOWN."""
    if size <= len(values):
        return values
    room = np.full(max(size - len(values), len(values) // 8), UNKNOWN, values.dtype)
    return np.concatenate([values, room])
