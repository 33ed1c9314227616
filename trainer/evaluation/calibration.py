"""Calibration: the distance of a hit to the probability that it is a true match, fitted on pairs no model has seen.

A pair is a query and one of its first hits, as a search would return them: the query's own picture left out, every
rank included. Isotonic regression (Zadrozny & Elkan 2002, "Transforming Classifier Scores into Accurate Multiclass
Probability Estimates") or a logistic curve (Platt 1999, "Probabilistic Outputs for Support Vector Machines"), whichever
has the lower log loss on pairs held out, all pairs of a query together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.model_selection import GroupKFold

from retrieval.calibration import Calibration, Curve, Meaning
from retrieval.clusters import Metric
from trainer.evaluation.rankings import TABLE_VALUES, similarities
from trainer.evaluation.results import Reliability

HITS = 20  # ranks that make pairs
FOLDS = 5
MIN_PAIRS = 50  # pairs; fewer say nothing
BINS = 15
KNOTS = 64  # points of a logistic curve
CERTAIN = 1e-3  # no curve says less than this or more than one less this: a thousand pairs show no more

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

    `same[i]` is the gallery row that is query i itself, -1 for none.
    """

    queries: NDArray[np.float32]
    query_labels: NDArray[np.int64]
    gallery: NDArray[np.float32]
    gallery_labels: NDArray[np.int64]
    same: NDArray[np.int64]


def hit_pairs(search: HeldOutSearch, metric: Metric) -> Pairs:
    """The first HITS hits of every query, as an exact search returns them."""
    count = min(HITS, len(search.gallery) - int((search.same >= 0).any()))
    distances, matches = [], []
    step = max(1, TABLE_VALUES // max(1, len(search.gallery)))
    for start in range(0, len(search.queries), step):
        part = slice(start, start + step)
        nearness = similarities(search.queries[part], search.gallery, metric)
        own = search.same[part]
        nearness[np.flatnonzero(own >= 0), own[own >= 0]] = -np.inf
        first = np.argpartition(-nearness, count - 1, axis=1)[:, :count]
        hit_nearness = np.take_along_axis(nearness, first, axis=1).astype(np.float64)
        distances.append(1 - hit_nearness if metric == "cosine" else np.sqrt(np.maximum(-hit_nearness, 0)))
        matches.append(search.gallery_labels[first] == search.query_labels[part, None])
    numbers = np.repeat(np.arange(len(search.queries)), count)
    return Pairs(np.maximum(np.concatenate(distances).ravel(), 0), np.concatenate(matches).ravel(), numbers)


def concatenated(parts: list[Pairs]) -> Pairs:
    """Pairs of several galleries together; a query is asked in one of them only."""
    starts = np.cumsum([0, *(part.queries.max(initial=-1) + 1 for part in parts[:-1])])
    return Pairs(
        np.concatenate([part.distances for part in parts]),
        np.concatenate([part.matches for part in parts]),
        np.concatenate([part.queries + start for part, start in zip(parts, starts, strict=True)]),
    )


def calibrate(
    pairs: Mapping[Metric, Pairs], meaning: Meaning
) -> tuple[Calibration, Mapping[Metric, Reliability]] | None:
    """A curve for each metric, and how reliable it is on pairs held out from it. None where pairs are too few.

    Too few are fewer than MIN_PAIRS, those of fewer than FOLDS queries, and pairs that are all matches or all none.
    """
    if not all(_is_sufficient(pairs[metric]) for metric in get_args(Metric)):
        return None
    curves, reliabilities = {}, {}
    for metric in get_args(Metric):
        curve, reliability = _fit(pairs[metric], metric, meaning)
        curves[metric], reliabilities[metric] = curve, reliability
    count = len(pairs["cosine"].distances)
    return Calibration(curves["cosine"], curves["euclidean"], meaning, count), reliabilities


def reliability(
    probabilities: Doubles, matches: NDArray[np.bool_], metric: Metric, meaning: Meaning, method: Method
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
    brier = float(brier_score_loss(matches, probabilities))
    return Reliability(metric, bins, float(error), brier, len(matches), meaning, method)


def _is_sufficient(pairs: Pairs) -> bool:
    enough = len(pairs.matches) >= MIN_PAIRS and len(np.unique(pairs.queries)) >= FOLDS
    return enough and 0 < pairs.matches.mean() < 1


def _fit(pairs: Pairs, metric: Metric, meaning: Meaning) -> tuple[Curve, Reliability]:
    """The better of the two methods, fitted on all pairs, and what it said of pairs while these were held out."""
    probabilities = {method: _held_out(pairs, fit) for method, fit in METHODS.items()}
    method = min(probabilities, key=lambda name: log_loss(pairs.matches, probabilities[name], labels=[False, True]))
    curve = METHODS[method](pairs.distances, pairs.matches)
    return curve, reliability(probabilities[method], pairs.matches, metric, meaning, method)


def _held_out(pairs: Pairs, fit: Callable[[Doubles, NDArray[np.bool_]], Curve]) -> Doubles:
    """The probability [p] of each pair by a curve fitted without its query."""
    probabilities = np.empty(len(pairs.distances))
    for fitted, held in GroupKFold(FOLDS).split(pairs.distances, groups=pairs.queries):
        probabilities[held] = fit(pairs.distances[fitted], pairs.matches[fitted]).probability(pairs.distances[held])
    return probabilities


def _isotonic(distances: Doubles, matches: NDArray[np.bool_]) -> Curve:
    model = IsotonicRegression(increasing=False, y_min=CERTAIN, y_max=1 - CERTAIN).fit(distances, matches)
    return Curve(*_distinct_points(model.X_thresholds_.astype(np.float64), model.y_thresholds_.astype(np.float64)))


def _logistic(distances: Doubles, matches: NDArray[np.bool_]) -> Curve:
    if matches.all() or not matches.any():  # of one fold; nothing to tell apart
        return _isotonic(distances, matches)
    middle, scale = distances.mean(), max(float(distances.std()), 1e-12)
    model = LogisticRegression(C=1e6).fit(((distances - middle) / scale)[:, None], matches)
    knots = np.unique(np.linspace(distances.min(), distances.max(), KNOTS))
    stated = model.predict_proba(((knots - middle) / scale)[:, None])[:, 1]
    falling = np.minimum.accumulate(np.clip(stated, CERTAIN, 1 - CERTAIN))
    return Curve(knots, falling)


def _distinct_points(distances: Doubles, probabilities: Doubles) -> tuple[Doubles, Doubles]:
    """Without the points that rounding has made equal, and never rising."""
    distinct = np.concatenate([[True], np.diff(distances) > 0])
    return distances[distinct], np.minimum.accumulate(np.clip(probabilities[distinct], 0, 1))


METHODS: Mapping[Method, Callable[[Doubles, NDArray[np.bool_]], Curve]] = {
    "isotonic": _isotonic,
    "logistic": _logistic,
}
