"""How good a ranking is, from labels alone. Pure NumPy; definitions after Musgrave, Belongie & Lim 2020,
"A Metric Learning Reality Check" (https://arxiv.org/abs/2003.08505).

For a query with R true matches in the gallery and r_i = 1 where the i-th hit is one of them:
P@k = sum(r_1..r_k) / k,  R@k = sum(r_1..r_k) / R,  AP = sum_i(r_i P@i) / R over the whole ranking,
AP@R = sum_{i<=R}(r_i P@i) / R,  F1@k = 2 P@k R@k / (P@k + R@k) or 0 where both are,
top-k accuracy = 1 if any of r_1..r_k is 1. Each is averaged over the queries that have a true match at all.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.clusters import Metric
from retrieval.projection import unit

Labels = NDArray[np.str_] | NDArray[np.int64]

TABLE_VALUES = 1 << 24  # values of a table of similarities held at once: 64 MB of float32
CUTS = (1, 5, 10)
FAR = 10  # hits whose distance is looked at


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over `queries` queries; `unanswerable` ones (no true match in the gallery) are not among them."""

    precision_at_1: float
    precision_at_10: float
    recall_at_10: float
    map: float
    map_at_r: float
    queries: int
    unanswerable: int


@dataclass(frozen=True, slots=True)
class AtK:
    """Means over the queries of what their first k hits hold."""

    k: int
    accuracy: float
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Distances:
    """Mean distances of queries to hits, by both measures, and over how many pairs."""

    cosine: float
    euclidean: float
    pairs: int


@dataclass(frozen=True, slots=True)
class Detail:
    """All that is worth comparing: `scores`, the first 1, 5 and 10 hits, and how far away hits are.

    `matches` are the true matches among the first 10 hits of the answerable queries, `misses` all others there; None
    where there are none. A distance is averaged over the pairs of all queries together.
    """

    scores: Scores
    at: tuple[AtK, ...]
    matches: Distances | None
    misses: Distances | None


@dataclass(frozen=True, slots=True)
class _Rankings:
    """The whole gallery ranked for some queries that have a true match.

    `queries` int64 [n] are their rows, `order` int64 [n, m] gallery rows, nearest first, `relevant` bool [n, m] which
    of those are true matches, `own` int64 [n] the gallery row that is the query itself, ranked last; -1 for none.
    """

    queries: NDArray[np.int64]
    order: NDArray[np.int64]
    relevant: NDArray[np.bool_]
    own: NDArray[np.int64]


def similarities(queries: NDArray[np.float32], gallery: NDArray[np.float32], metric: Metric) -> NDArray[np.float32]:
    """Nearness [n, m] of queries [n, d] to gallery [m, d]: the cosine, or the Euclidean distance squared, negated."""
    if metric == "cosine":
        nearness: NDArray[np.float32] = unit(queries) @ unit(gallery).T
    else:
        nearness = 2 * queries @ gallery.T - np.square(gallery).sum(1) - np.square(queries).sum(1)[:, None]
    return nearness


def score(
    queries: NDArray[np.float32],
    query_labels: Labels,
    gallery: NDArray[np.float32],
    gallery_labels: Labels,
    *,
    metric: Metric = "cosine",
    same: NDArray[np.int64] | None = None,
) -> Scores:
    """Rank the whole gallery for every query and average the measures.

    `same[i]` is the gallery row that is query i itself, left out of its own ranking (leave one out); -1 for none.
    Raises ValueError when no query has a true match.
    """
    ranked = _rankings(queries, query_labels, gallery, gallery_labels, metric, same)
    return _scores([_measures(part.relevant) for part in ranked], len(queries))


def detail(
    queries: NDArray[np.float32],
    query_labels: Labels,
    gallery: NDArray[np.float32],
    gallery_labels: Labels,
    *,
    metric: Metric = "cosine",
    same: NDArray[np.int64] | None = None,
) -> Detail:
    """What `score` measures and much more, from one ranking. Takes and raises the same."""
    rows, firsts, matches, misses = [], [], [np.zeros((0, 2))], [np.zeros((0, 2))]
    for part in _rankings(queries, query_labels, gallery, gallery_labels, metric, same):
        rows.append(_measures(part.relevant))
        firsts.append(np.stack([_at(part.relevant, k) for k in CUTS], axis=1))
        order, relevant = part.order[:, :FAR], part.relevant[:, :FAR]
        distances = _distances(queries[part.queries], gallery[order])
        matches.append(distances[relevant])
        misses.append(distances[~relevant & (order != part.own[:, None])])
    scores = _scores(rows, len(queries))
    means = np.concatenate(firsts).mean(axis=0)
    at = tuple(AtK(k, *map(float, values)) for k, values in zip(CUTS, means, strict=True))
    return Detail(scores, at, _mean_distances(np.concatenate(matches)), _mean_distances(np.concatenate(misses)))


