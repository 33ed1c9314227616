"""How sure a mean over queries is: intervals by bootstrap over labels.

Queries of one label succeed and fail together, so whole labels are drawn with replacement (Efron & Tibshirani 1993, "An
Introduction to the Bootstrap", for clusters: Field & Welsh 2007, "Bootstrapping Clustered Data").
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.rankings import TABLE_VALUES, Labels
from trainer.evaluation.results import Interval

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
