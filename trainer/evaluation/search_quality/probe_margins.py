"""The margins that hold the true hits of unseen queries (see retrieval/vectors/margins.py), measured on a gallery.

A picture that is searched with is not in the gallery, and lies farther from it than its vectors from one another. So
the queries are vectors of the gallery as they are, each left out of its own answer, and vectors moved by a part of the
difference of two others: from what is nearly a copy to what resembles nothing.
"""

from collections.abc import Iterator
from typing import get_args

import faiss
import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from retrieval.clusters import Doubles, Metric, Reach, View
from retrieval.encoding.projection import unit
from retrieval.vectors.margins import SHARES, Gauge, Margins

K = 10
STEPS = (0.0, 0.25, 0.5, 0.75)
"""How far queries are moved, as shares of the difference of two vectors that have nothing to do with each other."""
QUERIES = 125  # of each step
CHUNK = 1 << 16  # vectors compared at once

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]


def measure_margins(reach: Reach, vectors: Vectors, assigned: Rows, seed: int) -> Margins | None:
    """What margins say of the ten true hits of such queries; None for fewer than two vectors.

    `assigned` int64 [n] is the cluster of each vector float32 [n, d]. What holds for the hardest of the steps counts.
    """
    if len(vectors) < 2:
        return None
    queries, own = moved_queries(vectors, seed)
    hits, stops = {}, {}
    for metric in get_args(Metric):
        distances, neighbours = nearest(vectors, queries, own, metric)
        opened = [
            _opened(reach.view(query, metric), farthest, assigned[rows])
            for query, farthest, rows in zip(queries, distances[:, -1].tolist(), neighbours, strict=True)
        ]
        # [step, query of the step, hit or stop]
        margins, stopped, recalls = (
            np.stack(values).reshape(len(STEPS), -1, len(values[0])) for values in zip(*opened, strict=True)
        )
        hits[metric] = np.max(
            [np.quantile(each, SHARES, method="inverted_cdf") for each in margins.reshape(len(STEPS), -1)], axis=0
        )
        stops[metric] = np.max([_needed(*each) for each in zip(stopped, recalls, strict=True)], axis=0)
    return Margins(SHARES, hits, stops)


def _opened(view: View, farthest: float, cells: Rows) -> tuple[Doubles, Doubles, Doubles]:
    """The margins of the hits, of which `cells` are the clusters and `farthest` the greatest distance.

    And for 1, 2, 4, ... clusters opened the margin of the next one, and the share of the hits that is then there.
    """
    order = view.nearest(len(view.nearness))
    gauge = Gauge(view, int(order[0]))
    ranks = np.empty(len(view.nearness), np.int64)
    ranks[order] = np.arange(len(order))
    counts = [2**power for power in range(len(view.nearness).bit_length()) if 2**power < len(order)]
    return (
        np.array([max(gauge.margin(cell, farthest), 0) for cell in cells.tolist()]),
        np.array([0, *(gauge.margin(int(order[count]), farthest) for count in counts)]),
        np.array([0, *(float((ranks[cells] < count).mean()) for count in counts)]),
    )


def _needed(margins: Doubles, recalls: Doubles) -> Doubles:
    """For each of SHARES the margin at which that much is found on average, if more margin never finds less."""
    points = np.unique(margins)
    shares = IsotonicRegression().fit(margins.ravel(), recalls.ravel()).predict(points)
    needed: Doubles = np.append(points, points[-1])[np.searchsorted(shares, SHARES)]
    return needed


def moved_queries(vectors: Vectors, seed: int) -> tuple[Vectors, Rows]:
    """Queries float32 [q, d], and the row of the vector that each one is, int64 [q]; -1 for one that was moved."""
    rng = np.random.default_rng(seed)
    count = min(QUERIES, len(vectors))
    queries, own = [], []
    for step in STEPS:
        rows = rng.choice(len(vectors), count, replace=False)
        first, second = rng.integers(len(vectors), size=(2, count))
        queries.append(vectors[rows] + np.float32(step * np.sqrt(0.5)) * (vectors[first] - vectors[second]))
        own.append(rows if step == 0 else np.full(count, -1))
    return np.concatenate(queries), np.concatenate(own)


def nearest(
    vectors: Vectors, queries: Vectors, own: Rows, metric: Metric
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The distances float64 [q, 10] and rows int64 [q, 10] of the nearest vectors, nearest first; fewer if there are.

    A query that is one of the vectors, `own` int64 [q] or -1, is left out of its answer.
    """
    points = unit(queries) if metric == "cosine" else queries
    best = np.empty((len(queries), 0), np.float32)
    rows = np.empty((len(queries), 0), np.int64)
    for start, chunk in _chunks(vectors):
        compared = unit(chunk) if metric == "cosine" else chunk
        measure = faiss.METRIC_INNER_PRODUCT if metric == "cosine" else faiss.METRIC_L2
        values, neighbours = faiss.knn(points, np.ascontiguousarray(compared), min(K + 1, len(chunk)), metric=measure)
        neighbours = neighbours + start
        values = -values if metric == "cosine" else values
        values[neighbours == own[:, None]] = np.inf
        best, rows = np.concatenate([best, values], axis=1), np.concatenate([rows, neighbours], axis=1)
        order = np.argsort(best, axis=1, kind="stable")[:, : min(K, len(vectors) - 1)]
        best, rows = np.take_along_axis(best, order, 1), np.take_along_axis(rows, order, 1)
    doubles = best.astype(np.float64)
    return (1 + doubles if metric == "cosine" else np.sqrt(np.maximum(doubles, 0))), rows


def _chunks(vectors: Vectors) -> Iterator[tuple[int, Vectors]]:
    for start in range(0, len(vectors), CHUNK):
        yield start, vectors[start : start + CHUNK]
