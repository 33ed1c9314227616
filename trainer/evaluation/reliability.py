"""Whether match probabilities are what they say: pairs of queries and their first hits, and what was true of them."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from retrieval.calibration import Calibration, Meaning
from retrieval.clusters import Metric
from trainer.evaluation.rankings import TABLE_VALUES, similarities
from trainer.evaluation.results import PrecisionAt, Reliability

HITS = 20  # ranks that make pairs
BINS = 15
WANTED = (0.5, 0.7, 0.9, 0.95)  # probabilities that may be asked for

Method: TypeAlias = Literal["isotonic", "logistic"]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Distances float64 [p] of hits, whether each is a true match bool [p], and the number of its query int64 [p]."""

    distances: Doubles
    matches: NDArray[np.bool_]
    queries: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class HeldOutSearch:
    """Queries float32 [q, d] that the model was not trained on, a gallery float32 [g, d], what each is (int64).

    `same[i]` is the gallery row that is query i itself, -1 for none; or several such rows, int64 [q, t].
    """

    queries: NDArray[np.float32]
    query_labels: NDArray[np.int64]
    gallery: NDArray[np.float32]
    gallery_labels: NDArray[np.int64]
    same: NDArray[np.int64]


def hit_pairs(search: HeldOutSearch, metric: Metric) -> Pairs:
    """The first HITS hits of every query, as an exact search returns them."""
    count = _count(search)
    distances, matches = [], []
    step = max(1, TABLE_VALUES // max(1, len(search.gallery)))
    for start in range(0, len(search.queries), step):
        part = slice(start, start + step)
        nearness = similarities(search.queries[part], search.gallery, metric)
        own = search.same[part].reshape(len(nearness), -1)
        nearness[np.nonzero(own >= 0)[0], own[own >= 0]] = -np.inf
        first = np.argpartition(-nearness, count - 1, axis=1)[:, :count]
        hit_nearness = np.take_along_axis(nearness, first, axis=1).astype(np.float64)
        distances.append(1 - hit_nearness if metric == "cosine" else np.sqrt(np.maximum(-hit_nearness, 0)))
        matches.append(search.gallery_labels[first] == search.query_labels[part, None])
    numbers = np.repeat(np.arange(len(search.queries)), count)
    return Pairs(np.maximum(np.concatenate(distances).ravel(), 0), np.concatenate(matches).ravel(), numbers)


def _count(search: HeldOutSearch) -> int:
    """How many hits every query has."""
    left_out = (search.same.reshape(len(search.queries), -1) >= 0).sum(axis=1)
    return min(HITS, len(search.gallery) - int(left_out.max(initial=0)))


def concatenated(parts: list[Pairs]) -> Pairs:
    """Pairs of several galleries together; a query is asked in one of them only."""
    starts = np.cumsum([0, *(part.queries.max(initial=-1) + 1 for part in parts[:-1])])
    return Pairs(
        np.concatenate([part.distances for part in parts]),
        np.concatenate([part.matches for part in parts]),
        np.concatenate([part.queries + start for part, start in zip(parts, starts, strict=True)]),
    )


def reliability(
    probabilities: Doubles, matches: NDArray[np.bool_], metric: Metric, meaning: Meaning, method: Method | None
) -> Reliability:
    """Stated probabilities [p] against what was true [p], in BINS bins of equally many pairs.

    The expected calibration error is the mean distance between the two over the bins, weighted by their pairs (Naeini,
    Cooper & Hauskrecht 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning").
    """
    order = np.argsort(probabilities, kind="stable")
    bins = tuple(
        (float(probabilities[rows].mean()), float(matches[rows].mean()), len(rows))
        for rows in np.array_split(order, min(BINS, len(order)))
    )
    error = sum(count * abs(stated - true) for stated, true, count in bins) / len(matches)
    brier = float(np.square(probabilities - matches).mean())
    levels = tuple(_level(level, probabilities, matches) for level in WANTED)
    return Reliability(metric, bins, float(error), brier, len(matches), meaning, method, levels)


def _level(level: float, probabilities: Doubles, matches: NDArray[np.bool_]) -> PrecisionAt:
    above = probabilities >= level
    right = float(matches[above].mean()) if above.any() else None
    return PrecisionAt(level, int(above.sum()), right, float(above[matches].mean()) if matches.any() else 0.0)


def stated(calibration: Calibration, search: HeldOutSearch, metric: Metric) -> Reliability | None:
    """How reliable a bundle's own probabilities are on this search. None where nothing can be said.

    That is so where its true matches are no labels, and where there is not a single hit.
    """
    if calibration.meaning != "label" or not len(search.queries) or not _count(search):
        return None
    pairs = hit_pairs(search, metric)
    probabilities = calibration.curve(metric).probability(pairs.distances)
    return reliability(probabilities, pairs.matches, metric, calibration.meaning, None)
