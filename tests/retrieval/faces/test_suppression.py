"""Greedy suppression against an obvious oracle that counts pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.faces import suppression
from retrieval.faces.suppression import best_boxes
from tests.support.marks import examples

Box = tuple[int, int, int, int]


def overlap(a: Box, b: Box) -> float:
    """Pixel by pixel, as a share of the union."""
    one, other = ({(x, y) for x in range(left, left + w) for y in range(top, top + h)} for left, top, w, h in (a, b))
    return len(one & other) / len(one | other)


boxes_of_pixels = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9), st.integers(1, 9)), max_size=10
)


@settings(max_examples=examples(200), deadline=None)
@given(
    boxes=boxes_of_pixels,
    limit=st.sampled_from([0.17, 0.31, 0.47]),
    data=st.lists(st.integers(0, 5), min_size=10, max_size=10),
)
def test_the_best_of_boxes_that_overlap_stays(boxes: list[Box], limit: float, data: list[int]) -> None:
    scores = np.array(data[: len(boxes)], np.float64)
    kept: list[int] = []
    for row in sorted(range(len(boxes)), key=lambda row: (-scores[row], row)):
        if all(overlap(boxes[row], boxes[better]) <= limit for better in kept):
            kept.append(row)
    corners = np.array([(x, y, x + w, y + h) for x, y, w, h in boxes], np.float64).reshape(-1, 4)
    assert best_boxes(corners, scores, limit) == kept


def test_noise_makes_no_work_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suppression, "MAX_BOXES", 10)
    apart = np.arange(100)[:, None] * 20.0 + [0, 0, 9, 9]
    assert best_boxes(apart, np.arange(100.0), 0.5) == list(range(99, 89, -1))
