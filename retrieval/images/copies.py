"""Smaller copies of a picture, and parts of one."""

from io import BytesIO
from typing import Literal

import numpy as np
from PIL import Image

from retrieval.images.decoding import decode
from retrieval.images.formats import MAX_JPEG_PIXELS
from retrieval.images.pixels import RGB

Fit = Literal["whole", "centre", "both"]
"""What of a picture is embedded: all of it, squashed to the encoder's shape; its centre square; or one above the other.
"""

THUMBNAIL_QUALITY = 80  # WebP, 0-100


def resize(rgb: RGB, height: int, width: int) -> RGB:
    """Squash a whole picture to [height, width, 3], bicubic with antialiasing."""
    if rgb.shape[:2] == (height, width):
        return rgb
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC))


def centre(rgb: RGB) -> RGB:
    """The largest square in the middle of a picture [height, width, 3]."""
    height, width = rgb.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return rgb[top : top + side, left : left + side]


def arrange(rgb: RGB, height: int, width: int, fit: Fit) -> RGB:
    """What an encoder is given of a picture, uint8 [height, width, 3]; `both`: the whole above the centre."""
    if fit == "whole":
        return resize(rgb, height, width)
    if fit == "centre":
        return resize(centre(rgb), height, width)
    return np.concatenate([resize(rgb, height // 2, width), resize(centre(rgb), height // 2, width)])


def arranged_side(height: int, width: int, fit: Fit) -> int:
    """The longest side in pixels that `arrange` resizes to: what a picture is decoded for."""
    return max(height // 2 if fit == "both" else height, width)


def thumbnail(data: bytes, side: int) -> bytes:
    """A WebP copy of a picture that fits in side x side pixels: upright, never enlarged, without metadata.

    Raises what `decode` raises.
    """
    rgb = decode(data, min_side=side)
    height, width = rgb.shape[:2]
    scale = min(1.0, side / max(height, width))
    small = resize(rgb, max(1, round(height * scale)), max(1, round(width * scale)))
    buffer = BytesIO()
    Image.fromarray(small).save(buffer, "WEBP", quality=THUMBNAIL_QUALITY)
    return buffer.getvalue()


def cut(data: bytes, x: float, y: float, width: float, height: float, *, max_pixels: int = MAX_JPEG_PIXELS) -> bytes:
    """The file (BMP, so without loss) of a part of a picture, at least one pixel of it.

    Its left upper corner and its size as fractions, within 0..1, of the picture as it is seen: upright. Raises what
    `decode` raises.
    """
    rgb = decode(data, max_pixels=max_pixels)
    high, wide = rgb.shape[:2]
    left, top = min(round(x * wide), wide - 1), min(round(y * high), high - 1)
    right, bottom = max(round((x + width) * wide), left + 1), max(round((y + height) * high), top + 1)
    buffer = BytesIO()
    Image.fromarray(rgb[top:bottom, left:right]).save(buffer, "BMP")
    return buffer.getvalue()