def _rankings(
    queries: NDArray[np.float32],
    query_labels: Labels,
    gallery: NDArray[np.float32],
    gallery_labels: Labels,
    metric: Metric,
    same: NDArray[np.int64] | None,
) -> Iterator[_Rankings]:
    """Rank the gallery for the answerable queries, as many at once as fit in a table."""
    _names, numbers = np.unique(np.concatenate([query_labels, gallery_labels]), return_inverse=True)
    asked, known = numbers[: len(queries)], numbers[len(queries) :]  # numbers compare faster than text
    itself = np.full(len(queries), -1) if same is None else same
    step = max(1, TABLE_VALUES // max(1, len(gallery)))
    for start in range(0, len(queries), step):
        part = slice(start, start + step)
        nearness = similarities(queries[part], gallery, metric)
        relevant = asked[part, None] == known[None, :]
        own = itself[part]
        mine = np.flatnonzero(own >= 0)
        nearness[mine, own[mine]] = -np.inf
        relevant[mine, own[mine]] = False
        answerable = relevant.any(axis=1)
        order = np.argsort(-nearness[answerable], axis=1, kind="stable")
        ranked = np.take_along_axis(relevant[answerable], order, axis=1)
        yield _Rankings(start + np.flatnonzero(answerable), order, ranked, own[answerable])


def _scores(rows: list[NDArray[np.float64]], queries: int) -> Scores:
    """The mean of what `_measures` gave. Raises ValueError when there is none."""
    measured = sum(map(len, rows))
    if not measured:
        raise ValueError("no query has a true match in the gallery: their labels have nothing in common")
    p1, p10, r10, average, at_r = (float(mean) for mean in np.concatenate(rows).mean(axis=0))
    return Scores(p1, p10, r10, average, at_r, measured, queries - measured)


def _measures(ranked: NDArray[np.bool_]) -> NDArray[np.float64]:
    """P@1, P@10, R@10, AP, AP@R [n, 5] of rankings [n, m] of true matches, at least one in each, and others."""
    total = ranked.sum(axis=1)
    ranks = np.arange(1, ranked.shape[1] + 1)
    gained = ranked * np.cumsum(ranked, axis=1) / ranks
    within_r = ranks <= total[:, None]
    first, ten = ranked[:, :1].sum(axis=1), ranked[:, :10].sum(axis=1)
    averages = gained.sum(axis=1) / total, (gained * within_r).sum(axis=1) / total
    return np.stack([first, ten / 10, ten / total, *averages], axis=1)


def _at(ranked: NDArray[np.bool_], k: int) -> NDArray[np.float64]:
    """Top-k accuracy, P@k, R@k and F1@k [n, 4] of such rankings."""
    found, total = ranked[:, :k].sum(axis=1), ranked.sum(axis=1)
    # With P = found / k and R = found / total, 2 P R / (P + R) = 2 found / (k + total).
    return np.stack([found > 0, found / k, found / total, 2 * found / (k + total)], axis=1)


def _distances(queries: NDArray[np.float32], hits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Cosine and Euclidean distance [n, k, 2] of queries [n, d] to hits [n, k, d]."""
    cosine = 1 - np.einsum("nd,nkd->nk", unit(queries), unit(hits))
    return np.stack([cosine, np.linalg.norm(queries[:, None] - hits, axis=2)], axis=2).astype(np.float64)


def _mean_distances(pairs: NDArray[np.float64]) -> Distances | None:
    """The mean of cosine and Euclidean distances [n, 2]; None of none."""
    if not len(pairs):
        return None
    cosine, euclidean = pairs.mean(axis=0).tolist()
    return Distances(cosine, euclidean, len(pairs))
