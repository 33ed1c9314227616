"""Greedy non-maximum suppression: of boxes that overlap, the best one stays."""

import numpy as np
from numpy.typing import NDArray

MAX_BOXES = 5000  # the best ones: a crowd makes hundreds, and noise no end of them


def best_boxes(boxes: NDArray[np.float64], scores: NDArray[np.floating], overlap: float) -> list[int]:
    """Rows of the boxes to keep, best first. `boxes` float64 [n, 4]: left, top, right, bottom; `scores` [n].

    A box is dropped where a better one that is kept shares more than `overlap` of the union of both. Only the
    MAX_BOXES best are looked at; of equal scores the earlier row is the better one.
    """
    left, top, right, bottom = boxes.T
    areas = (right - left) * (bottom - top)
    rows = np.argsort(-scores, kind="stable")[:MAX_BOXES]
    best_rows: list[int] = []
    while len(rows):
        best, rows = rows[0], rows[1:]
        best_rows.append(int(best))
        width = np.minimum(right[best], right[rows]) - np.maximum(left[best], left[rows])
        height = np.minimum(bottom[best], bottom[rows]) - np.maximum(top[best], top[rows])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        rows = rows[shared <= overlap * (areas[best] + areas[rows] - shared)]
    return best_rows
