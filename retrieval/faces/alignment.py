"""Square crops of a face: upright and as large as the encoder expects it, or as the detector's box says."""

import cv2
import numpy as np
from numpy.typing import NDArray

from retrieval.images import RGB, resize

Matrix = NDArray[np.float64]
"""float64 [2, 3], (x, y) of the picture to (x, y) of the crop, in pixels; the centre of the first one is (0, 0)."""


def similarity(points: NDArray[np.float64], targets: NDArray[np.float64]) -> Matrix:
    """The rotation, scale and shift that bring points [n, 2] closest to targets [n, 2] by least squares.

    Umeyama 1991, "Least-squares estimation of transformation parameters between two point patterns", IEEE TPAMI 13(4).
    Never a mirror image.
    """
    centre, goal = points.mean(axis=0), targets.mean(axis=0)
    centred = points - centre
    u, stretches, vt = np.linalg.svd((targets - goal).T @ centred)
    signs = np.array([1.0, np.sign(np.linalg.det(u @ vt))])
    scaled = u @ np.diag(signs) @ vt * (stretches @ signs) / (centred**2).sum()
    return np.column_stack([scaled, goal - scaled @ centre])


def square(box: NDArray[np.float64], margin: float, side: int) -> Matrix:
    """Brings a box (left, top, right, bottom) into the middle of a square of `side` pixels.

    `margin` is what is left around it, as a share of its longer side.
    """
    left, top, right, bottom = box
    scale = side / (max(right - left, bottom - top) * (1 + 2 * margin))
    middle = (side - 1) / 2
    return np.array([[scale, 0, middle - scale * (left + right) / 2], [0, scale, middle - scale * (top + bottom) / 2]])


def warp(rgb: RGB, matrix: Matrix, side: int) -> RGB:
    """The crop, uint8 [side, side, 3]; beyond the picture's edge, its outermost pixels are repeated."""
    shrink = float(np.sqrt(np.linalg.det(matrix[:, :2])))
    if shrink < 1:  # first made smaller with antialiasing, which the warp has not
        height, width = (max(1, round(length * shrink)) for length in rgb.shape[:2])
        factors = np.array([rgb.shape[1] / width, rgb.shape[0] / height])
        rgb = resize(rgb, height, width)
        offset = matrix @ np.array([*(factors - 1) / 2, 1])  # where the centre of the smaller one's first pixel goes
        matrix = np.column_stack([matrix[:, :2] * factors, offset])
    warped = cv2.warpAffine(rgb, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.uint8)
