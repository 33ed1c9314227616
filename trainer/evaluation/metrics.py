"""Galleries searched with labelled queries, and what the rankings are worth. Pure NumPy.

`per_query` computes every measure of evaluation.measures; `score` and `detail` summarise it. Only queries that have a
true match in the gallery are measured; the others are counted as unanswerable.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.clusters import Metric
from retrieval.encoding.projection import unit
from trainer.evaluation.bootstrap import intervals as bootstrap
from trainer.evaluation.measures import CUTS, MEASURES, NAMES, RankedQueries
from trainer.evaluation.rankings import FAR, Labels, TrueMatches, rankings
from trainer.evaluation.results import Interval

LEVELS = np.linspace(0, 1, 21)  # of recall, at which precision is interpolated
NOTHING = "no query has a true match in the gallery: their labels have nothing in common"

# The fields of Scores and the measures that they are the means of.
SCORED = {
    "precision_at_1": "precision@1",
    "precision_at_10": "precision@10",
    "recall_at_10": "recall@10",
    "map": "map",
    "map_at_r": "map@r",
}


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over `queries` queries; `unanswerable` ones (no true match in the gallery) are not among them.

    `intervals` maps the names of the means to their 95 % intervals; empty where they were not asked for.
    """

    precision_at_1: float
    precision_at_10: float
    recall_at_10: float
    map: float
    map_at_r: float
    queries: int
    unanswerable: int
    intervals: Mapping[str, Interval] = field(default_factory=dict)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """What `asdict` made of scores, also after JSON has had it."""
        intervals = {name: Interval(**ends) for name, ends in fields.get("intervals", {}).items()}
        return cls(**{**fields, "intervals": intervals})

    def figures(self) -> dict[str, float]:
        """The means and counts alone, by name."""
        return {name: value for name, value in asdict(self).items() if name != "intervals"}

    def interval_ends(self) -> dict[str, tuple[float, float]]:
        """The ends of the 95 % intervals, by the names of the means."""
        return {name: (interval.low, interval.high) for name, interval in self.intervals.items()}


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
    where there are none. A distance is averaged over the pairs of all queries together. `intervals` maps the names of
    MEASURES to means over the queries with their 95 % intervals.
    """

    scores: Scores
    at: tuple[AtK, ...]
    matches: Distances | None
    misses: Distances | None
    intervals: Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class PerQuery:
    """Every measure of every answerable query, from which means, intervals and differences follow.

    `rows` int64 [n] are the queries' rows; `values` float64 [n, len(NAMES)], NaN where a query has no such distance;
    `precision` float64 [21] is the interpolated precision at LEVELS of recall, averaged over the queries. `matches` and
    `misses` float64 [p, 2] are the cosine and Euclidean distances to the true matches among the first 10 hits of all
    queries together, and to all others there.
    """

    rows: NDArray[np.int64]
    values: NDArray[np.float64]
    precision: NDArray[np.float64]
    matches: NDArray[np.float64]
    misses: NDArray[np.float64]

    def means(self) -> dict[str, float]:
        """The mean of each measure over the queries that have it; a measure that none has is left out."""
        columns = {name: column[~np.isnan(column)] for name, column in zip(NAMES, self.values.T, strict=True)}
        return {name: float(column.mean()) for name, column in columns.items() if len(column)}

    def intervals(self, labels: Labels) -> dict[str, Interval]:
        """The mean of each measure with its interval; `labels` [q] are those of all queries, answerable or not."""
        pairs = zip(NAMES, bootstrap(self.values, labels[self.rows]), strict=True)
        return {name: interval for name, interval in pairs if interval is not None}


def score(
    queries: NDArray[np.float32],
    query_labels: Labels,
    gallery: NDArray[np.float32],
    gallery_labels: Labels,
    *,
    metric: Metric = "cosine",
    same: NDArray[np.int64] | None = None,
    intervals: bool = False,
) -> Scores:
    """Rank the whole gallery for every query and average the measures; with `intervals` if wanted.

    `same[i]` is the gallery row that is query i itself, left out of its own ranking (leave one out), or the rows that
    are, int64 [n] or [n, t]; -1 for none. Raises ValueError when no query has a true match.
    """
    values = per_query(queries, query_labels, gallery, gallery_labels, metric=metric, same=same)
    return _scores(values, query_labels, values.intervals(query_labels) if intervals else {})


def detail(
    queries: NDArray[np.float32],
    query_labels: Labels,
    gallery: NDArray[np.float32],
    gallery_labels: Labels,
    *,
    metric: Metric = "cosine",
    same: NDArray[np.int64] | None = None,
) -> Detail:
    """What `score` measures and more, from one ranking. Takes and raises the same."""
    values = per_query(queries, query_labels, gallery, gallery_labels, metric=metric, same=same)
    means, intervals = values.means(), values.intervals(query_labels)
    at = tuple(AtK(k, *(means[f"{name}@{k}"] for name in ("accuracy", "precision", "recall", "f1"))) for k in CUTS)
    scores = _scores(values, query_labels, intervals)
    return Detail(scores, at, _mean_distances(values.matches), _mean_distances(values.misses), intervals)


def per_query(
    queries: NDArray[np.float32],
    query_labels: Labels,
    gallery: NDArray[np.float32],
    gallery_labels: Labels,
    *,
    metric: Metric = "cosine",
    same: NDArray[np.int64] | None = None,
) -> PerQuery:
    """Every measure of MEASURES for each query that has a true match. Takes and raises the same as `score`."""
    by = 0 if metric == "cosine" else 1
    rows, tables, precision = [], [], np.zeros(len(LEVELS))
    matches, misses = [], []
    for part in rankings(queries, query_labels, gallery, gallery_labels, metric, same):
        distances = _distances(queries[part.queries], gallery[part.nearest])
        hits = part.relevant[:, :FAR]
        others = ~hits & ~part.left_out
        ranked = RankedQueries(TrueMatches.of(part.relevant), distances[:, :, by], hits, others)
        rows.append(part.queries)
        tables.append(np.stack([measure.compute(ranked) for measure in MEASURES.values()], axis=1))
        precision += _interpolated(ranked.matches).sum(axis=0)
        matches.append(distances[hits])
        misses.append(distances[others])
    query_rows = np.concatenate(rows) if rows else np.zeros(0, np.int64)
    if not len(query_rows):
        raise ValueError(NOTHING)
    return PerQuery(
        query_rows,
        np.concatenate(tables),
        precision / len(query_rows),
        np.concatenate(matches),
        np.concatenate(misses),
    )


def _scores(values: PerQuery, labels: Labels, intervals: Mapping[str, Interval]) -> Scores:
    means, answerable = values.means(), len(values.rows)
    return Scores(
        **{name: means[measure] for name, measure in SCORED.items()},
        queries=answerable,
        unanswerable=len(labels) - answerable,
        intervals={name: intervals[measure] for name, measure in SCORED.items() if measure in intervals},
    )


def _interpolated(at: TrueMatches) -> NDArray[np.float64]:
    """The highest precision [n, 21] that n rankings reach at each of LEVELS of recall or beyond."""
    # Running maxima from the end of each ranking: what is added sets every ranking apart from those behind it.
    apart = 2.0 * at.query[::-1].max(initial=0) - 2.0 * at.query[::-1]
    highest = (np.maximum.accumulate(at.precision[::-1] + apart) - apart)[::-1]
    needed = np.maximum(1, np.ceil(LEVELS * at.total[:, None] - 1e-9)).astype(np.int64)
    reached: NDArray[np.float64] = highest[at.first[:, None] + needed - 1]
    return reached


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
