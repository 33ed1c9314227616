"""Galleries ranked for queries, exactly, and where the true matches come. Pure NumPy.

All pairs are compared, but never held at once: a gallery of millions is ranked a few queries at a time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from retrieval.clusters import Metric
from retrieval.encoding.projection import unit

Labels = NDArray[np.str_] | NDArray[np.int64]
Comparer = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Queries [n, d] to their nearness [n, m] to a gallery [m, d]."""

TABLE_VALUES = 1 << 24  # values of a table of similarities held at once: 64 MB of float32
FAR = 10  # hits that are looked at one by one


@dataclass(frozen=True, slots=True)
class Rankings:
    """The whole gallery ranked for some queries that have a true match.

    `queries` int64 [n] are their rows, `relevant` bool [n, m] says which of the ranking, nearest first, are true
    matches. `nearest` int64 [n, FAR or m] are the gallery rows that come first, `left_out` bool of the same shape those
    that are no answer: the query itself, ranked last.
    """

    queries: NDArray[np.int64]
    relevant: NDArray[np.bool_]
    nearest: NDArray[np.int64]
    left_out: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TrueMatches:
    """The true matches of n rankings in one list of h, query by query, nearest first.

    `query` int64 [h] is the row each belongs to, `rank` int64 [h] its rank from 1, `precision` float64 [h] the share of
    true matches up to that rank. `first` int64 [n] is where a query's begin, `total` int64 [n] how many it has.
    """

    query: NDArray[np.int64]
    rank: NDArray[np.int64]
    precision: NDArray[np.float64]
    first: NDArray[np.int64]
    total: NDArray[np.int64]

    @classmethod
    def of(cls, ranked: NDArray[np.bool_]) -> Self:
        query, place = np.nonzero(ranked)
        total = np.bincount(query, minlength=len(ranked))
        first = np.cumsum(total) - total
        matches = np.arange(1, len(query) + 1) - first[query]  # true matches up to each
        return cls(query, place + 1, matches / (place + 1), first, total)

    def sums(self, values: NDArray[np.float64] | NDArray[np.bool_]) -> NDArray[np.float64]:
        """The sum [n] over each query's own of values [h]."""
        return np.bincount(self.query, values, minlength=len(self.total)).astype(np.float64)


def similarities(queries: NDArray[np.float32], gallery: NDArray[np.float32], metric: Metric) -> NDArray[np.float32]:
    """Nearness [n, m] of queries [n, d] to gallery [m, d]: the cosine, or the Euclidean distance squared, negated."""
    return comparer(gallery, metric)(queries)


def comparer(gallery: NDArray[np.float32], metric: Metric) -> Comparer:
    """`similarities` to one gallery; what needs the gallery alone is computed once."""
    if metric == "cosine":
        directions = unit(gallery)
        return lambda queries: unit(queries) @ directions.T
    squares = np.square(gallery).sum(1)
    return lambda queries: 2 * queries @ gallery.T - squares - np.square(queries).sum(1)[:, None]


def rankings(
    queries: NDArray[np.float32],
    query_labels: Labels,
    gallery: NDArray[np.float32],
    gallery_labels: Labels,
    metric: Metric,
    same: NDArray[np.int64] | None,
) -> Iterator[Rankings]:
    """Rank the whole gallery for every query that has a true match, as many at once as fit in a table.

    `same` int64 [n] or [n, t]: the gallery rows that are the query itself, left out of its answer; -1 for none.
    """
    _names, numbers = np.unique(np.concatenate([query_labels, gallery_labels]), return_inverse=True)
    query_numbers, gallery_numbers = (
        numbers[: len(queries)],
        numbers[len(queries) :],
    )  # numbers compare faster than text
    itself = np.full(len(queries), -1) if same is None else same
    itself = itself[:, None] if itself.ndim == 1 else itself
    compare = comparer(gallery, metric)
    step = max(1, TABLE_VALUES // max(1, len(gallery), FAR * gallery.shape[1]))
    for start in range(0, len(queries), step):
        part = slice(start, start + step)
        nearness = compare(queries[part])
        relevant = query_numbers[part, None] == gallery_numbers[None, :]
        rows, places = np.nonzero(itself[part] >= 0)
        own = itself[part][rows, places]
        nearness[rows, own] = -np.inf
        relevant[rows, own] = False
        answerable = relevant.any(axis=1)
        nearness, relevant = nearness[answerable], relevant[answerable]
        order = np.argsort(-nearness, axis=1, kind="stable")
        nearest = order[:, :FAR]
        left_out = np.isneginf(np.take_along_axis(nearness, nearest, axis=1))
        relevant = np.take_along_axis(relevant, order, axis=1)
        yield Rankings(start + np.flatnonzero(answerable), relevant, nearest, left_out)
