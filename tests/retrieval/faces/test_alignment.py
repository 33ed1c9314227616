"""Similarity transforms against brute force, and what is cut out of a picture by them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize

from retrieval.faces.alignment import Matrix, similarity, square, warp
from retrieval.images import resize
from tests.support.marks import examples

numbers = st.floats(-100, 100)


def apply(matrix: Matrix, points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points @ matrix[:, :2].T + matrix[:, 2]


@given(angle=st.floats(-np.pi, np.pi), scale=st.floats(0.1, 10), shift=st.tuples(numbers, numbers))
def test_a_similarity_is_found_again(angle: float, scale: float, shift: tuple[float, float]) -> None:
    points = np.random.default_rng(1).normal(0, 20, (5, 2))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    known = np.column_stack([turn, shift])
    np.testing.assert_allclose(similarity(points, apply(known, points)), known, atol=1e-8)


@settings(max_examples=examples(20), deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_other_similarity_is_closer(seed: int) -> None:
    """Of points that cannot be brought to match, among them mirror images."""
    random = np.random.default_rng(seed)
    points, targets = random.normal(0, 20, (5, 2)), random.normal(0, 20, (5, 2))

    def misfit(parameters: NDArray[np.float64]) -> float:
        a, b, x, y = parameters
        return float(((apply(np.array([[a, -b, x], [b, a, y]]), points) - targets) ** 2).sum())

    result = similarity(points, targets)
    best = minimize(misfit, [1, 0, 0, 0]).fun
    assert misfit(np.array([result[0, 0], result[1, 0], *result[:, 2]])) == pytest.approx(best, rel=1e-4)
    np.testing.assert_allclose(result[0, :2], [result[1, 1], -result[1, 0]], atol=1e-9)


def test_a_box_lands_in_the_middle_with_its_margin() -> None:
    matrix = square(np.array([10.0, 20.0, 50.0, 40.0]), 0.25, 90)
    corners = apply(matrix, np.array([[10, 20], [50, 40]]))
    np.testing.assert_allclose(corners, [[14.5, 29.5], [74.5, 59.5]])  # 60 of 90 pixels, about the centre 44.5


def test_what_is_shrunk_is_smoothed_and_stays_in_its_place() -> None:
    """Against a plain resize with antialiasing; a warp alone would pick single pixels out of the noise."""
    noise = np.random.default_rng(2).integers(0, 256, (320, 320, 3), dtype=np.uint8)
    noise[:160, :160] //= 4
    whole = np.array([-0.5, -0.5, 319.5, 319.5])
    crop = warp(noise, square(whole, 0, 40), 40)
    difference = np.abs(crop.astype(int) - resize(noise, 40, 40))
    assert difference.mean() < 1


def test_beyond_the_edge_the_outermost_pixels_are_repeated() -> None:
    rows = np.repeat(np.arange(0, 200, 10, dtype=np.uint8)[:, None, None], 20, axis=1).repeat(3, axis=2)
    crop = warp(rows, np.array([[1.0, 0, 10], [0, 1.0, 10]]), 40)
    np.testing.assert_array_equal(crop[:10], np.zeros((10, 40, 3)))
    np.testing.assert_array_equal(crop[10:30, 5], rows[:, 0])
    np.testing.assert_array_equal(crop[30:], np.full((10, 40, 3), 190))
