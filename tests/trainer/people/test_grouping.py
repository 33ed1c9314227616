"""Groups of faces by votes: people apart stay apart, and one face between two people does not make them one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from retrieval.calibration import Curve
from tests.support.marks import examples
from trainer.people.grouping import group_faces, nearest_names

CURVE = Curve(np.array([0.0, 0.1, 0.3, 0.6]), np.array([1.0, 0.95, 0.5, 0.0]))


def people(sizes: list[int], seed: int, spread: float = 0.02) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Faces around directions at right angles, in a random order, and whose they are."""
    random = np.random.default_rng(seed)
    owners = random.permutation(np.repeat(np.arange(len(sizes)), sizes))
    vectors = np.eye(16)[owners] + random.normal(0, spread, (len(owners), 16))
    return (vectors * random.uniform(0.5, 2, (len(owners), 1))).astype(np.float32), owners


@settings(max_examples=examples(40), deadline=None)
@given(sizes=st.lists(st.integers(1, 12), min_size=1, max_size=8), seed=st.integers(0, 1000))
def test_people_who_are_apart_are_told_apart(sizes: list[int], seed: int) -> None:
    vectors, owners = people(sizes, seed)
    groups = group_faces(vectors, CURVE, 0.9)
    for row in range(len(owners)):
        np.testing.assert_array_equal(groups == groups[row], owners == owners[row])


def test_one_face_between_two_people_does_not_make_them_one() -> None:
    vectors, owners = people([10, 10], 3)
    both = np.zeros((1, 16), np.float32)
    both[0, :2] = 1
    groups = group_faces(np.concatenate([vectors, both]), CURVE, 0.5)  # a cosine of 0.707 to each face of both
    assert groups[-1] in groups[:-1]
    assert {*groups[:-1][owners == 0]}.isdisjoint(groups[:-1][owners == 1])


def test_who_is_less_sure_than_asked_stays_alone() -> None:
    pair = np.array([[1, 0], [0.8, 0.6]], np.float32)  # 0.2 apart: 0.725 sure
    assert len(set(group_faces(pair, CURVE, 0.72).tolist())) == 1
    assert len(set(group_faces(pair, CURVE, 0.73).tolist())) == 2


@pytest.mark.parametrize("count", [0, 1])
def test_nobody_and_one_face(count: int) -> None:
    assert group_faces(np.ones((count, 4), np.float32), CURVE, 0.9).tolist() == list(range(count))


def test_the_same_faces_give_the_same_groups() -> None:
    vectors, _ = people([5, 9, 2], 8, spread=0.3)
    np.testing.assert_array_equal(group_faces(vectors, CURVE, 0.4), group_faces(vectors, CURVE, 0.4))


def test_the_nearest_name_and_how_probable_it_is() -> None:
    faces, named = np.eye(4, dtype=np.float32)[:2], np.array([[0, 2, 0, 0], [0.9, 0, 0, 0.1]], np.float32)
    rows, probabilities = nearest_names(faces, named, CURVE)
    assert rows.tolist() == [1, 0]
    assert probabilities[1] == pytest.approx(1)
    assert 0.95 < probabilities[0] < 1
    assert nearest_names(faces, named[:0], CURVE)[0].tolist() == [-1, -1]
