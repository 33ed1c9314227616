"""What is kept of a picture to find its duplicates: 3 kB, so that a million pictures are 3 GB."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import cv2
import numpy as np
from numpy.typing import NDArray

from retrieval import images
from retrieval.clusters import Vectors
from retrieval.images import RGB

SIDE = 32  # pixels of the small picture
LEAST_SIDE = 256  # a larger JPEG may be decoded at a fraction of its scale, see images.decode

LIGHT, COLOUR = 8, 4  # how many frequencies of brightness and of each colour difference are kept, in each direction
COLOUR_WEIGHT = 0.7
MEAN_WEIGHT, PLAIN = 0.05, 100.0  # what a picture without any structure is told by
WINDOWS = ((0.05, 0.05), (0.0, 0.0), (0.1, 0.0), (0.0, 0.1), (0.1, 0.1))  # left and top, in shares of the sides
WINDOW = 0.9  # share of each side

FLIPS = ((False, False), (True, False), (False, True), (True, True))
"""(left to right, top to bottom). Each undoes itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """One file. `width` and `height` in pixels as the picture is seen, `size` in bytes.

    `small`: the whole picture squashed to uint8 [SIDE, SIDE, 3]. `sharpness`: the variance of the Laplacian (Pech-
    Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy"), which means something between pictures of
    one resolution only.
    """

    sha256: str
    small: RGB
    width: int
    height: int
    size: int
    sharpness: float
    is_lossless: bool = False
    has_metadata: bool = False
    """Data of a camera or an editor, beyond the orientation."""
    has_profile: bool = False
    written: float | None = None
    """When the file was written, in seconds since 1970, where that is known."""
    turn: int = 0
    """Which of FLIPS makes it like the first picture of its group."""


def sketch(data: bytes) -> Sketch:
    """The sketch of a picture's file. Raises what `images.decode` raises."""
    info = images.inspect(data)
    rgb = images.decode(data, min_side=LEAST_SIDE)
    sharpness = cv2.Laplacian(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var()
    return Sketch(
        sha256(data).hexdigest(),
        squashed(rgb, SIDE),
        info.width,
        info.height,
        len(data),
        float(sharpness),
        is_lossless=info.is_lossless,
        has_metadata=info.has_metadata,
        has_profile=info.has_profile,
    )


def squashed(rgb: RGB, side: int) -> RGB:
    """A picture uint8 [h, w, 3] as [side, side, 3], each pixel the mean of what it covers."""
    return np.asarray(cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def descriptor(small: RGB) -> Vectors:
    """The low frequencies of a small picture [SIDE, SIDE, 3], float32 [d] of length one.

    The first 8 x 8 of the discrete cosine transform for brightness, 4 x 4 for each colour difference: unmoved by
    compression and resizing, hardly moved by light, and little by a crop of a few percent.
    """
    channels = cv2.cvtColor(small, cv2.COLOR_RGB2YCrCb).astype(np.float32) - 128
    light, *colours = (cv2.dct(np.ascontiguousarray(channels[..., channel])) for channel in range(3))
    light[0, 0] = MEAN_WEIGHT * (light[0, 0] + 128 * SIDE)
    parts = [light[:LIGHT, :LIGHT], *(COLOUR_WEIGHT * colour[:COLOUR, :COLOUR] for colour in colours)]
    values = np.concatenate([*(part.ravel() for part in parts), [PLAIN]])
    return np.asarray(values / np.linalg.norm(values), np.float32)


def questions(small: RGB) -> Vectors:
    """The descriptors [windows * flips, d] that a copy of this picture may have: light crops, and each of them flipped.

    All windows of FLIPS[0] first, then those of the next flip: flipping a picture changes the sign of its odd
    frequencies and nothing else.
    """
    plain = np.stack([descriptor(small), *(descriptor(_window(small, *corner)) for corner in WINDOWS)])
    return np.concatenate([plain * signs for signs in _SIGNS])


def flipped(rgb: RGB, flip: int) -> RGB:
    """A picture as FLIPS[flip] shows it."""
    sideways, over = FLIPS[flip]
    return np.ascontiguousarray(rgb[:: -1 if over else 1, :: -1 if sideways else 1])


def descriptors(sketches: Sequence[Sketch]) -> Vectors:
    """One a sketch, float32 [n, d]."""
    return np.stack([descriptor(entry.small) for entry in sketches])


def _window(small: RGB, left: float, top: float) -> RGB:
    step = np.float32(WINDOW)
    # From the middle of an output pixel to where it lies in the picture, both counted from pixel middles.
    start = np.array([left, top]) * SIDE + (step - 1) / 2
    matrix = np.array([[step, 0, start[0]], [0, step, start[1]]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(small, matrix, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _signs(sideways: bool, over: bool) -> NDArray[np.float32]:
    def of(count: int) -> NDArray[np.float32]:
        odd = np.where(np.arange(count) % 2, -1, 1)
        return np.outer(odd if over else np.ones(count), odd if sideways else np.ones(count)).ravel()

    return np.concatenate([of(LIGHT), of(COLOUR), of(COLOUR), [1]]).astype(np.float32)


_SIGNS = [_signs(*flip) for flip in FLIPS]
