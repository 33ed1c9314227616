"""The vectors that are searched, as rows: a block ordered by cluster, and behind it the rows that came later.

A cluster of the block is one slice, so that opening it is one product of a matrix and the query. There is one copy of
the vectors, 4 d bytes a row, and the block may be mapped from a file.
"""

import math

import numpy as np
from numpy.typing import NDArray

from retrieval.clusters import Clusters, Numbers, Vectors, lengths_of
from retrieval.vectors.embedded.block import Block
from retrieval.vectors.embedded.tail import Tail
from retrieval.vectors.probe import Probe
from retrieval.vectors.rounds import NOTHING, Measured
from retrieval.vectors.selecting import Allowed

MANY_CLUSTERS = 64
"""Clusters from which on it pays to join those that lie side by side."""


class ClusterIndex:
    """Vectors under row numbers. Not safe to change while it is read."""

    def __init__(self, clusters: Clusters, block: Block) -> None:
        self.sizes = np.diff(block.offsets)
        """Vectors in each cluster, int64 [C]."""
        self.change_counts = np.zeros(len(clusters), np.int64)
        """Vectors that have come to each cluster or gone from it, int64 [C]."""
        self._clusters = clusters
        self._block = block
        self._tail = Tail(clusters.dims)
        self._flags = np.ones(len(block), bool)  # of each row whether it is here; may have room for further rows
        self._removed = 0

    def __len__(self) -> int:
        return len(self._alive) - self._removed

    @property
    def _alive(self) -> NDArray[np.bool_]:
        """Of each row whether it has not been removed."""
        return self._flags[: len(self._block) + len(self._tail)]

    @property
    def change_count(self) -> int:
        """Rows behind the block, and removed ones: what a new block would put in order."""
        return len(self._tail) + self._removed

    @property
    def removed(self) -> int:
        """How many rows have been removed."""
        return self._removed

    def has(self, row: int) -> bool:
        """Whether this row has not been removed."""
        return bool(self._alive[row])

    def are_here(self, rows: Numbers) -> NDArray[np.bool_]:
        """Of these rows, whether each has not been removed; -1 is none."""
        here = rows >= 0
        here[here] = self._alive[rows[here]]
        return here

    def add(self, vectors: Vectors, assigned: Numbers) -> Numbers:
        """Adds vectors [n, d] to the clusters they are assigned to [n]; returns their rows [n]."""
        rows: Numbers = len(self._block) + self._tail.add(vectors, assigned)
        if (missing := len(self._block) + len(self._tail) - len(self._flags)) > 0:
            # Room for as many again: an addition must not cost more the more rows there are.
            self._flags = np.concatenate([self._flags, np.ones(max(missing, len(self._tail)), bool)])
        np.add.at(self.sizes, assigned, 1)
        np.add.at(self.change_counts, assigned, 1)
        return rows

    def remove(self, rows: Numbers) -> None:
        """Removes these rows, each of which must be here."""
        if len(rows):
            clusters = self.clusters(rows)
            np.subtract.at(self.sizes, clusters, 1)
            np.add.at(self.change_counts, clusters, 1)
            self._alive[rows] = False
            self._removed += len(rows)

    def rows(self) -> Numbers:
        """Every row that is here, ascending."""
        rows: Numbers = np.flatnonzero(self._alive)
        return rows

    def members(self, cluster: int) -> Numbers:
        """The rows in a cluster."""
        start, end = self._block.offsets[cluster : cluster + 2].tolist()
        rows = np.concatenate([np.arange(start, end), len(self._block) + self._tail.members([cluster])])
        members: Numbers = rows[self._alive[rows]]
        return members

    def vectors(self, rows: Numbers) -> Vectors:
        """The vectors [n, d] of these rows [n]."""
        late = rows >= len(self._block)
        if not late.any():
            return self._block.rows(rows)
        vectors = np.empty((len(rows), self._clusters.dims), np.float32)
        vectors[~late] = self._block.rows(rows[~late])
        vectors[late] = self._tail.vectors[rows[late] - len(self._block)]
        return vectors

    def clusters(self, rows: Numbers) -> Numbers:
        """The clusters [n] of these rows [n]."""
        clusters = np.searchsorted(self._block.offsets, rows, side="right") - 1
        late = rows >= len(self._block)
        if late.any():
            clusters[late] = self._tail.clusters[rows[late] - len(self._block)]
        return clusters

    def nearest(
        self,
        opened: Numbers,
        probe: Probe,
        *,
        k: int,
        rim: float = math.inf,
        exclude: Numbers,
        only: Allowed | None = None,
    ) -> Measured:
        """Of the rows in the opened clusters at least all that may be among the k nearest, and lie within `rim`.

        Rows in `exclude` are left out, and with `only`, all but these.
        """
        starts, ends = self._slices(opened)
        slices = [slice(*pair) for pair in zip(starts.tolist(), ends.tolist(), strict=True)]
        late = self._tail.members(opened.tolist()) if len(self._tail) else opened[:0]
        runs = np.append(ends - starts, len(late)).cumsum()
        products, codes = np.empty(runs[-1], np.float32), self._block.codes
        place = 0
        for each, end in zip(slices, runs.tolist(), strict=False):
            if codes is None:
                np.dot(self._block.vectors[each], probe.direction, out=products[place:end])
            else:
                products[place:end] = codes.products(each, probe.direction)
            place = end
        lengths = [self._block.lengths[each] for each in slices]
        if len(late):
            vectors = self._tail.vectors[late]
            products[place:] = vectors @ probe.direction
            lengths.append(lengths_of(vectors).astype(np.float32))
        if not len(products):
            return NOTHING
        allowed: Allowed | None = only if only is not None else self._alive if self._removed else None
        hidden = None
        if allowed is not None:
            hidden = ~np.concatenate([*(allowed[each] for each in slices), allowed[len(self._block) + late]])
        places, lower, upper = probe.nearest(
            products,
            np.concatenate(lengths),
            k=k + len(exclude),
            rim=rim,
            hidden=hidden,
            slack=0.0 if codes is None else codes.error,
        )
        run = np.searchsorted(runs, places, side="right")
        rows = places - np.append(0, runs)[run] + np.append(starts, len(self._block))[run]
        if len(late):
            behind = run == len(starts)
            rows[behind] = len(self._block) + late[rows[behind] - len(self._block)]
        if len(exclude):
            included = np.isin(rows, exclude, invert=True)
            rows, lower, upper = rows[included], lower[included], upper[included]
        return Measured(rows, lower, upper) if codes is None else self.measure(rows, probe, k, rim)

    def measure(self, rows: Numbers, probe: Probe, k: int, rim: float = math.inf) -> Measured:
        """Of these rows at least all that may be among the k nearest, and lie within `rim`."""
        vectors = self.vectors(rows)
        places, lower, upper = probe.nearest(
            vectors @ probe.direction, lengths_of(vectors).astype(np.float32), k=k, rim=rim
        )
        return Measured(rows[places], lower, upper)

    def _slices(self, opened: Numbers) -> tuple[Numbers, Numbers]:
        """Where the opened clusters begin and end in the block; those side by side are one."""
        if len(opened) < MANY_CLUSTERS:
            return self._block.offsets[opened], self._block.offsets[opened + 1]
        numbers = np.sort(opened)
        breaks = np.flatnonzero(np.diff(numbers) > 1)
        firsts, lasts = numbers[np.append(0, breaks + 1)], numbers[np.append(breaks, len(numbers) - 1)]
        return self._block.offsets[firsts], self._block.offsets[lasts + 1]
