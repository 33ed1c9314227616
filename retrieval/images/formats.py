"""The formats that are read, told by content: the one list that trainer, API and page go by."""

import re
from dataclasses import dataclass

from retrieval.errors import UnsupportedFormat
from retrieval.images.containers.heif import AVIF_BRANDS, HEIC_BRANDS, brands
from retrieval.images.foreign import describe

MAX_PIXELS = 50_000_000
"""Limit for one picture that is decoded in full: at the 7 bytes a pixel that decoding takes, 350 MB."""

MAX_JPEG_PIXELS = 120_000_000
"""Limit for a JPEG, which is decoded at a reduced scale where its full one takes more than MAX_BYTES."""

MAX_BYTES = 400_000_000
"""Memory that decoding a JPEG may take."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format: the name people know, its media type, and its file name endings, our own first.

    `magic` matches the first bytes; HEIC and AVIF are told by their brands instead. `in_browsers`: whether every
    browser shows it.
    """

    name: str
    media_type: str
    extensions: tuple[str, ...]
    magic: re.Pattern[bytes] | None
    max_pixels: int = MAX_PIXELS
    in_browsers: bool = True


JPEG = Format("JPEG", "image/jpeg", (".jpg", ".jpeg", ".jpe", ".jfif"), re.compile(rb"\xff\xd8\xff"), MAX_JPEG_PIXELS)
PNG = Format("PNG", "image/png", (".png", ".apng"), re.compile(rb"\x89PNG\r\n\x1a\n"))
WEBP = Format("WebP", "image/webp", (".webp",), re.compile(rb"RIFF.{4}WEBP", re.DOTALL))
GIF = Format("GIF", "image/gif", (".gif",), re.compile(rb"GIF8[79]a"))
BMP = Format("BMP", "image/bmp", (".bmp", ".dib"), re.compile(rb"BM.{12}[\x0c-\x7c]\0\0\0", re.DOTALL))
HEIC = Format("HEIC", "image/heic", (".heic", ".heif", ".hif"), None, in_browsers=False)
AVIF = Format("AVIF", "image/avif", (".avif",), None)
TIFF = Format("TIFF", "image/tiff", (".tif", ".tiff"), re.compile(rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]"), in_browsers=False)
PNM = Format(
    "PBM/PGM/PPM",
    "image/x-portable-anymap",
    (".pnm", ".pbm", ".pgm", ".ppm"),
    re.compile(rb"P[1-6]\s"),
    in_browsers=False,
)

FORMATS = (JPEG, PNG, WEBP, GIF, BMP, HEIC, AVIF, TIFF, PNM)

EXTENSIONS = frozenset(extension for kind in FORMATS for extension in kind.extensions)
"""File name endings, lower case, of the formats that are read."""

BROWSER_MEDIA_TYPES = frozenset(kind.media_type for kind in FORMATS if kind.in_browsers)
"""Media types of the formats that every browser shows."""

SUPPORTED = f"{', '.join(kind.name for kind in FORMATS[:-1])} or {FORMATS[-1].name}"
"""The formats that are read, for people."""


def format_of(data: bytes) -> Format:
    """The format of a file, by its content. Raises UnsupportedFormat, which names what it is instead."""
    for kind in FORMATS:
        if kind.magic is not None and kind.magic.match(data):
            return kind
    brand_names = brands(data)
    if data[8:12] in AVIF_BRANDS or (brand_names & AVIF_BRANDS and not brand_names & HEIC_BRANDS):
        return AVIF
    if brand_names & HEIC_BRANDS:
        return HEIC
    other = describe(data)
    if other is not None:
        raise UnsupportedFormat(f"this is {other}")
    raise UnsupportedFormat(f"not a picture in a format that is read here; convert it to {SUPPORTED}")
