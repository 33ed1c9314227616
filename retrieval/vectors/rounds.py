"""A search, round by round: open the nearest clusters, drop those that cannot hold a better hit, and go on."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from retrieval.clusters import Numbers, Vectors, View
from retrieval.vectors.margins import Gauge

FIRST_ROUND = 4
"""Clusters opened before the first look at the bounds."""
SHORTLIST = 128
"""Nearest clusters that are put in order at first; few searches need more."""
GROWTH = 2
"""How many times larger each round is than the one before it."""
REPORTED = 1e-6
"""More than a distance changes when it is rounded to float32 for the answer, absolute and relative."""
FARTHEST = 1e30
"""No two vectors are so far apart (see `comparable`), and float32 can still hold it."""


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
    margin: float = math.inf
    """Of the nearest cluster left unopened that may hold one of the k best within reach; infinite if there is none."""

    @property
    def certified(self) -> bool:
        """No cluster left unopened can hold one of the k best within reach."""
        return self.margin == math.inf


def search_rounds(
    view: View,
    scan: Scan,
    *,
    k: int,
    first: int = FIRST_ROUND,
    limit: int | None = None,
    margin: float = math.inf,
    short: bool = False,
    within: float = math.inf,
) -> Answer:
    """Opens clusters nearest first until none is left that may hold a better hit.

    Or until `limit` of them are open, or none is left within the `margin` (see margins.py); with fewer than k hits it
    goes on beyond either, unless `short` answers are wanted. `first` are opened before the first look at the bounds.
    Rows beyond the distance `within` are no hits.
    """
    rim = within + REPORTED * (1 + abs(within)) if -FARTHEST < within < FARTHEST else math.copysign(math.inf, within)
    waiting = listed = view.nearest(SHORTLIST)
    others = len(view.nearness) > SHORTLIST
    if not len(waiting):
        waiting, others = view.others(listed), False
    if not len(waiting):
        return Answer(NOTHING.rows, NOTHING.rows)
    gauge = Gauge(view, int(waiting[0]))
    bounds: Vectors | None = None
    hits, opened, size = NOTHING, 0, first
    batches: list[Numbers] = []

    def target() -> int:
        """How many of those that wait are to be opened next; 0 to stop."""
        enough = short or len(hits.rows) >= k
        if limit is not None and (opened < limit or enough):
            return min(size, len(waiting), limit - opened)
        if margin < math.inf and enough:
            return int(np.searchsorted(view.nearness[waiting], gauge.limit(margin, rim), side="right"))
        return min(size, len(waiting))

    while True:
        count = target()
        # Where bounds rule out nothing, as mostly in a large store, there is no use in computing them.
        if rim < math.inf and (
            bounds is not None or margin == math.inf or _ruled_out(view, waiting[: max(count, 1)], rim)
        ):
            bounds = view.bounds_of(waiting) if bounds is None else bounds
            near = bounds <= rim
            waiting, bounds = waiting[near], bounds[near]
            count = target()
        if not len(waiting) and others:
            waiting, others, bounds = view.others(listed), False, None
            continue
        if count <= 0:
            break
        batch, waiting = waiting[:count], waiting[count:]
        bounds = None if bounds is None else bounds[count:]
        batches.append(batch)
        opened += count
        hits = hits.and_also(scan(batch, rim))
        rim = min(rim, hits.rim(k))
        hits = hits.within(rim)
        size *= GROWTH
    left = gauge.margin(int(waiting[0]), rim) if len(waiting) else math.inf
    return Answer(hits.rows, np.concatenate(batches) if batches else waiting[:0], left)


def _ruled_out(view: View, clusters: Numbers, rim: float) -> bool:
    """Whether the last of these clusters most likely lies beyond a distance as a whole; true of none."""
    return not len(clusters) or view.guess(int(clusters[-1])) > rim
