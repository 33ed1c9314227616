"""The quality of faces: blur against its formula written out, pose from places of the nose."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from retrieval.faces.detection import Face
from retrieval.faces.quality import WINDOW, blur_of, pose_of, quality_of
from retrieval.images import RGB, resize
from tests.support.marks import examples

LEVEL = np.array([(30, 40), (70, 40), (50, 60), (35, 80), (65, 80)], np.float64)
"""Seen from the front: the nose in the middle between eyes and mouth."""


def noise(side: int, seed: int = 3) -> RGB:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def blur_by_steps(grey: NDArray[np.float64]) -> float:
    """The published formula, a pixel at a time."""
    results = []
    for lines in (grey, grey.T):
        total = lost = 0.0
        for line in lines:
            padded = np.pad(line, WINDOW // 2, mode="symmetric")
            smooth = [padded[start : start + WINDOW].mean() for start in range(len(line))]
            for place in range(1, len(line)):
                step, smooth_step = abs(line[place] - line[place - 1]), abs(smooth[place] - smooth[place - 1])
                total += step
                lost += max(0.0, step - smooth_step)
        results.append((total - lost) / total if total else 1.0)
    return max(results)


@settings(max_examples=examples(30), deadline=None)
@given(seed=st.integers(0, 10_000), height=st.integers(9, 20), width=st.integers(9, 20))
def test_blur_is_that_of_the_formula(seed: int, height: int, width: int) -> None:
    grey = np.random.default_rng(seed).uniform(0, 255, (height, width))
    assert blur_of(grey) == pytest.approx(blur_by_steps(grey), abs=1e-9)


def test_what_is_blurred_more_has_a_higher_score() -> None:
    sharp = noise(4).repeat(28, axis=0).repeat(28, axis=1)  # flat parts with edges between them, as faces have
    scores = [blur_of(resize(resize(sharp, side, side), 112, 112).mean(axis=2)) for side in (112, 56, 28, 14)]
    assert scores == sorted(scores)
    assert scores[0] < 0.3
    assert scores[-1] > 0.7
    assert blur_of(np.full((112, 112), 90.0)) == 1


def test_a_small_face_is_a_blurred_one() -> None:
    rgb = noise(300)
    large, small = (quality_of(rgb, Face(np.array([0, 0, side, side], np.float64), 1.0)) for side in (112, 20))
    assert large.blur < small.blur
    assert (large.size, small.size) == (112, 20)
    assert small.pose is None
    assert set(small.attributes()) == {"face_size", "face_blur"}


@settings(max_examples=examples(60), deadline=None)
@given(degrees=st.floats(-180, 180), scale=st.floats(0.2, 5), x=st.floats(-15, 15), y=st.floats(-15, 15))
def test_pose_does_not_depend_on_size_or_lean(degrees: float, scale: float, x: float, y: float) -> None:
    """x: towards an eye, of which each is 20 pixels away; y: towards the mouth, the line of which is 20 away."""
    points = LEVEL.copy()
    points[2] += (x, y)
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert pose_of(points @ turn.T + 100) == pytest.approx(max(abs(x), abs(y)) / 20, abs=1e-6)


def test_a_profile_and_landmarks_in_one_place_are_turned_away_altogether() -> None:
    profile = LEVEL.copy()
    profile[2] = (80, 60)
    assert pose_of(profile) == 1
    assert pose_of(np.ones((5, 2))) == 1
    quality = quality_of(noise(100), Face(np.array([10.0, 10, 90, 90]), 1.0, LEVEL))
    assert quality.attributes()["face_pose"] == 0
