"""Whether two pictures are the same one: laid over each other to a fraction of a pixel, and compared in every part.

A copy is the whole of the other or an upright rectangle of it. A second photograph of the same shelf is not: the camera
has turned or moved a little, which shows as a slant, as a rectangle that reaches beyond the other picture, or as parts
that do not fit.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from retrieval.duplicates.placement import CLIPPED, PLAIN, Place, ladder, place
from retrieval.duplicates.sketch import flipped
from retrieval.images import RGB

FINE_SIDE = 128  # pixels; pictures are squashed to this before they are laid over each other
EDGE = 4  # pixels left out around, where smoothing sees nothing
BLOCKS = 8  # parts along each side

MIN_SHARE = 0.82  # of each side that a crop leaves
MAX_SLANT, MAX_BEYOND = 0.004, 0.004  # shares of a side; copies had 0.002, second photographs mostly 0.006 and more
MIN_GAIN, MAX_GAIN, MAX_OFFSET = 0.6, 1.67, 40.0  # how the light may differ: factor, and grey levels
MIN_WHOLE = 0.02  # share of pixels that are not cut off, to tell the light from
GAIN_PRIOR = 25.0  # squared grey levels; a picture with less contrast says little of the factor
NOISE = 100.0  # squared grey levels by which parts without structure may differ
SAME_COLOUR = 8.0  # grey levels by which two pictures that show nothing may differ
MIN_PART, MIN_OF_MOST = -0.5, 0.6  # what of a part the other picture explains: the worst, and 95 of 100
ROUGHLY_PART, ROUGHLY_OF_MOST = -2.0, 0.25  # the same, at half the side and before pictures are laid exactly
ROUGH_STEPS, STEPS = 10, 30  # of the exact search for the place, at half the side and at the whole
ROUGH_SLANT = 0.06  # at half the side, where the slant of what shows little structure is uncertain

Grey = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Window:
    """Where the inner picture lies in the outer one, in shares of its sides; `swapped`: the first is the inner one."""

    left: float
    top: float
    wide: float
    high: float
    swapped: bool


def window_of(place: Place) -> Window:
    """The window that a place of the second picture in the first means."""
    wide, right, high, down = place
    swapped = wide * high > 1
    if swapped:
        wide, right, high, down = 1 / wide, -right / wide, 1 / high, -down / high
    return Window(0.5 + right - wide / 2, 0.5 + down - high / 2, wide, high, swapped)


def coarse(first: RGB, second: RGB, flip: int) -> Window | None:
    """The best place of one small picture [SIDE, SIDE, 3] in the other, the second flipped. None: not alike."""
    placed = place(ladder([first, second]), [(0, 1, flip)])
    return window_of(placed[0].place) if placed else None


def same_picture(first: RGB, second: RGB, flip: int, window: Window) -> bool:
    """Whether two pictures [FINE_SIDE, FINE_SIDE, 3] are one, the second flipped, starting from a coarse window."""
    outer, inner = first, flipped(second, flip)
    if min(outer.std(axis=(0, 1)).max(), inner.std(axis=(0, 1)).max()) < PLAIN:
        return bool(np.abs(_differences(outer, inner)).max() < SAME_COLOUR)
    if window.swapped:
        outer, inner = inner, outer
    if not _fits_roughly(outer, inner, window):
        return False
    matrix = _refined(outer, inner, _start(window, FINE_SIDE), STEPS)
    if matrix is None:
        return False
    if not _is_upright_part(matrix):  # of a narrow cut, the coarse window cannot tell which is the inner one
        outer, inner, matrix = inner, outer, np.asarray(cv2.invertAffineTransform(matrix), np.float32)
        if not _is_upright_part(matrix):
            return False
    return _is_explained(_laid(outer, matrix), inner, worst=MIN_PART, most=MIN_OF_MOST)


def _fits_roughly(outer: RGB, inner: RGB, window: Window) -> bool:
    """Whether pictures of half the side fit: what is rejected here costs a quarter."""
    half = FINE_SIDE // 2
    small, other = (
        np.asarray(cv2.resize(rgb, (half, half), interpolation=cv2.INTER_AREA), np.uint8) for rgb in (outer, inner)
    )
    start = _start(window, half)
    if not _is_explained(_laid(small, start), other, worst=ROUGHLY_PART, most=ROUGHLY_OF_MOST):
        return False
    matrix = _refined(small, other, start, ROUGH_STEPS)
    return matrix is not None and max(abs(matrix[0, 1]), abs(matrix[1, 0])) <= ROUGH_SLANT


def _laid(outer: RGB, matrix: Grey) -> RGB:
    """What of the outer picture lies where the inner one is."""
    side = len(outer)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(outer, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(laid, np.uint8)


def _start(window: Window, side: int) -> Grey:
    """The affine map [2, 3] of pixels that a window means; pixels are counted from their middles."""
    left = window.left * side + (window.wide - 1) / 2
    top = window.top * side + (window.high - 1) / 2
    return np.array([[window.wide, 0, left], [0, window.high, top]], np.float32)


def _refined(outer: RGB, inner: RGB, start: Grey, steps: int) -> Grey | None:
    """The affine map [2, 3] from the inner picture's pixels to the outer's; None where there is no good one.

    Evangelidis and Psarakis 2008, "Parametric image alignment using enhanced correlation coefficient maximization".
    """
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, steps, 1e-4)
    try:
        _, matrix = cv2.findTransformECC(_grey(inner), _grey(outer), start.copy(), cv2.MOTION_AFFINE, stop, None, 5)  # type: ignore[call-overload]
    except cv2.error:  # its word for: these two do not fit
        return None
    return np.asarray(matrix, np.float32)


def _is_upright_part(matrix: Grey) -> bool:
    """Whether the inner picture is an upright rectangle within the outer one."""
    (wide, slant, left), (other_slant, high, top) = matrix.astype(float)
    last = FINE_SIDE - 1
    reach = max(-left, -top, left + wide * last - last, top + high * last - last) / FINE_SIDE
    upright = max(abs(slant), abs(other_slant)) <= MAX_SLANT
    return bool(upright and reach <= MAX_BEYOND and min(wide, high) >= MIN_SHARE)


def _is_explained(first: RGB, second: RGB, *, worst: float, most: float) -> bool:
    """Whether each part of one picture is the same part of the other, in one other light.

    The colours are compared together, so that a red cup is not a blue one in other light.
    """
    ours, theirs = _smoothed(first), _smoothed(second)
    gain, offset = _light(ours, theirs)
    if not (MIN_GAIN <= gain <= MAX_GAIN and abs(offset) <= MAX_OFFSET):
        return False
    residual = ours - np.float32(gain) * theirs - np.float32(offset)
    # What was cut off by brightening was at least this bright, nobody knows how much brighter.
    np.minimum(residual, 0, out=residual, where=theirs >= CLIPPED)
    np.maximum(residual, 0, out=residual, where=ours >= CLIPPED)
    left_over = _of_parts(residual * residual).mean(axis=2)
    structure = _of_parts(ours * ours) - _of_parts(ours) ** 2
    scores = 1 - left_over / (np.maximum(structure, 0).mean(axis=2) + NOISE)
    return bool(scores.min() >= worst and np.quantile(scores, 0.05) >= most)


def _light(ours: Grey, theirs: Grey) -> tuple[float, float]:
    """The factor and the offset that make one picture's light the other's, by least squares, held towards none."""
    whole = np.asarray(((ours < CLIPPED) & (theirs < CLIPPED)).all(axis=2))
    if whole.mean() < MIN_WHOLE:
        return 1.0, 0.0
    x, y = theirs[whole].astype(float), ours[whole].astype(float)
    covariance = float(np.mean((y - y.mean()) * (x - x.mean())))
    gain = (covariance + GAIN_PRIOR) / (float(x.var()) + GAIN_PRIOR)
    return gain, float(y.mean() - gain * x.mean())


def _grey(rgb: RGB) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)


def _smoothed(rgb: RGB) -> Grey:
    """Without the noise of compression, and without the edge, which smoothing cannot see beyond."""
    smooth = cv2.GaussianBlur(rgb, (0, 0), 1).astype(np.float32)
    return smooth[EDGE:-EDGE, EDGE:-EDGE]


def _of_parts(values: Grey) -> Grey:
    """The means of BLOCKS * BLOCKS parts, [BLOCKS, BLOCKS, 3]; EDGE makes their sides whole pixels."""
    return np.asarray(cv2.resize(values, (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA), np.float32)


def _differences(first: RGB, second: RGB) -> NDArray[np.float64]:
    """Between the mean colours, and between the deviations."""
    ours, theirs = first.astype(float), second.astype(float)
    return np.concatenate(
        [ours.mean(axis=(0, 1)) - theirs.mean(axis=(0, 1)), ours.std(axis=(0, 1)) - theirs.std(axis=(0, 1))]
    )
