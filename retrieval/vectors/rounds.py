"""A search, round by round: open the nearest clusters, drop those that cannot hold a better hit, and go on."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from retrieval.clusters import Doubles, Numbers, View

FIRST_ROUND = 4
"""Clusters opened before the first look at the bounds."""
GROWTH = 2
"""How many times larger each round is than the one before it."""

Scan = Callable[[Numbers], tuple[Numbers, Doubles]]
"""Opens clusters by number: the keys and distances of their vectors, at least of all that may be among their k best."""

Horizon = Callable[[float], float]
"""The measured distance of the k-th hit to the distance beyond which no vector can truly be among the k best."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Keys [m] of the vectors that may be among the k best within reach.

    It is all of those in the opened clusters, so m may exceed k.
    """

    keys: Numbers
    opened: Numbers
    """The numbers of the clusters that were opened."""
    certified: bool
    """No cluster left unopened can hold one of the k best within reach."""


def search_rounds(
    view: View,
    scan: Scan,
    horizon: Horizon,
    *,
    k: int,
    limit: int | None = None,
    short: bool = False,
    within: float = math.inf,
) -> Answer:
    """Opens clusters nearest first until none is left that may hold a better hit, or `limit` of them are open.

    Vectors beyond the distance `within` are no hits. With fewer than k hits found it goes on beyond the limit, unless
    `short` answers are wanted.
    """
    keys, distances = np.empty(0, np.int64), np.empty(0)
    rim = horizon(within)
    waiting = view.order[np.isfinite(view.bounds[view.order])]
    waiting = waiting[view.bounds[waiting] <= rim]
    opened = waiting[:0]
    size = FIRST_ROUND
    while len(waiting):
        left = len(waiting) if limit is None else limit - len(opened)
        if left <= 0 and (short or len(keys) >= k):
            break
        batch = waiting[: min(size, left) if left > 0 else size]
        waiting, opened = waiting[len(batch) :], np.append(opened, batch)
        more_keys, more_distances = scan(batch)
        keys, distances = np.append(keys, more_keys), np.append(distances, more_distances)
        if len(keys) >= k:
            rim = min(rim, horizon(float(np.partition(distances, k - 1)[k - 1])))
        near = distances <= rim
        keys, distances = keys[near], distances[near]
        waiting = waiting[view.bounds[waiting] <= rim]
        size *= GROWTH
    return Answer(keys, opened, certified=not len(waiting))
