"""Sound pixels among damage, and large or odd things, that stand around them: seen as every browser shows them."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from retrieval import images
from retrieval.errors import BrokenImage
from tests.support.pictures import encode, jpeg, jpeg_segment, jpeg_with, png_chunk, png_with, scene

SCENE = np.asarray(scene())
JPEG, PROGRESSIVE = jpeg(scene()), jpeg(scene(), progressive=True)
PNG = encode(scene(), "PNG")
WEBP = encode(scene(), "WEBP", lossless=True)
GIF = encode(scene().quantize(256), "GIF")
BMP = encode(scene(), "BMP")
ZEROS = bytes(4000)


def packed(name: bytes, size: int) -> bytes:
    """A chunk whose text or profile unpacks to so many bytes."""
    return png_chunk(name, (b"k\0\1\0\0\0" if name == b"iTXt" else b"k\0\0") + zlib.compress(bytes(size)))


def changed(data: bytes, place: int, with_: bytes) -> bytes:
    place %= len(data)
    return data[:place] + with_ + data[place + len(with_) :]


def in_gif(extension: bytes) -> bytes:
    place = GIF.index(b",\0\0\0\0")
    return GIF[:place] + extension + GIF[place:]


def webp_of(*more: bytes, size: int | None = None) -> bytes:
    body = WEBP[8:] + b"".join(more)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


PNGS = {
    **{f"{name.decode()} of 2 MB": png_with(packed(name, 2 << 20)) for name in (b"iTXt", b"zTXt", b"iCCP")},
    **{f"{name.decode()} of 9 MB": png_with(packed(name, 9 << 20)) for name in (b"iTXt", b"zTXt", b"iCCP")},
    "tEXt of 5 MB": png_with(png_chunk(b"tEXt", b"k\0" + b"a" * 5_000_000)),
    "90 MB of texts": png_with(*[packed(b"zTXt", 900_000)] * 100),
    **{
        f"{name.decode()}, wrong checksum": png_with(png_chunk(name, content, checksum=7))
        for name, content in ((b"pHYs", b"\0\0\1\0\0\0\1\0\1"), (b"tEXt", b"k\0v"), (b"gAMA", struct.pack(">I", 45455)),
                              (b"tIME", bytes(7)), (b"vpAg", b"private"))
    },
    **{
        f"{name.decode()}, too short": png_with(png_chunk(name, b"\1"))
        for name in (b"pHYs", b"gAMA", b"cHRM", b"sBIT", b"bKGD", b"eXIf", b"iCCP", b"cICP", b"acTL", b"fcTL", b"fdAT")
    },
    "no end": PNG[:-12],
    "no checksum of the pixels": PNG[:-16],
    "no checksum within the pixels": PNG[:-20],
    "wrong checksum of the pixels": changed(PNG, -16, b"\1\2\3\4"),
    "wrong checksum within the pixels": changed(PNG, -20, b"\1\2\3\4"),
    "something behind it": PNG + b"PK\3\4" + ZEROS,
}  # fmt: skip

JPEGS = {
    "no end": JPEG[:-2],
    "half an end": JPEG[:-1],
    "zeros for its end": JPEG[:-2] + ZEROS,
    "a line for its end": JPEG[:-2] + b"\r\n",
    "no end, progressive": PROGRESSIVE[:-2],
    "something behind it": JPEG + b"\0\xff\xd8junk" * 1000,
    "bytes between segments": JPEG[:20] + b"between" + JPEG[20:],
    "escaped bytes between segments": JPEG[:20] + b"\xff\0\xff\0" + JPEG[20:],
    "fill bytes": JPEG[:20] + b"\xff" * 20 + JPEG[20:],
    "APP5 of length 0": jpeg_with(jpeg_segment(0xE5, b"", length=0)),
    "APP5 longer than the file": jpeg_with(jpeg_segment(0xE5, b"abcd", length=65_000)),
    "APP1 too short": jpeg_with(jpeg_segment(0xE1, b"Exif\0\0MM\0*" + b"a" * 300, length=20)),
    "comment longer than the file": jpeg_with(jpeg_segment(0xFE, b"abcd", length=40_000)),
    "short JFIF": b"\xff\xd8" + jpeg_segment(0xE0, b"JFIF\0") + JPEG[20:],
    "short Adobe": jpeg_with(jpeg_segment(0xEE, b"Adobe")),
    "short profile": jpeg_with(jpeg_segment(0xE2, b"ICC_PROFILE\0")),
    "one part of three of a profile": jpeg_with(jpeg_segment(0xE2, b"ICC_PROFILE\0\1\3abc")),
    "half a Photoshop block": jpeg_with(jpeg_segment(0xED, b"Photoshop 3.0\x008BIM\3\xed")),
    "damaged EXIF": jpeg_with(jpeg_segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08" + b"\xff" * 50)),
    "a marker of no meaning": jpeg_with(b"\xff\x02"),
    "a second start": b"\xff\xd8" + JPEG,
}

OTHERS = {
    "WebP, something behind it": WEBP + b"junk",
    **{f"WebP, {size} for its length": webp_of(size=size) for size in (0, 100, 10**6, 2**32 - 1)},
    "WebP, half an EXIF behind it": webp_of(b"EXIF\xff\0\0\0abc"),
    "WebP, a chunk of no meaning": webp_of(b"ABCD\4\0\0\0abcd"),
    "GIF, something behind it": GIF + b"junk",
    "GIF, no end": GIF[:-1],
    "GIF, no end of its pixels": GIF[:-2],
    "GIF, short control": in_gif(b"!\xf9\1a\0"),
    "GIF, an extension of no meaning": in_gif(b"!\xff\2ab\0"),
    "GIF, zeros between": in_gif(b"\0\0"),
    "GIF, 25 kB of comments": in_gif(b"!\xfe" + (b"\xff" + b"c" * 255) * 100 + b"\0"),
    "BMP, something behind it": BMP + b"junk",
    "BMP, no size": changed(BMP, 2, bytes(4)),
    "BMP, a size beyond the file": changed(BMP, 2, b"\xff" * 4),
    "BMP, no place of its pixels": changed(BMP, 10, bytes(4)),
    "TIFF, something behind it": encode(scene(), "TIFF") + b"junk",
    "AVIF, something behind it": encode(scene(), "AVIF", quality=100, subsampling="4:4:4") + b"junk",
}
LOSSY = {"GIF": 8, "JPEG": 2, "AVIF": 2}  # how much of 255 levels a pixel may differ by, in the mean


@pytest.mark.parametrize("name", [*PNGS, *JPEGS, *OTHERS])
def test_what_stands_around_pixels_does_not_hurt_them(name: str) -> None:
    for group in (PNGS, JPEGS, OTHERS):
        if data := group.get(name):
            rgb, info = images.decode(data), images.inspect(data)
            assert (info.height, info.width) == SCENE.shape[:2] == rgb.shape[:2]
            assert np.abs(rgb.astype(int) - SCENE).mean() <= LOSSY.get(info.format, 0)


LARGE = scene(900, 1200)
FILES = {
    "JPEG": JPEG, "progressive JPEG": PROGRESSIVE, "PNG": encode(LARGE, "PNG"), "GIF": GIF, "WebP": WEBP, "BMP": BMP,
    "lossy WebP": encode(LARGE, "WEBP", quality=95), "AVIF": encode(scene(), "AVIF"),
    "TIFF": encode(scene(), "TIFF"), "TIFF, packed": encode(scene(), "TIFF", compression="tiff_lzw"),
    "large JPEG": jpeg(LARGE), "large progressive JPEG": jpeg(LARGE, progressive=True),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.5, 0.7, 0.9, 0.97])
@pytest.mark.parametrize("min_side", [None, 100])
def test_a_picture_with_pixels_missing_is_refused(name: str, share: float, min_side: int | None) -> None:
    data = FILES[name]
    with pytest.raises(BrokenImage):
        images.decode(data[: int(share * len(data))], min_side=min_side)


@pytest.mark.parametrize("name", ["JPEG", "progressive JPEG", "large JPEG", "PNG", "GIF"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_zeros_in_place_of_pixels_are_no_pixels(name: str, share: float) -> None:
    data = FILES[name]
    kept = int(share * len(data))
    with pytest.raises(BrokenImage):
        images.decode(data[:kept] + bytes(len(data) - kept + 1000))


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_picture_of_one_colour_is_sound(grey: int) -> None:
    """Packed, it may be nearly all zeros, as what an interrupted copy leaves."""
    flat = Image.new("RGB", (700, 700), (grey,) * 3)
    files = [encode(flat, format_) for format_ in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM")]
    files += [jpeg(flat, optimize=True), jpeg(flat, progressive=True), encode(flat, "WEBP", lossless=True)]
    files += [encode(flat.convert("L"), "PNG"), encode(flat, "TIFF", compression="tiff_lzw")]
    for data in files:
        np.testing.assert_allclose(images.decode(data), np.uint8(grey), atol=2)
