"""A search, round by round: open the nearest clusters, drop those that cannot hold a better hit, and go on."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from retrieval.clusters import Numbers, Vectors, View

FIRST_ROUND = 4
"""Clusters opened before the first look at the bounds."""
GROWTH = 2
"""How many times larger each round is than the one before it."""
REPORTED = 1e-6
"""More than a distance changes when it is rounded to float32 for the answer, absolute and relative."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Rows int64 [m], and between which two values, float32 [m], the distance of each lies."""

    rows: Numbers
    lower: Vectors
    upper: Vectors

    def within(self, rim: float) -> "Measured":
        """Those that may lie within this distance."""
        near = self.lower <= rim
        return self if near.all() else Measured(self.rows[near], self.lower[near], self.upper[near])

    def and_also(self, other: "Measured") -> "Measured":
        """Both together."""
        if not len(self.rows):
            return other
        return Measured(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.lower, other.lower]),
            np.concatenate([self.upper, other.upper]),
        )

    def rim(self, k: int) -> float:
        """A distance that k rows lie within for certain; infinite where there are fewer."""
        return float(np.partition(self.upper, k - 1)[k - 1]) if len(self.upper) >= k else math.inf


NOTHING = Measured(np.empty(0, np.int64), np.empty(0, np.float32), np.empty(0, np.float32))

Scan = Callable[[Numbers, float], Measured]
"""Opens clusters by number: of their rows, at least all that may be among the k nearest and lie within a distance."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows [m] that may be among the k best within reach.

    It is all of those in the opened clusters, so m may exceed k.
    """

    rows: Numbers
    opened: Numbers
    """The numbers of the clusters that were opened."""
    certified: bool
    """No cluster left unopened can hold one of the k best within reach."""


def search_rounds(
    view: View,
    scan: Scan,
    *,
    k: int,
    first: int = FIRST_ROUND,
    limit: int | None = None,
    short: bool = False,
    within: float = math.inf,
) -> Answer:
    """Opens clusters nearest first until none is left that may hold a better hit, or `limit` of them are open.

    `first` of them before the first look at the bounds. Rows beyond the distance `within` are no hits. With fewer than
    k hits it goes on beyond the limit, unless `short` answers are wanted.
    """
    rim = within + REPORTED * (1 + abs(within)) if math.isfinite(within) else within
    waiting = np.flatnonzero((view.bounds <= rim) & (view.bounds < math.inf))
    hits, opened, size = NOTHING, 0, first
    batches: list[Numbers] = []
    while len(waiting):
        left = len(waiting) if limit is None else limit - opened
        if left <= 0 and (short or len(hits.rows) >= k):
            break
        batch, waiting = _nearest(view, waiting, min(size, left) if left > 0 else size)
        batches.append(batch)
        opened += len(batch)
        hits = hits.and_also(scan(batch, rim))
        rim = min(rim, hits.rim(k))
        hits = hits.within(rim)
        waiting = waiting[view.bounds[waiting] <= rim]
        size *= GROWTH
    return Answer(hits.rows, np.concatenate(batches) if batches else waiting[:0], certified=not len(waiting))


def _nearest(view: View, waiting: Numbers, count: int) -> tuple[Numbers, Numbers]:
    """The `count` nearest of these clusters, and the others. Nothing is sorted: their order does not matter."""
    if count >= len(waiting):
        return waiting, waiting[:0]
    parted = waiting[np.argpartition(view.nearness[waiting], count)]
    return parted[:count], parted[count:]
