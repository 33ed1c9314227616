"""What an embedded store holds in memory: vectors by row, the ids of the rows, and the numbers of their items."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from retrieval.clusters import Clusters, Numbers, Vectors
from retrieval.selection import Selection
from retrieval.vectors.base import Members
from retrieval.vectors.embedded.block import Block
from retrieval.vectors.embedded.index import ClusterIndex
from retrieval.vectors.embedded.packed_ids import hash_of
from retrieval.vectors.selecting import UNKNOWN, Allowed, AllowedRows, RowNumbers


class StoreRows:
    """The rows of a block, and behind them those that came later. Not safe to change while it is read."""

    def __init__(self, clusters: Clusters, block: Block) -> None:
        self.block = block
        self.index = ClusterIndex(clusters, block)
        self.reach = block.reach
        self.late_names: list[str] = []
        """The ids of the rows behind the block."""
        self.numbers = RowNumbers()
        self.numbers.make_room(len(block))
        self._clusters = clusters
        self._late_rows: dict[str, int] = {}
        self._late_hashes: list[int] = []

    def moved(self, block: Block) -> "StoreRows":
        """The rows of another block with the same vectors, the numbers of whose items stay known."""
        rows = StoreRows(self._clusters, block)
        rows.numbers = self.numbers.moved(self.block.ids.rows_in(block.ids, self.late_names), len(block))
        return rows

    def ids(self) -> tuple[str, ...]:
        """Every id, by row."""
        names = [*self.block.ids.names(), *self.late_names]
        return tuple(names[row] for row in self.index.rows().tolist())

    def sample(self, limit: int) -> Numbers:
        """At most so many rows, of the ids with the smallest hashes."""
        in_block = self.block.ids.rows[: limit + self.index.removed]
        rows = np.concatenate([in_block, np.arange(len(self.late_names)) + len(self.block)])
        late = np.array(self._late_hashes, np.uint64)
        hashes = np.concatenate([self.block.ids.hashes[: len(in_block)], late])
        here = self.index.are_here(rows)
        sample: Numbers = rows[here][np.argsort(hashes[here], kind="stable")[:limit]]
        return sample

    def allowed(
        self, only: Selection | Collection[str] | None, excluded: Numbers, *, few: int
    ) -> tuple[Numbers | None, Allowed | None]:
        """The rows that may be hits, where they are so few; else what tells them from others. Neither: all may be."""
        if only is None:
            return None, None
        if isinstance(only, Selection):
            if len(only) > few:
                return None, self.numbers.allowed(only.flags)
            return np.setdiff1d(self.numbers.rows(only.numbers), excluded), None
        rows = np.sort(self.of_ids(only))
        return (None, AllowedRows(rows)) if len(rows) > few else (np.setdiff1d(rows, excluded), None)

    def replace(self, ids: Sequence[str], vectors: Vectors, clusters: Numbers) -> None:
        """Add vectors, in place of those of the same ids; which still are of the same items, for all that is known."""
        numbers = {item: self.numbers.of(row) for item in ids if (row := self.of_id(item)) is not None}
        self.hide(self.of_ids(ids))
        self.show(ids, vectors, clusters)
        self.number(numbers)

    def of_id(self, item_id: str) -> int | None:
        """The row of an id; None if it is not here."""
        row = self._late_rows.get(item_id)
        if row is None:
            row = self.block.ids.row(item_id)
        return row if row is not None and self.index.has(row) else None

    def of_ids(self, ids: Collection[str]) -> Numbers:
        """The rows of those of these ids that are here, each once."""
        rows = (self.of_id(item) for item in set(ids))
        return np.array([row for row in rows if row is not None], np.int64)

    def name(self, row: int) -> str:
        """The id of a row."""
        late = row - len(self.block)
        return self.late_names[late] if late >= 0 else self.block.ids.name(row)

    def names(self, rows: Numbers) -> list[str]:
        """The ids of these rows."""
        if self.late_names:
            return [self.name(row) for row in rows.tolist()]
        return self.block.ids.names_of(rows)

    def members(self, rows: Numbers) -> Members:
        """What is in these rows."""
        return Members(tuple(self.names(rows)), self.index.vectors(rows), self.index.clusters(rows))

    def show(self, ids: Sequence[str], vectors: Vectors, clusters: Numbers) -> None:
        """Lets searches find vectors whose ids are not in use."""
        rows = self.index.add(vectors, clusters)
        self.reach = self.reach.widened(vectors, clusters)
        self.numbers.make_room(int(rows.max(initial=-1)) + 1)
        self.late_names += ids
        self._late_hashes += map(hash_of, ids)
        self._late_rows.update(zip(ids, rows.tolist(), strict=True))

    def hide(self, rows: Numbers) -> None:
        """Hides rows from searches. The clusters' reach stays: too wide is safe."""
        self.index.remove(rows)
        self.numbers.forget(rows)
        for row in rows.tolist():
            self._late_rows.pop(self.name(row), None)

    def number(self, numbers: Mapping[str, int]) -> None:
        """The items of these ids have these numbers in the catalogue."""
        numbered = {item: number for item, number in numbers.items() if number != UNKNOWN}
        rows = self.block.ids.rows_of(list(numbered))
        late = np.array([self._late_rows.get(item, UNKNOWN) for item in numbered], np.int64)
        rows = np.where(late != UNKNOWN, late, rows)
        self.numbers.set(
            np.array(list(numbered.values()), np.int64), np.where(self.index.are_here(rows), rows, UNKNOWN)
        )
