"""Picture bytes -> what the header says, or the pixels.

What is damaged around its pixels only is mended and decoded all the same, as browsers do; what has not all of its
pixels is refused.
"""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

from PIL import ExifTags, Image

from retrieval.errors import BrokenImage, ImageError
from retrieval.images.containers import jpeg, png, webp
from retrieval.images.formats import BMP, JPEG, MAX_JPEG_PIXELS, PNG, PNM, TIFF, WEBP, Format, format_of
from retrieval.images.opening import OpenedPicture, check_pixels, open_picture
from retrieval.images.pixels import RGB, SIDEWAYS

# Pillow warns of damaged EXIF blocks, which do not hurt the picture. Set once for the process, because
# warnings.catch_warnings is not safe in a server's threads.
warnings.filterwarnings("ignore", module=r"PIL\.")


LOSSLESS = (PNG, BMP, TIFF, PNM)
LOSSY_IN_TIFF = ("jpeg", "tiff_jpeg", "webp")  # as Pillow names what the pixels of a TIFF are packed with


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What a picture's header says; `width` and `height` in pixels, after EXIF orientation."""

    format: str
    media_type: str
    width: int
    height: int
    is_lossless: bool = False
    has_metadata: bool = False
    """Data of a camera or an editor (EXIF), beyond the orientation."""
    has_profile: bool = False
    """A colour profile of its own (ICC)."""


def inspect(data: bytes, *, max_pixels: int = MAX_JPEG_PIXELS) -> ImageInfo:
    """Read the header of a picture; no pixel is decoded. `max_pixels` as for `decode`.

    Raises UnsupportedFormat, TooManyPixels, or BrokenImage where the header itself is damaged.
    """
    kind = format_of(data)
    try:
        opened = _open(kind, data, max_pixels)
    except BrokenImage:
        copies = _mended(kind, data)
        if not copies:
            raise
        opened = _open(kind, copies[0], max_pixels)
    width, height = opened.image.size
    if opened.orientation in SIDEWAYS:
        width, height = height, width
    return ImageInfo(
        kind.name,
        kind.media_type,
        width,
        height,
        is_lossless=_is_lossless(kind, data, opened.image.info.get("compression")),
        has_metadata=_has_metadata(opened.image.info.get("exif")),
        has_profile=opened.profile is not None,
    )


def _is_lossless(kind: Format, data: bytes, compression: object) -> bool:
    if kind is WEBP:
        return b"VP8L" in data[:64]
    return kind in LOSSLESS and compression not in LOSSY_IN_TIFF


def _has_metadata(exif: object) -> bool:
    if not isinstance(exif, bytes) or not exif:
        return False
    read = Image.Exif()
    try:
        read.load(exif)
        return any(tag != ExifTags.Base.Orientation for tag in read)
    except Exception:  # whatever damage does: it tells nothing then
        return False


def decode(data: bytes, *, min_side: int | None = None, max_pixels: int = MAX_JPEG_PIXELS) -> RGB:
    """Decode a picture to uint8 [height, width, 3]: sRGB, upright by its orientation, transparency over white.

    Of an animation, the first frame; of a TIFF, the first page. With `min_side` (pixels, at least 1), a JPEG may be
    decoded at 1/2, 1/4 or 1/8 of its scale while its shorter side stays at least that long; a smaller one is never
    enlarged. A JPEG that takes more than MAX_BYTES is decoded at the largest scale that does not.

    `max_pixels`: the caller's limit; no format is allowed more than its own. Raises UnsupportedFormat, TooManyPixels
    (from the header, before decoding) or BrokenImage.
    """
    kind = format_of(data)
    try:
        return _decode(kind, data, min_side, max_pixels)
    except BrokenImage:
        copies = _mended(kind, data)
        if not copies or not _are_equal(kind, copies, max_pixels):
            raise
        return _decode(kind, copies[0], min_side, max_pixels)


def _open(kind: Format, data: bytes, max_pixels: int) -> OpenedPicture:
    with _pillow_failures(kind, max_pixels):
        return open_picture(kind, data, max_pixels)


def _decode(kind: Format, data: bytes, min_side: int | None, max_pixels: int) -> RGB:
    with _pillow_failures(kind, max_pixels):
        return open_picture(kind, data, max_pixels).decode(min_side)


def _mended(kind: Format, data: bytes) -> tuple[bytes, ...]:
    """Copies of a picture without the damage around its pixels; see `jpeg.mended` for more than one."""
    if kind is JPEG:
        return jpeg.mended(data)
    copy = {PNG: png.mended, WEBP: webp.mended}.get(kind, lambda _: None)(data)
    return () if copy is None else (copy,)


def _are_equal(kind: Format, copies: tuple[bytes, ...], max_pixels: int) -> bool:
    """Whether all decode to the same pixels; compared by digest, so that only one is in memory."""
    return (
        len(copies) == 1 or len({sha256(_decode(kind, copy, None, max_pixels).data).digest() for copy in copies}) == 1
    )


@contextmanager
def _pillow_failures(kind: Format, max_pixels: int) -> Iterator[None]:
    """Say it in our words: for damaged bytes, Pillow's readers raise nearly every type of exception."""
    try:
        yield
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        # The GIF and WebP readers allocate on opening, and first hold the header against Pillow's own limit.
        pixels, allowed = map(int, re.findall(r"\d+", str(error)))
        check_pixels(pixels, min(allowed, max_pixels, kind.max_pixels))
        raise
    except Exception as error:
        raise BrokenImage(f"this {kind.name} is damaged or cut short ({error}); save it again") from error
