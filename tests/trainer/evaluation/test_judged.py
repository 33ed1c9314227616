"""The calibration is bent by judged hits where these say something else, and left alone where they do not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval.calibration import Calibration, Curve
from trainer.evaluation.judged import MIN_JUDGED, JudgedHits, bent

DISTANCES = np.linspace(0, 1, 11)
CURVE = Curve(DISTANCES, np.linspace(0.95, 0.05, 11))
CALIBRATION = Calibration(CURVE, CURVE, "label", 1_000)


def judged(count: int, true: NDArray[np.float64], seed: int = 0) -> JudgedHits:
    """Hits at random distances, right as often as the probabilities `true` at DISTANCES say."""
    rng = np.random.default_rng(seed)
    distances = rng.random(count)
    right = rng.random(count) < np.interp(distances, DISTANCES, true)
    hits = JudgedHits(np.zeros((count, 2), np.int64), right)
    hits.cosine[:] = hits.euclidean[:] = distances
    return hits


def test_people_who_agree_with_the_curve_leave_it_as_it_is() -> None:
    assert sum(bent(CALIBRATION, judged(200, CURVE.probabilities, seed))[1] > 0 for seed in range(10)) <= 3


@pytest.mark.parametrize("share", [0.4, 1.5])
def test_probabilities_that_are_too_high_or_too_low_move_towards_what_is_true(share: float) -> None:
    true = np.clip(CURVE.probabilities * share, 0.01, 0.99)
    moved, count = bent(CALIBRATION, judged(400, true))
    assert count == 400
    error = np.abs(moved.cosine.probabilities - true).mean()
    assert error < 0.4 * np.abs(CURVE.probabilities - true).mean()
    assert (np.diff(moved.euclidean.probabilities) <= 0).all()


@pytest.mark.parametrize("count", [MIN_JUDGED - 1, 400])
def test_too_few_and_one_sided_judgements_change_nothing(count: int) -> None:
    true = np.full(11, 0.01 if count < 400 else 0.0)
    assert bent(CALIBRATION, judged(count, true)) == (CALIBRATION, 0)


def test_hits_are_measured_only_by_vectors_that_were_fitted_without_their_query() -> None:
    hits = JudgedHits(np.array([[0, 1], [2, 1]]), np.array([True, False]))
    hits.look(np.array([[1, 0], [0, 2], [0, 1]], np.float32), np.array([2]))
    assert np.isnan(hits.cosine[0])
    assert hits.cosine[1] == pytest.approx(0) and hits.euclidean[1] == pytest.approx(1)
