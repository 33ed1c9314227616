"""Distances to probabilities: monotone, within 0 and 1, and a reach that agrees with a slow scan."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.calibration import KEYS, Calibration, Curve
from retrieval.clusters import Doubles
from tests.support.marks import examples

numbers = st.floats(0, 4, allow_subnormal=False)
shares = st.floats(0, 1)


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    """Curves of one point or many, with steps, plateaus and points that are neighbours in float64."""
    distances = sorted(draw(st.sets(numbers, min_size=1, max_size=12)))
    if draw(st.booleans()):
        distances = sorted({*distances, float(np.nextafter(distances[0], 9))})
    probabilities = draw(
        st.lists(shares | st.sampled_from([0, 0.5, 1]), min_size=len(distances), max_size=len(distances))
    )
    return Curve(np.array(distances), np.array(sorted(probabilities, reverse=True), float))


def slow(curve: Curve, distance: float) -> float:
    """The probability at a distance: segment after segment, in plain arithmetic."""
    points = list(zip(curve.distances.tolist(), curve.probabilities.tolist(), strict=True))
    if distance <= points[0][0]:
        return points[0][1]
    for (near, high), (far, low) in pairwise(points):
        if near <= distance <= far:
            return high + (low - high) * (distance - near) / (far - near)
    return points[-1][1]


@settings(max_examples=examples(300), deadline=None)
@given(curves(), st.lists(st.floats(-1, 6), min_size=1, max_size=30))
def test_probabilities_are_those_of_the_curve_and_never_rise(curve: Curve, distances: list[float]) -> None:
    result = curve.probability(np.array(sorted(distances)))
    assert result.dtype == np.float64
    assert ((result >= 0) & (result <= 1)).all()
    assert (np.diff(result) <= 1e-12).all()
    np.testing.assert_allclose(result, [slow(curve, distance) for distance in sorted(distances)], atol=1e-9)
    np.testing.assert_array_equal(curve.probability(curve.distances), curve.probabilities)


@settings(max_examples=examples(500), deadline=None)
@given(curves(), shares, st.booleans())
def test_the_reach_agrees_with_a_slow_scan(curve: Curve, precision: float, on_a_point: bool) -> None:
    if on_a_point:
        precision = float(curve.probabilities[len(curve.probabilities) // 2])
    scan: Doubles = np.unique(np.concatenate([np.linspace(-1, 6, 2001), curve.distances]))
    enough = scan[curve.probability(scan) >= precision]
    reach = curve.reach(precision)
    if reach is None:
        assert not len(enough)
    elif math.isinf(reach):
        assert len(enough) == len(scan)
    else:
        assert curve.probability(np.array([reach]))[0] >= precision
        assert curve.probability(np.array([np.nextafter(reach, 9)]))[0] < precision
        assert enough.max() <= reach
        assert scan[scan > reach].min() > reach >= curve.distances[0]


def test_what_the_reach_of_a_simple_curve_is() -> None:
    curve = Curve(np.array([0.1, 0.3]), np.array([0.9, 0.1]))
    assert curve.reach(0.91) is None
    assert curve.reach(0.9) == 0.1
    assert curve.reach(0.5) == pytest.approx(0.2)
    assert curve.reach(0.1) == math.inf


@pytest.mark.parametrize(
    ("distances", "probabilities", "words"),
    [
        ([], [], "at least one of each"),
        ([1.0, 2.0], [1.0], "at least one of each"),
        ([[1.0]], [[1.0]], "at least one of each"),
        ([1, 2], [1.0, 0.5], "found int64"),
        ([1.0, 1.0], [1.0, 0.5], "larger than the one before"),
        ([1.0, math.nan], [1.0, 0.5], "finite"),
        ([1.0, math.inf], [1.0, 0.5], "finite"),
        ([1.0, 2.0], [1.5, 0.5], "within 0 and 1"),
        ([1.0, 2.0], [0.5, -0.1], "within 0 and 1"),
        ([1.0, 2.0], [0.5, math.nan], "within 0 and 1"),
        ([1.0, 2.0], [0.5, 0.6], "must not rise"),
    ],
)
def test_a_curve_that_is_none(distances: list[float], probabilities: list[float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Curve(np.array(distances), np.array(probabilities))


def test_a_calibration_of_arrays_is_what_gave_them() -> None:
    near, far = Curve(np.array([0.0, 1.0]), np.array([1.0, 0.0])), Curve(np.array([2.0]), np.array([0.5]))
    calibration = Calibration(near, far, "picture", 120)
    arrays = calibration.arrays()
    assert tuple(arrays) == KEYS
    again = Calibration.of(arrays)
    assert (again.meaning, again.pairs) == ("picture", 120)
    np.testing.assert_array_equal(again.curve("cosine").distances, near.distances)
    np.testing.assert_array_equal(again.curve("euclidean").probabilities, far.probabilities)


@pytest.mark.parametrize(
    ("name", "array", "words"),
    [
        ("cosine", np.zeros((3, 4)), r"float64 \[2, m\]; found float64 \(3, 4\)"),
        ("euclidean", np.zeros(4), r"float64 \[2, m\]"),
        ("meaning", np.array("thing"), "label or picture; found 'thing'"),
        ("pairs", np.array(0), "at least one pair"),
        ("pairs", np.array([1, 2]), "size 1"),
    ],
)
def test_arrays_that_are_no_calibration(name: str, array: Doubles, words: str) -> None:
    curve = Curve(np.array([0.0, 1.0]), np.array([1.0, 0.0]))
    with pytest.raises(ValueError, match=words):
        Calibration.of(Calibration(curve, curve, "label", 1).arrays() | {name: array})
