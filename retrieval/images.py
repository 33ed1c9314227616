"""Picture bytes -> RGB array, and back to a thumbnail: the only decoder and the only resizer of the project.

Training, gallery and query all pass through `decode` and `resize`, so that they see the same pixels. The
format is told by the content, never by a name, and only the reader of that one format is given the bytes.
"""

import re
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.WebPImagePlugin import WebPImageFile

from retrieval.errors import BrokenImage, ImageError, TooManyPixels, UnsupportedFormat

RGB = NDArray[np.uint8]
"""Pixels, uint8 [height, width, 3]. What this module returns is read-only."""

MAX_PIXELS = 50_000_000
"""Default limit for one picture: at the 7 bytes a pixel that decoding takes, 350 MB."""

EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".pbm", ".pgm", ".ppm", ".pnm"}
)
"""File name endings, lower case, of the files that a source collects."""

THUMBNAIL_QUALITY = 80  # WebP, 0-100


@dataclass(frozen=True, slots=True)
class _Format:
    name: str
    media_type: str
    magic: re.Pattern[bytes]
    reader: Callable[[BytesIO], ImageFile]


# The readers are called directly rather than through Image.open: that would also warn of pictures within our
# own limit, and give a JPEG with further pictures behind it to a reader that stumbles over damage in those.
_FORMATS = (
    _Format("JPEG", "image/jpeg", re.compile(rb"\xff\xd8\xff"), JpegImageFile),
    _Format("PNG", "image/png", re.compile(rb"\x89PNG\r\n\x1a\n"), PngImageFile),
    _Format("WebP", "image/webp", re.compile(rb"RIFF.{4}WEBP", re.DOTALL), WebPImageFile),
    _Format("GIF", "image/gif", re.compile(rb"GIF8[79]a"), GifImageFile),
    _Format("BMP", "image/bmp", re.compile(rb"BM"), BmpImageFile),
    _Format("PBM/PGM/PPM", "image/x-portable-anymap", re.compile(rb"P[1-6]\s"), PpmImageFile),
)

_PLAIN_PNM = re.compile(rb"P[123]")
_PNM_COMMENT = re.compile(rb"#[^\r\n]*")

# How a picture with this EXIF orientation (2-8) is set upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset({5, 6, 7, 8})  # orientations that exchange width and height

# Pillow warns of damaged EXIF blocks, which do not hurt the picture. Set once for the process, because
# warnings.catch_warnings is not safe in a server's threads.
warnings.filterwarnings("ignore", module=r"PIL\.")


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What a picture's header says; `width` and `height` in pixels, after EXIF orientation."""

    format: str
    media_type: str
    width: int
    height: int


def inspect(data: bytes, *, max_pixels: int = MAX_PIXELS) -> ImageInfo:
    """Read the header of a picture; no pixel is decoded.

    Raises UnsupportedFormat, TooManyPixels, or BrokenImage where the header itself is damaged.
    """
    kind = _format_of(data)
    with _pillow_failures(kind, max_pixels):
        image = _open(kind, data, max_pixels)
        width, height = image.size
        if _orientation(image) in _SIDEWAYS:
            width, height = height, width
    return ImageInfo(kind.name, kind.media_type, width, height)


def decode(data: bytes, *, min_side: int | None = None, max_pixels: int = MAX_PIXELS) -> RGB:
    """Decode a picture to uint8 [height, width, 3], upright by its EXIF orientation, transparency over white.

    Of an animation, the first frame. With `min_side` (pixels, at least 1), a JPEG may be decoded at 1/2, 1/4
    or 1/8 of its scale while its shorter side stays at least that long; a smaller one is never enlarged.

    Raises UnsupportedFormat, TooManyPixels (from the header, before decoding) or BrokenImage.
    """
    kind = _format_of(data)
    with _pillow_failures(kind, max_pixels):
        image = _open(kind, data, max_pixels)
        if min_side is not None:
            image.draft(None, (min_side, min_side))
        upright = _UPRIGHT.get(_orientation(image))
        image.load()
        rgb = _flatten(image)
        return np.asarray(rgb if upright is None else rgb.transpose(upright))


def resize(rgb: RGB, height: int, width: int) -> RGB:
    """Squash a whole picture to [height, width, 3], bicubic with antialiasing."""
    if rgb.shape[:2] == (height, width):
        return rgb
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC))


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


def cut(data: bytes, x: float, y: float, width: float, height: float, *, max_pixels: int = MAX_PIXELS) -> bytes:
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


def _format_of(data: bytes) -> _Format:
    for kind in _FORMATS:
        if kind.magic.match(data):
            return kind
    supported = ", ".join(kind.name for kind in _FORMATS)
    raise UnsupportedFormat(f"not a picture in a format that is decoded here; convert it to one of {supported}")


def _open(kind: _Format, data: bytes, max_pixels: int) -> ImageFile:
    """Read the header and hold it against the limit."""
    if _PLAIN_PNM.match(data):
        # Pillow copies the rest of a block for each comment in it: a megabyte of comments would take minutes.
        data = _PNM_COMMENT.sub(b"", data)
    image = kind.reader(BytesIO(data))
    if image.width * image.height > max_pixels:
        raise _too_many_pixels(image.width * image.height, max_pixels)
    return image


def _too_many_pixels(found: int, allowed: int) -> TooManyPixels:
    return TooManyPixels(f"{found:,} pixels where at most {allowed:,} are allowed; make a smaller copy of it")


def _orientation(image: ImageFile) -> int:
    """EXIF orientation 1-8 as the header gives it; upright (1) where there is none or it cannot be read."""
    try:
        # Not image.getexif(): for a PNG that decodes all pixels in search of an EXIF block behind them.
        orientation: int = Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1)
    except (OSError, SyntaxError, ValueError, struct.error):
        return 1
    return orientation


def _flatten(image: Image.Image) -> Image.Image:
    """Any of Pillow's modes -> RGB: transparency over white, 16 bits to the upper 8."""
    if image.mode in ("I", "I;16"):
        return _flatten_grey16(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        canvas = Image.new("RGB", image.size, "white")
        canvas.paste(rgba, mask=rgba)
        return canvas
    return image if image.mode == "RGB" else image.convert("RGB")


def _flatten_grey16(image: Image.Image) -> Image.Image:
    """16-bit grey, which Pillow's own conversion clips at 255, so that nearly all of it would be white."""
    samples = np.asarray(image)
    grey = (samples >> 8).astype(np.uint8)
    if "transparency" in image.info:  # in a PNG: the one grey that stands for "nothing here"
        grey[samples == image.info["transparency"]] = 255
    return Image.fromarray(grey).convert("RGB")


@contextmanager
def _pillow_failures(kind: _Format, max_pixels: int) -> Iterator[None]:
    """Say it in our words: for damaged bytes, Pillow's readers raise nearly every type of exception."""
    try:
        yield
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        # The GIF and WebP readers allocate on opening, and first hold the header against Pillow's own limit.
        found, allowed = map(int, re.findall(r"\d+", str(error)))
        raise _too_many_pixels(found, min(allowed, max_pixels)) from error
    except Exception as error:
        raise BrokenImage(f"this {kind.name} is damaged or cut short ({error}); save it again") from error
