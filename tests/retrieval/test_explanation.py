"""The cells of a picture sum to its cosine with another."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.encoding.projection import Projection
from retrieval.explanation import split
from tests.support.marks import examples


@settings(max_examples=examples(60), deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10), st.integers(1, 6), st.integers(1, 6))
def test_the_cells_sum_to_the_cosine_whatever_the_mean_and_the_scale(
    seed: int, scale: float, high: int, wide: int
) -> None:
    rng = np.random.default_rng(seed)
    projection = Projection(rng.normal(0, 0.2, 12).astype(np.float32), rng.standard_normal((5, 12), dtype=np.float32))
    cells = (rng.standard_normal((high, wide, 12)) + rng.standard_normal(12)).astype(np.float32)
    vector = projection.apply((scale * cells.mean(axis=(0, 1)))[None].astype(np.float32))[0]
    other = rng.standard_normal(5, dtype=np.float32)
    grid = split(projection, cells, vector, other)
    cosine = vector @ other / np.linalg.norm(vector) / np.linalg.norm(other)
    assert grid.shape == (high, wide)
    assert grid.sum() == pytest.approx(cosine, abs=1e-5)


def test_what_makes_two_pictures_alike_is_where_it_is() -> None:
    """One cell of four shares its direction with the other picture, the rest stand at right angles to it."""
    projection = Projection(np.zeros(3, np.float32), np.eye(3, dtype=np.float32))
    cells = np.zeros((2, 2, 3), np.float32)
    cells[..., 1] = 1
    cells[1, 0] = [2, 0, 0]
    vector = projection.apply(cells.mean(axis=(0, 1))[None])[0]
    grid = split(projection, cells, vector, np.array([5, 0, 0], np.float32))
    assert grid == pytest.approx(np.array([[0, 0], [2 / np.sqrt(13), 0]]), abs=1e-6)


def test_a_vector_of_other_cells_is_refused() -> None:
    projection = Projection(np.zeros(3, np.float32), np.eye(3, dtype=np.float32))
    cells = np.ones((2, 2, 3), np.float32)
    one = np.array([1, 0, 0], np.float32)
    for wrong in (cells, 0 * cells):
        with pytest.raises(ValueError, match=r"cells|direction"):
            split(projection, wrong, one, one)
    with pytest.raises(ValueError, match="direction"):
        split(projection, cells, one, 0 * one)
