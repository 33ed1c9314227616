"""One protocol of an evaluation, from vectors alone: measures with intervals, per label, and against other models."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from retrieval.clusters import Metric
from trainer.evaluation.bootstrap import intervals
from trainer.evaluation.measures import MEASURES, NAMES
from trainer.evaluation.metrics import LEVELS, per_query
from trainer.evaluation.rankings import Labels
from trainer.evaluation.results import Measures, Name, Protocol

Vectors = NDArray[np.float32]

COMPARABLE = tuple(name for name, measure in MEASURES.items() if measure.comparable)
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
        measures=_measures(ours.values, labels, NAMES),
        per_label=_per_label(ours.values, labels),
        against={other: _measures(values, labels, COMPARABLE) for other, values in differences.items()},
        precision_recall=tuple(zip(LEVELS.round(2).tolist(), ours.precision.tolist(), strict=True)),
    )


def _measures(values: NDArray[np.float64], labels: Labels, names: tuple[str, ...]) -> Measures:
    """The intervals of these columns of a table [n, len(NAMES)]; a measure that no query has is left out."""
    columns = [NAMES.index(name) for name in names]
    pairs = zip(names, intervals(values[:, columns], labels), strict=True)
    return {name: interval for name, interval in pairs if interval is not None}


def _per_label(values: NDArray[np.float64], labels: Labels) -> dict[str, dict[str, float]]:
    """The plain means of each label's queries, and how many there are."""
    means: dict[str, dict[str, float]] = {}
    order = np.argsort(labels, kind="stable")
    names, starts = np.unique(labels[order], return_index=True)
    for label, rows in zip(names.tolist(), np.split(order, starts[1:]), strict=True):
        table = values[rows]
        columns = {name: table[:, column] for column, name in enumerate(NAMES)}
        there = {name: column[~np.isnan(column)] for name, column in columns.items()}
        means[str(label)] = {name: float(column.mean()) for name, column in there.items() if len(column)}
        means[str(label)]["queries"] = len(rows)
    return means
