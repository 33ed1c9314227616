"""Whether two pictures are the same one: laid over each other to a fraction of a pixel, and compared in every part.

A copy is the whole of the other or an upright rectangle of it. A second photograph of the same shelf is not: the camera
has turned or moved a little, which shows as a slant, as a rectangle that reaches beyond the other picture, or as parts
that do not fit.
"""

from dataclasses import dataclass
from itertools import pairwise, product

import cv2
import numpy as np
from numpy.typing import NDArray

from retrieval.duplicates.sketch import SIDE, flipped
from retrieval.images import RGB

FINE_SIDE = 128  # pixels; pictures are squashed to this before they are laid over each other
EDGE = 4  # pixels left out around, where smoothing sees nothing
BLOCKS = 8  # parts along each side

MIN_COARSE = 0.8  # normalised correlation of the small pictures; copies had 0.92 and more
MIN_PROMISING = 0.65  # the same, before sizes of other proportions are tried
MIN_SHARE = 0.82  # of each side that a crop leaves
MAX_SLANT, MAX_BEYOND = 0.004, 0.004  # shares of a side; copies had 0.002, second photographs mostly 0.006 and more
MIN_GAIN, MAX_GAIN, MAX_OFFSET = 0.6, 1.67, 40.0  # how the light may differ: factor, and grey levels
CLIPPED = 248  # grey levels; what is brighter may have been cut off by brightening
MIN_WHOLE = 0.02  # share of pixels that are not cut off, to tell the light from
GAIN_PRIOR = 25.0  # squared grey levels; a picture with less contrast says little of the factor
NOISE = 100.0  # squared grey levels by which parts without structure may differ
PLAIN, SAME_COLOUR = 3.0, 8.0  # grey levels: deviation of a picture that shows nothing, difference of two such
MIN_PART, MIN_OF_MOST = -0.5, 0.6  # what of a part the other picture explains: the worst, and 95 of 100

Grey = NDArray[np.float32]

_SIDES = range(int(np.ceil(MIN_SHARE * SIDE)), SIDE + 1)
_IN_PROPORTION = [(side, side) for side in _SIDES]
_OUT_OF_PROPORTION = [sides for sides in product(_SIDES, _SIDES) if 0 < abs(sides[0] - sides[1]) <= 4]


@dataclass(frozen=True, slots=True)
class Window:
    """Where the inner picture lies in the outer one, in shares of its sides; `swapped`: the first is the inner one."""

    score: float
    left: float
    top: float
    wide: float
    high: float
    swapped: bool


def coarse(first: RGB, second: RGB, flip: int) -> Window | None:
    """The best place of one small picture [SIDE, SIDE, 3] in the other, the second flipped. None: not alike."""
    ours, theirs = _grey(first), _grey(flipped(second, flip))
    if min(ours.std(), theirs.std()) < PLAIN:
        return Window(1.0, 0, 0, 1, 1, swapped=False)  # colours decide
    best = max(
        (_best_place(theirs, ours, swapped=True), _best_place(ours, theirs, swapped=False)),
        key=lambda window: window.score,
    )
    return best if best.score >= MIN_COARSE else None


def same_picture(first: RGB, second: RGB, flip: int, window: Window) -> bool:
    """Whether two pictures [FINE_SIDE, FINE_SIDE, 3] are one, the second flipped, starting from a coarse window."""
    outer, inner = first, flipped(second, flip)
    if min(outer.std(axis=(0, 1)).max(), inner.std(axis=(0, 1)).max()) < PLAIN:
        return bool(np.abs(_differences(outer, inner)).max() < SAME_COLOUR)
    if window.swapped:
        outer, inner = inner, outer
    matrix = _refined(outer, inner, window)
    if matrix is None:
        return False
    if not _is_upright_part(matrix):  # of a narrow cut, the coarse window cannot tell which is the inner one
        outer, inner, matrix = inner, outer, np.asarray(cv2.invertAffineTransform(matrix), np.float32)
        if not _is_upright_part(matrix):
            return False
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(outer, matrix, (FINE_SIDE, FINE_SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return _is_explained(np.asarray(laid, np.uint8), inner)


def _best_place(outer: NDArray[np.uint8], inner: NDArray[np.uint8], *, swapped: bool) -> Window:
    """Every size that a light crop can leave, at every place: the highest normalised correlation.

    Sizes of the same proportions first; where none of them promises anything, the others are not tried.
    """
    best = Window(-1.0, 0, 0, 1, 1, swapped)
    for sizes in (_IN_PROPORTION, _OUT_OF_PROPORTION):
        for wide, high in sizes:
            small = cv2.resize(inner, (wide, high), interpolation=cv2.INTER_AREA)
            _, score, _, (left, top) = cv2.minMaxLoc(cv2.matchTemplate(outer, small, cv2.TM_CCOEFF_NORMED))
            if score > best.score:
                best = Window(score, left / SIDE, top / SIDE, wide / SIDE, high / SIDE, swapped)
        if best.score < MIN_PROMISING:
            break
    return best


def _refined(outer: RGB, inner: RGB, window: Window) -> Grey | None:
    """The affine map [2, 3] from the inner picture's pixels to the outer's; None where there is no good one.

    Evangelidis and Psarakis 2008, "Parametric image alignment using enhanced correlation coefficient maximization".
    """
    start = np.array([[window.wide, 0, window.left * FINE_SIDE], [0, window.high, window.top * FINE_SIDE]], np.float32)
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 1e-4)
    try:
        _, matrix = cv2.findTransformECC(_grey(inner), _grey(outer), start, cv2.MOTION_AFFINE, stop, None, 5)  # type: ignore[call-overload]
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


def _is_explained(first: RGB, second: RGB) -> bool:
    """Whether each part of one picture is the same part of the other, in one other light.

    The colours are compared together, so that a red cup is not a blue one in other light.
    """
    ours, theirs = _smoothed(first), _smoothed(second)
    gain, offset = _light(ours, theirs)
    if not (MIN_GAIN <= gain <= MAX_GAIN and abs(offset) <= MAX_OFFSET):
        return False
    residual = ours - gain * theirs - offset
    # What was cut off by brightening was at least this bright, nobody knows how much brighter.
    residual[theirs >= CLIPPED] = np.minimum(residual[theirs >= CLIPPED], 0)
    residual[ours >= CLIPPED] = np.maximum(residual[ours >= CLIPPED], 0)
    scores = [
        1 - np.square(residual[part]).mean() / (ours[part].var(axis=(0, 1)).mean() + NOISE)
        for part in _parts(len(ours))
    ]
    return bool(min(scores) >= MIN_PART and np.quantile(scores, 0.05) >= MIN_OF_MOST)


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


def _parts(side: int) -> list[tuple[slice, slice]]:
    edges = np.linspace(0, side, BLOCKS + 1).astype(int).tolist()
    slices = [slice(*ends) for ends in pairwise(edges)]
    return list(product(slices, slices))


def _differences(first: RGB, second: RGB) -> NDArray[np.float64]:
    """Between the mean colours, and between the deviations."""
    ours, theirs = first.astype(float), second.astype(float)
    return np.concatenate(
        [ours.mean(axis=(0, 1)) - theirs.mean(axis=(0, 1)), ours.std(axis=(0, 1)) - theirs.std(axis=(0, 1))]
    )
