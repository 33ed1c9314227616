"""The map's places: near stays near, the same every time, and no count of pictures is too small."""

import numpy as np
import pytest

from tests.trainer.report.examples import grouped
from trainer.report.drawing import embedding_map
from trainer.report.drawing.embedding_map import place, sample


def test_groups_stay_together() -> None:
    labels = ["a", "b", "c"] * 20
    points = place(grouped(labels, apart=8))
    for row in range(60):
        distances = np.linalg.norm(points - points[row], axis=1)
        distances[row] = np.inf
        assert labels[int(distances.argmin())] == labels[row]


def test_the_same_vectors_have_the_same_places() -> None:
    vectors = grouped(["a", "b"] * 15)
    assert np.array_equal(place(vectors), place(vectors.copy()))


@pytest.mark.parametrize("count", [0, 1, 2, 3, embedding_map.MIN_POINTS - 1, embedding_map.MIN_POINTS, 40])
def test_any_count_has_places(count: int) -> None:
    points = place(grouped(["a"] * count))
    assert points.shape == (count, 2)
    assert np.isfinite(points).all()


@pytest.mark.parametrize("vectors", [np.ones((30, 5)), np.zeros((30, 5)), np.ones((30, 1)), np.eye(2)[[0, 1] * 20]])
def test_vectors_that_do_not_differ_have_places(vectors: np.ndarray) -> None:
    points = place(vectors.astype(np.float32))
    assert points.shape == (len(vectors), 2)
    assert np.isfinite(points).all()


def test_many_are_sampled_few_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding_map, "MAX_POINTS", 10)
    assert sample(10).tolist() == list(range(10))
    drawn = sample(1000)
    assert len(set(drawn.tolist())) == 10
    assert drawn.tolist() == sorted(drawn.tolist()) == sample(1000).tolist()
