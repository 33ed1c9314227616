"""How good a ranking is, from labels alone. Pure NumPy; definitions after Musgrave, Belongie & Lim 2020,
"A Metric Learning Reality Check" (https://arxiv.org/abs/2003.08505).

What each measure is, as a formula: evaluation.FORMULAS. Each is averaged over the queries that have a true match at
all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.clusters import Metric
from retrieval.projection import unit
from trainer.evaluation.rankings import FAR, Labels, TrueMatches, rankings
from trainer.evaluation.results import CUTS, FORMULAS

Column = NDArray[np.float64]

MEASURES = tuple(FORMULAS)
LEVELS = np.linspace(0, 1, 21)  # of recall, at which precision is interpolated
NOTHING = "no query has a true match in the gallery: their labels have nothing in common"


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
class PerQuery:
    """Every measure of every answerable query, from which means, intervals and differences follow.

    `rows` int64 [n] are the queries' rows; `values` float64 [n, len(MEASURES)], NaN where a query has no such distance;
    `precision` float64 [21] is the interpolated precision at LEVELS of recall, averaged over the queries.
    """

    rows: NDArray[np.int64]
    values: NDArray[np.float64]
    precision: NDArray[np.float64]


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

    `same[i]` is the gallery row that is query i itself, left out of its own ranking (leave one out), or the rows that
    are, int64 [n] or [n, t]; -1 for none. Raises ValueError when no query has a true match.
    """
    ranked = rankings(queries, query_labels, gallery, gallery_labels, metric, same)
    return _scores(_means([_by_labels(TrueMatches.of(part.relevant)) for part in ranked]), len(queries))


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
    columns, matches, misses = [], [np.zeros((0, 2))], [np.zeros((0, 2))]
    for part in rankings(queries, query_labels, gallery, gallery_labels, metric, same):
        columns.append(_by_labels(TrueMatches.of(part.relevant)))
        distances = _distances(queries[part.queries], gallery[part.nearest])
        hits = part.relevant[:, :FAR]
        matches.append(distances[hits])
        misses.append(distances[~hits & ~part.left_out])
    means = _means(columns)
    at = tuple(AtK(k, *(means[f"{name}@{k}"] for name in ("accuracy", "precision", "recall", "f1"))) for k in CUTS)
    scores = _scores(means, len(queries))
    return Detail(scores, at, _mean_distances(np.concatenate(matches)), _mean_distances(np.concatenate(misses)))


def per_query(
    queries: NDArray[np.float32],
    query_labels: Labels,
    gallery: NDArray[np.float32],
    gallery_labels: Labels,
    *,
    metric: Metric = "cosine",
    same: NDArray[np.int64] | None = None,
) -> PerQuery:
    """Every measure of FORMULAS for each query that has a true match. Takes and raises the same as `score`."""
    by = 0 if metric == "cosine" else 1
    rows, tables, precision = [], [], np.zeros(len(LEVELS))
    for part in rankings(queries, query_labels, gallery, gallery_labels, metric, same):
        at = TrueMatches.of(part.relevant)
        distances = _distances(queries[part.queries], gallery[part.nearest])[:, :, by]
        hits = part.relevant[:, :FAR]
        columns = _by_labels(at) | {
            "distance_hits": _mean_where(distances, hits),
            "distance_misses": _mean_where(distances, ~hits & ~part.left_out),
        }
        rows.append(part.queries)
        tables.append(np.stack([columns[name] for name in MEASURES], axis=1))
        precision += _interpolated(at).sum(axis=0)
    query_rows = np.concatenate(rows) if rows else np.zeros(0, np.int64)
    if not len(query_rows):
        raise ValueError(NOTHING)
    return PerQuery(query_rows, np.concatenate(tables), precision / len(query_rows))


def _by_labels(at: TrueMatches) -> dict[str, Column]:
    """What the places of the true matches of n rankings, at least one in each, say: measures [n] by name."""
    columns = {
        "map": at.sums(at.precision) / at.total,
        "map@r": at.sums(at.precision * (at.rank <= at.total[at.query])) / at.total,
        "r_precision": at.sums(at.rank <= at.total[at.query]) / at.total,
        "mrr": 1 / at.rank[at.first],
    }
    for k in CUTS:
        matches = at.sums(at.rank <= k)
        # With P = found / k and R = found / total, 2 P R / (P + R) = 2 found / (k + total).
        columns |= {
            f"precision@{k}": matches / k,
            f"recall@{k}": matches / at.total,
            f"f1@{k}": 2 * matches / (k + at.total),
            f"hit_rate@{k}": (matches > 0).astype(np.float64),
            f"accuracy@{k}": (matches > 0).astype(np.float64),
        }
    return columns


def _interpolated(at: TrueMatches) -> NDArray[np.float64]:
    """The highest precision [n, 21] that n rankings reach at each of LEVELS of recall or beyond."""
    # Running maxima from the end of each ranking: what is added sets every ranking apart from those behind it.
    apart = 2.0 * at.query[::-1].max(initial=0) - 2.0 * at.query[::-1]
    highest = (np.maximum.accumulate(at.precision[::-1] + apart) - apart)[::-1]
    needed = np.maximum(1, np.ceil(LEVELS * at.total[:, None] - 1e-9)).astype(np.int64)
    reached: NDArray[np.float64] = highest[at.first[:, None] + needed - 1]
    return reached


def _means(parts: Sequence[Mapping[str, Column]]) -> Mapping[str, float]:
    """The mean of each measure over all queries, and "queries". Raises ValueError when there is none."""
    measured = sum(len(part["map"]) for part in parts)
    if not measured:
        raise ValueError(NOTHING)
    return {name: float(np.concatenate([part[name] for part in parts]).mean()) for name in parts[0]} | {
        "queries": measured
    }


def _scores(means: Mapping[str, float], queries: int) -> Scores:
    measured = int(means["queries"])
    p1, p10, r10, average, at_r = (means[name] for name in ("precision@1", "precision@10", "recall@10", "map", "map@r"))
    return Scores(p1, p10, r10, average, at_r, measured, queries - measured)


def _distances(queries: NDArray[np.float32], hits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Cosine and Euclidean distance [n, k, 2] of queries [n, d] to hits [n, k, d]."""
    cosine = 1 - np.einsum("nd,nkd->nk", unit(queries), unit(hits))
    return np.stack([cosine, np.linalg.norm(queries[:, None] - hits, axis=2)], axis=2).astype(np.float64)


def _mean_where(values: NDArray[np.float64], mask: NDArray[np.bool_]) -> Column:
    """The mean [n] of the wanted values of each row [n, k]; NaN where none is."""
    count = mask.sum(axis=1)
    means = np.full(len(values), np.nan)
    np.divide((values * mask).sum(axis=1), count, out=means, where=count > 0)
    return means


def _mean_distances(pairs: NDArray[np.float64]) -> Distances | None:
    """The mean of cosine and Euclidean distances [n, 2]; None of none."""
    if not len(pairs):
        return None
    cosine, euclidean = pairs.mean(axis=0).tolist()
    return Distances(cosine, euclidean, len(pairs))
