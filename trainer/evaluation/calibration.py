"""Calibration: the distance of a hit to the probability that it is a true match, fitted on pairs no model has seen.

A pair is a query and one of its first hits, as a search would return them: the query's own picture left out, every
rank included. Isotonic regression (Zadrozny & Elkan 2002, "Transforming Classifier Scores into Accurate Multiclass
Probability Estimates") or a logistic curve (Platt 1999, "Probabilistic Outputs for Support Vector Machines"), whichever
has the lower log loss on pairs held out, all pairs of a query together.
"""

from collections.abc import Callable, Mapping
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold

from retrieval.calibration import Calibration, Curve, Meaning
from retrieval.clusters import Metric
from trainer.evaluation.reliability import Doubles, Method, Pairs, reliability
from trainer.evaluation.results import Reliability

FOLDS = 5
MIN_PAIRS = 50  # pairs; fewer say nothing
KNOTS = 64  # points of a logistic curve
CERTAIN = 1e-3  # no curve says less than this or more than one less this: a thousand pairs show no more


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
    for fitted, held_out in GroupKFold(FOLDS).split(pairs.distances, groups=pairs.queries):
        probabilities[held_out] = fit(pairs.distances[fitted], pairs.matches[fitted]).probability(
            pairs.distances[held_out]
        )
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
