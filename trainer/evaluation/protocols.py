"""One protocol of an evaluation, from vectors alone: measures with intervals, per label, and against other models."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from retrieval.clusters import Metric
from trainer.evaluation.metrics import LEVELS, MEASURES, per_query
from trainer.evaluation.rankings import TABLE_VALUES, Labels
from trainer.evaluation.results import Interval, Measures, Name, Protocol

DRAWS = 2_000
PERCENTILES = (2.5, 97.5)


def intervals(values: NDArray[np.float64], labels: Labels, *, seed: int = 0) -> list[Interval | None]:
    """The mean of each column of values [n, m], and its interval over the labels [n]; None for a column of NaN.

    A NaN is no value, and is in no mean. With one label alone there is no drawing among labels: then its queries are
    what is drawn. The same seed gives the same draws, whatever the values.
    """
    clusters = np.unique(labels, return_inverse=True)[1]
    if len(clusters) and not clusters.any():
        clusters = np.arange(len(values))
    sums, counts = _sums(values, clusters)
    draw_means = np.full((DRAWS, values.shape[1]), np.nan)
    for draws, times in _draws(len(sums), np.random.default_rng(seed)):
        count = times @ counts
        np.divide(times @ sums, count, out=draw_means[draws], where=count > 0)
    results: list[Interval | None] = []
    for total, count, means in zip(sums.sum(axis=0), counts.sum(axis=0), draw_means.T, strict=True):
        low, high = np.nanpercentile(means, PERCENTILES).tolist() if count else (0.0, 0.0)
        results.append(Interval(float(total / count), low, high) if count else None)
    return results


def _sums(values: NDArray[np.float64], clusters: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each column the sum of its values, and how many there are, in each cluster: [C, m] both."""
    there = ~np.isnan(values)
    count = int(clusters.max(initial=-1)) + 1
    sums, counts = np.zeros((count, values.shape[1])), np.zeros((count, values.shape[1]))
    np.add.at(sums, clusters, np.where(there, values, 0))
    np.add.at(counts, clusters, there)
    return sums, counts


def _draws(clusters: int, rng: np.random.Generator) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """How often each cluster is drawn [draws, C] in as many draws as fit in a table, until all are drawn."""
    step = max(1, TABLE_VALUES // max(1, clusters))
    for start in range(0, DRAWS, step):
        draws = slice(start, min(start + step, DRAWS))
        shares = np.full(clusters, 1 / max(1, clusters))
        yield draws, rng.multinomial(clusters, shares, draws.stop - draws.start).astype(np.float64)


Vectors = NDArray[np.float32]

COMPARABLE = tuple(name for name in MEASURES if not name.startswith("distance"))
"""Measures that mean the same under every model."""


def evaluate_vectors(
    queries: Vectors,
    query_labels: Labels,
    gallery: Vectors,
    gallery_labels: Labels,
    same: NDArray[np.int64] | None = None,
    *,
    metric: Metric,
    name: Name,
    against: Mapping[str, tuple[Vectors, Vectors]] | None = None,
) -> Protocol:
    """Search queries [q, d] among the gallery [g, d], and measure.

    `same` int64 [q] or [q, t]: the gallery rows that are the query itself or a copy of it, left out of its answer; -1
    for none. `against` maps a name to the same queries and gallery, in the same order, as another model sees them.
    Raises ValueError when no query has a true match.
    """
    ours = per_query(queries, query_labels, gallery, gallery_labels, metric=metric, same=same)
    labels = query_labels[ours.rows]
    differences = {
        other: ours.values - per_query(theirs, query_labels, among, gallery_labels, metric=metric, same=same).values
        for other, (theirs, among) in (against or {}).items()
    }
    itself = np.full(len(queries), -1) if same is None else same
    return Protocol(
        name=name,
        queries=len(ours.rows),
        unanswerable=len(queries) - len(ours.rows),
        gallery=len(gallery),
        labels=len(np.unique(labels)),
        leave_one_out=bool((itself.reshape(len(queries), -1) >= 0).any(axis=1).all()),
        measures=_measures(ours.values, labels, MEASURES),
        per_label=_per_label(ours.values, labels),
        against={other: _measures(values, labels, COMPARABLE) for other, values in differences.items()},
        precision_recall=tuple(zip(LEVELS.round(2).tolist(), ours.precision.tolist(), strict=True)),
    )


def _measures(values: NDArray[np.float64], labels: Labels, names: tuple[str, ...]) -> Measures:
    """The intervals of these columns of a table [n, len(MEASURES)]; a measure that no query has is left out."""
    columns = [MEASURES.index(name) for name in names]
    pairs = zip(names, intervals(values[:, columns], labels), strict=True)
    return {name: interval for name, interval in pairs if interval is not None}


def _per_label(values: NDArray[np.float64], labels: Labels) -> dict[str, dict[str, float]]:
    """The plain means of each label's queries, and how many there are."""
    means: dict[str, dict[str, float]] = {}
    order = np.argsort(labels, kind="stable")
    names, starts = np.unique(labels[order], return_index=True)
    for label, rows in zip(names.tolist(), np.split(order, starts[1:]), strict=True):
        table = values[rows]
        columns = {name: table[:, column] for column, name in enumerate(MEASURES)}
        there = {name: column[~np.isnan(column)] for name, column in columns.items()}
        means[str(label)] = {name: float(column.mean()) for name, column in there.items() if len(column)}
        means[str(label)]["queries"] = len(rows)
    return means
