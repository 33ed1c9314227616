"""How good a ranking is, from labels alone. Pure NumPy; definitions after Musgrave, Belongie & Lim 2020,
"A Metric Learning Reality Check" (https://arxiv.org/abs/2003.08505).

For a query with R true matches in the gallery and r_i = 1 where the i-th hit is one of them:
P@k = sum(r_1..r_k) / k,  R@k = sum(r_1..r_k) / R,  AP = sum_i(r_i P@i) / R over the whole ranking,
AP@R = sum_{i<=R}(r_i P@i) / R. Each is averaged over the queries that have a true match at all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.clusters import Metric
from retrieval.projection import unit

Labels = NDArray[np.str_] | NDArray[np.int64]

TABLE_VALUES = 1 << 24  # values of a table of similarities held at once: 64 MB of float32


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
    rows: list[NDArray[np.float64]] = []
    _names, numbers = np.unique(np.concatenate([query_labels, gallery_labels]), return_inverse=True)
    asked, known = numbers[: len(queries)], numbers[len(queries) :]  # numbers compare faster than text
    step = max(1, TABLE_VALUES // max(1, len(gallery)))
    for start in range(0, len(queries), step):
        part = slice(start, start + step)
        nearness = similarities(queries[part], gallery, metric)
        relevant = asked[part, None] == known[None, :]
        if same is not None:
            own = same[part]
            mine = np.flatnonzero(own >= 0)
            nearness[mine, own[mine]] = -np.inf
            relevant[mine, own[mine]] = False
        answerable = relevant.any(axis=1)
        order = np.argsort(-nearness[answerable], axis=1, kind="stable")
        rows.append(_measures(np.take_along_axis(relevant[answerable], order, axis=1)))
    measured = sum(map(len, rows))
    if not measured:
        raise ValueError("no query has a true match in the gallery: their labels have nothing in common")
    p1, p10, r10, average, at_r = (float(mean) for mean in np.concatenate(rows).mean(axis=0))
    return Scores(p1, p10, r10, average, at_r, measured, len(queries) - measured)


def _measures(ranked: NDArray[np.bool_]) -> NDArray[np.float64]:
    """P@1, P@10, R@10, AP, AP@R [n, 5] of rankings [n, m] of true matches, at least one in each, and others."""
    total = ranked.sum(axis=1)
    ranks = np.arange(1, ranked.shape[1] + 1)
    gained = ranked * np.cumsum(ranked, axis=1) / ranks
    within_r = ranks <= total[:, None]
    first, ten = ranked[:, :1].sum(axis=1), ranked[:, :10].sum(axis=1)
    averages = gained.sum(axis=1) / total, (gained * within_r).sum(axis=1) / total
    return np.stack([first, ten / 10, ten / total, *averages], axis=1)
