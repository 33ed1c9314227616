"""From pairs to probabilities: which pairs there are, what a curve learns from them, and how reliable it says it is."""

from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from retrieval.calibration import Calibration, Curve
from retrieval.clusters import Metric
from tests.support.marks import examples
from trainer.evaluation.calibration import MIN_PAIRS, calibrate
from trainer.evaluation.reliability import (
    BINS,
    HITS,
    HeldOutSearch,
    Pairs,
    concatenated,
    hit_pairs,
    reliability,
    stated,
)

Truth = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def truth(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(8 * (distances - 0.5)))


def stepped(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(distances < 0.2, 0.95, np.where(distances < 0.8, 0.6, 0.1))


def pairs_of(probability: Truth, queries: int = 600, seed: int = 0) -> Pairs:
    rng = np.random.default_rng(seed)
    distances = rng.uniform(0, 1, queries * 10)
    return Pairs(distances, rng.random(len(distances)) < probability(distances), np.repeat(np.arange(queries), 10))


def both(pairs: Pairs) -> dict[Metric, Pairs]:
    return dict.fromkeys(get_args(Metric), pairs)


# --- which pairs


@settings(deadline=None, max_examples=examples(100))
@given(st.integers(1, 12), st.integers(2, 30), st.integers(0, 99), st.sampled_from(get_args(Metric)))
def test_pairs_are_the_first_hits_of_each_query_without_itself(q: int, g: int, seed: int, metric: Metric) -> None:
    rng = np.random.default_rng(seed)
    queries, gallery = rng.normal(size=(q, 3)).astype(np.float32), rng.normal(size=(g, 3)).astype(np.float32)
    query_labels, gallery_labels = rng.integers(0, 3, q), rng.integers(0, 3, g)
    same = rng.integers(-1, g, q)
    result = hit_pairs(HeldOutSearch(queries, query_labels, gallery, gallery_labels, same), metric)
    for row in range(q):
        slow = []
        for other in range(g):
            if other == same[row]:
                continue
            a, b = queries[row].astype(float), gallery[other].astype(float)
            cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
            slow.append(
                (
                    1 - cosine if metric == "cosine" else np.linalg.norm(a - b),
                    query_labels[row] == gallery_labels[other],
                )
            )
        slow = sorted(slow)[: min(HITS, g - int((same >= 0).any()))]
        mine = result.queries == row
        assert sorted(result.distances[mine]) == pytest.approx([distance for distance, _ in slow], abs=2e-3)
        assert result.matches[mine].sum() == sum(match for _, match in slow)


def test_queries_of_several_galleries_stay_apart() -> None:
    one = Pairs(np.array([0.1, 0.2]), np.array([True, False]), np.array([0, 1]))
    together = concatenated([one, one, one])
    assert together.queries.tolist() == [0, 1, 2, 3, 4, 5]
    assert together.distances.tolist() == [0.1, 0.2] * 3


# --- what is learnt


@pytest.mark.parametrize(("probability", "method"), [(truth, "logistic"), (stepped, "isotonic")])
def test_the_method_that_fits_is_chosen_and_comes_close_to_the_truth(probability: Truth, method: str) -> None:
    result = calibrate(both(pairs_of(probability)), "label")
    assert result is not None
    calibration, reliabilities = result
    assert {result.method for result in reliabilities.values()} == {method}
    inside = np.array([0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95])
    assert calibration.cosine.probability(inside) == pytest.approx(probability(inside), abs=0.05)
    assert all(result.ece < 0.03 for result in reliabilities.values())
    assert (calibration.meaning, calibration.pairs) == ("label", 6000)


def test_no_curve_is_surer_than_its_pairs_can_prove() -> None:
    result = calibrate(both(pairs_of(lambda d: (d < 0.5).astype(float))), "picture")
    assert result is not None
    said = result[0].cosine.probability(np.linspace(0, 2, 50))
    assert said.max() <= 0.999
    assert said.min() >= 0.001


@pytest.mark.parametrize(
    "pairs",
    [
        pairs_of(truth, queries=MIN_PAIRS // 10 - 1),
        pairs_of(lambda d: d * 0 + 1.0),
        pairs_of(lambda d: d * 0),
        Pairs(np.linspace(0, 1, 100), np.arange(100) % 2 == 0, np.zeros(100, np.int64)),  # one query
    ],
)
def test_pairs_that_say_nothing_make_no_calibration(pairs: Pairs) -> None:
    assert calibrate(both(pairs), "label") is None


def test_a_query_is_never_judged_by_a_curve_that_has_seen_it() -> None:
    """With one query's pairs all at distances of its own, a curve that knew them would tell them without error."""
    rng = np.random.default_rng(3)
    matches = rng.random(200) < 0.5
    pairs = Pairs(np.repeat(np.arange(200) / 200, 10), np.repeat(matches, 10), np.repeat(np.arange(200), 10))
    result = calibrate(both(pairs), "label")
    assert result is not None
    assert result[1]["cosine"].brier > 0.2


# --- how reliable


@settings(deadline=None, max_examples=examples(50))
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_reliability_agrees_with_its_formulas(draws: list[tuple[float, bool]]) -> None:
    stated, true = np.array([t[0] for t in draws]), np.array([t[1] for t in draws])
    result = reliability(stated, true, "cosine", "label", "isotonic")
    assert result.brier == pytest.approx(sum((p - t) ** 2 for p, t in draws) / len(draws))
    assert sum(count for _, _, count in result.bins) == result.pairs == len(draws)
    assert len(result.bins) == min(BINS, len(draws))
    expected = sum(count * abs(p - t) for p, t, count in result.bins) / len(draws)
    assert result.ece == pytest.approx(expected)
    assert [p for p, _, _ in result.bins] == sorted(p for p, _, _ in result.bins)


def test_probabilities_that_are_right_have_no_error_and_wrong_ones_have() -> None:
    rng = np.random.default_rng(0)
    stated = rng.uniform(0, 1, 50_000)
    true = rng.random(50_000) < stated
    assert reliability(stated, true, "cosine", "label", "isotonic").ece < 0.01
    assert reliability(np.clip(stated + 0.2, 0, 1), true, "cosine", "label", "isotonic").ece > 0.15


# --- a bundle's own probabilities, on other queries


def test_what_is_asked_for_what_is_right_and_what_is_kept() -> None:
    probabilities = np.array([0.99, 0.95, 0.9, 0.8, 0.6, 0.2])
    matches = np.array([True, True, False, True, False, False])
    result = {row.probability: row for row in reliability(probabilities, matches, "cosine", "label", None).asked}
    assert (result[0.9].hits, result[0.9].right, result[0.9].kept) == (3, 2 / 3, 2 / 3)
    assert (result[0.7].hits, result[0.7].right, result[0.7].kept) == (4, 3 / 4, 1)
    nothing = reliability(probabilities / 2, ~matches & matches, "cosine", "label", None).asked[-1]
    assert (nothing.hits, nothing.right, nothing.kept) == (0, None, 0)


def test_a_curve_is_held_against_the_queries_that_are_given() -> None:
    gallery = np.eye(4, dtype=np.float32)
    queries = np.array([[1, 0.1, 0, 0], [0, 1, 0.1, 0]], np.float32)
    sure = Curve(np.array([0.0, 0.5]), np.array([1.0, 0.0]))
    calibration = Calibration(sure, sure, "label", 99)
    left_out = np.array([[-1, -1], [1, 2]])  # of the second query, its two nearest are copies of it
    search = HeldOutSearch(queries, np.array([0, 3]), gallery, np.arange(4), left_out)
    result = stated(calibration, search, "cosine")
    assert result is not None
    assert result.pairs == 4  # as many hits of each query as the one with the fewest has
    assert (result.asked[0].hits, result.asked[0].right) == (1, 1)
    assert stated(Calibration(sure, sure, "picture", 99), search, "cosine") is None
    nobody = HeldOutSearch(queries, np.array([0, 3]), gallery[:1], np.arange(1), np.zeros(2, np.int64))
    assert stated(calibration, nobody, "cosine") is None
