"""Decoded pixels of any of Pillow's modes -> RGB: sRGB colours, 8 bits, upright, transparency over white.

Band by band, so that a large picture needs no second and third copy of itself on the way.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retrieval.images.colour import ToRgb, to_srgb

RGB = NDArray[np.uint8]
"""Pixels, uint8 [height, width, 3]. What this package returns is read-only."""

SIDEWAYS = frozenset({5, 6, 7, 8})  # orientations that exchange width and height

_BAND = 1 << 20  # pixels
_DEEP_GREY = frozenset({"I", "I;16", "I;16B"})


def rgb_of(
    image: Image.Image,
    *,
    profile: bytes | None = None,
    orientation: int = 1,
    unused_alpha: bool = False,
    grey_bits: int = 16,
    white_is_zero: bool = False,
) -> RGB:
    """A decoded picture to uint8 [height, width, 3].

    `profile`: the ICC profile of its colours, None for sRGB. `orientation`: EXIF's, 1 to 8, still to be applied.
    `unused_alpha`: an alpha of 0 everywhere means that there is none. `grey_bits`, `white_is_zero`: what samples of
    more than 8 bits hold.
    """
    convert = to_srgb(image.mode, profile)
    opaque = unused_alpha and image.mode in {"RGBA", "LA", "PA"} and image.getextrema()[-1] == (0, 0)
    width, height = image.size
    rows = max(1, _BAND // width)
    if rows >= height and orientation == 1:
        return np.asarray(_flat(_grey(image, grey_bits, white_is_zero), convert, opaque))
    upright = np.empty((width, height, 3) if orientation in SIDEWAYS else (height, width, 3), np.uint8)
    stored = _as_stored(upright, orientation)
    for top in range(0, height, rows):
        band = image.crop((0, top, width, min(top + rows, height))) if rows < height else image
        stored[top : top + rows] = np.asarray(_flat(_grey(band, grey_bits, white_is_zero), convert, opaque))
    upright.flags.writeable = False
    return upright


def _as_stored(upright: RGB, orientation: int) -> RGB:
    """The same memory, seen with rows and columns as a file of this EXIF orientation stores them."""
    turned = upright.transpose(1, 0, 2) if orientation in SIDEWAYS else upright
    # EXIF 2.3, 4.6.4 A: for 3 and 4, row 0 is at the bottom; for 7 and 8, it is at the right, and so on.
    if orientation in {3, 4, 7, 6}:
        turned = turned[::-1]
    if orientation in {2, 3, 7, 8}:
        turned = turned[:, ::-1]
    return turned


def _flat(band: Image.Image, convert: ToRgb, opaque: bool) -> Image.Image:
    """RGB pixels, transparency over white."""
    if not band.has_transparency_data:
        return convert(band)
    if band.mode == "La":
        band = band.convert("LA")
    rgba = band if band.mode == "RGBA" else band.convert("RGBA")
    if opaque:
        return convert(rgba.convert("RGB"))
    canvas = Image.new("RGB", band.size, "white")
    canvas.paste(convert(rgba.convert("RGB")), mask=rgba.getchannel("A"))
    return canvas


def _grey(band: Image.Image, bits: int, white_is_zero: bool) -> Image.Image:
    """Grey of more than 8 bits to its upper 8; other pixels as they are.

    Pillow's own conversion clips at 255, so that nearly all would be white. In a PNG, one grey may stand for "nothing
    here", which is white.
    """
    if band.mode not in _DEEP_GREY:
        return band
    samples = np.asarray(band)
    grey = (samples >> (bits - 8)).astype(np.uint8)
    if white_is_zero:
        grey = 255 - grey
    if "transparency" in band.info:
        grey[samples == band.info["transparency"]] = 255
    return Image.fromarray(grey)
