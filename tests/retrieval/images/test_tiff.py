"""TIFF: the first page, of every kind that is a picture; the others are named."""

import struct
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image

from retrieval import images
from retrieval.errors import BrokenImage, TooManyPixels, UnsupportedFormat
from tests.support.pictures import encode, scene

SCENE = np.asarray(scene())
GREY = np.asarray(scene().convert("L"))
DEEP, DEEP_GREY = SCENE.astype(np.uint16) * 257, GREY.astype(np.uint16) * 257
PLANES = SCENE.transpose(2, 0, 1)
DEEP_PLANES = DEEP.transpose(2, 0, 1)
CLEAR = np.zeros((*GREY.shape, 1), np.uint8)


def tiff(pixels: np.ndarray, **options: Any) -> bytes:
    buffer = BytesIO()
    tifffile.imwrite(buffer, pixels, metadata=None, **options)
    return buffer.getvalue()


def by_hand(*tags: tuple[int, int, int, int], data: bytes = b"", magic: bytes = b"II*\0") -> bytes:
    """A TIFF of these tags (number, type, count, value) and `data`, which tag 273, of the pixels' place, leads to."""
    start = 8 + 2 + 12 * len(tags) + 4
    entries = [
        struct.pack("<2H2I", tag, kind, count, start if tag == 273 else value) for tag, kind, count, value in tags
    ]
    return magic + struct.pack("<IH", 8, len(tags)) + b"".join(entries) + bytes(4) + data


def twelve_bits() -> bytes:
    samples = GREY.astype(np.uint32) * 4095 // 255
    first, second = samples[:, 0::2], samples[:, 1::2]
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], -1).astype(np.uint8).tobytes()
    numbers = {256: 160, 257: 120, 258: 12, 259: 1, 262: 1, 273: 0, 277: 1, 279: len(packed)}
    return by_hand(*((tag, 4, 1, value) for tag, value in numbers.items()), data=packed)


COLOURED = {
    "16 bits": tiff(DEEP, photometric="rgb"),
    "16 bits, big-endian": tiff(DEEP, photometric="rgb", byteorder=">"),
    "planes": tiff(PLANES, photometric="rgb", planarconfig="separate"),
    "tiles": tiff(SCENE, photometric="rgb", tile=(32, 32)),
    "tiles of 16 bits": tiff(DEEP, photometric="rgb", tile=(32, 32)),
    "tiles in planes": tiff(PLANES, photometric="rgb", tile=(32, 32), planarconfig="separate"),
    "strips": tiff(SCENE, photometric="rgb", rowsperstrip=7),
    "BigTIFF": tiff(SCENE, photometric="rgb", bigtiff=True),
    "pages": tiff(np.stack([SCENE, 255 - SCENE]), photometric="rgb"),
    "a channel of no meaning": tiff(np.dstack([SCENE, CLEAR]), photometric="rgb", extrasamples=["unspecified"]),
    "alpha of no meaning": tiff(np.dstack([SCENE, CLEAR]), photometric="rgb", extrasamples=["unassalpha"]),
    "alpha, multiplied in": tiff(np.dstack([SCENE, CLEAR + 255]), photometric="rgb", extrasamples=["assocalpha"]),
    "CMYK of 16 bits": tiff(65535 - np.dstack([DEEP, np.full_like(DEEP_GREY, 65535)]), photometric="separated"),
    "deflate": encode(scene(), "TIFF", compression="tiff_adobe_deflate"),
    "LZW": encode(scene(), "TIFF", compression="tiff_lzw"),
    "PackBits": encode(scene(), "TIFF", compression="packbits"),
    "Zstandard": encode(scene(), "TIFF", compression="zstd"),
    "JPEG": encode(scene(), "TIFF", compression="jpeg", quality=98),
    "YCbCr": encode(scene().convert("YCbCr"), "TIFF"),
    "palette": encode(scene().quantize(256), "TIFF"),
    "palette, packed": encode(scene().quantize(256), "TIFF", compression="tiff_lzw"),
}  # fmt: skip
LOSSY = {"JPEG": 2, "YCbCr": 2, "palette": 2, "palette, packed": 2}

GREYS = {
    "8 bits": tiff(GREY),
    "0 is white": tiff(255 - GREY, photometric="miniswhite"),
    "16 bits": tiff(DEEP_GREY),
    "16 bits, big-endian": tiff(DEEP_GREY, byteorder=">"),
    "16 bits, 0 is white": tiff(65535 - DEEP_GREY, photometric="miniswhite"),
    "12 bits": twelve_bits(),
    "alpha": encode(Image.fromarray(np.dstack([GREY, CLEAR + 255])), "TIFF"),
}


@pytest.mark.parametrize("name", COLOURED)
def test_colours(name: str) -> None:
    data = COLOURED[name]
    assert images.inspect(data) == images.ImageInfo("TIFF", "image/tiff", 160, 120, is_lossless=name != "JPEG")
    assert np.abs(images.decode(data).astype(int) - SCENE).mean() <= LOSSY.get(name, 0)


@pytest.mark.parametrize("name", GREYS)
def test_greys(name: str) -> None:
    np.testing.assert_allclose(images.decode(GREYS[name]).astype(int), np.dstack([GREY] * 3), atol=1)


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt", None])
def test_black_and_white(compression: str | None) -> None:
    drawn = scene().convert("1")
    rgb = images.decode(encode(drawn, "TIFF", compression=compression))
    np.testing.assert_array_equal(rgb[..., 0] > 0, np.asarray(drawn))


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_orientation_is_applied_once(compression: str | None) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    data = encode(scene().transpose(Image.Transpose.ROTATE_90), "TIFF", exif=exif, compression=compression)
    assert (images.inspect(data).width, images.inspect(data).height) == (160, 120)
    np.testing.assert_array_equal(images.decode(data), SCENE)


NUMBERS = {256: 10, 257: 10, 258: 8, 259: 1, 262: 1, 273: 0, 277: 1, 279: 100}


def page(**changed: int) -> bytes:
    """A page of 10 x 10 greys, with other values of some tags, by their numbers."""
    tags = NUMBERS | {int(name[1:]): value for name, value in changed.items()}
    return by_hand(*((tag, 4, 1, value) for tag, value in sorted(tags.items())), data=bytes(100))


REFUSED = {
    "floating point": (tiff(SCENE.astype("f4"), photometric="rgb"), "measurements"),
    "half floats": (tiff(GREY.astype("f2")), "measurements"),
    "double floats": (tiff(GREY.astype("f8")), "measurements"),
    "complex": (tiff(GREY.astype("c8")), "measurements"),
    "32 bits": (tiff(SCENE.astype("u4"), photometric="rgb"), "3 channels of 32 bits"),
    "signed": (tiff(GREY.astype("i2")), "1 channels of 16 bits"),
    "16 bits in planes": (tiff(DEEP_PLANES, photometric="rgb", planarconfig="separate"), "3 channels of 16"),
    "many channels": (tiff(np.dstack([GREY] * 10), photometric="minisblack", planarconfig="contig"), "10 channels"),
    "BigTIFF, big-endian": (tiff(SCENE, photometric="rgb", bigtiff=True, byteorder=">"), "BigTIFF"),
    "an unknown compression": (page(t259=34712), "compressed"),
    "DNG": (page(t50706=0x00000401), "raw file"),
    "sensor samples": (page(t262=32803), "raw file"),
    "a preview of a raw file": (page(t254=1, t330=8), "raw file"),
    "CR2": (b"II*\0\x10\0\0\0CR\2\0" + bytes(100), "Canon CR2"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("read", [images.inspect, images.decode])
def test_what_is_no_picture_is_named(
    name: str, read: Callable[[bytes], object], capfd: pytest.CaptureFixture[str]
) -> None:
    data, said = REFUSED[name]
    with pytest.raises(UnsupportedFormat, match=f"^this .*{said}.*; save it as|^this .*{said}"):
        read(data)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("data", [page(t256=60_000, t257=60_000), page(t322=60_000, t323=60_000)])
def test_large_pages_and_tiles_are_refused_before_they_are_decoded(data: bytes) -> None:
    with pytest.raises(TooManyPixels, match=r"3,600,000,000 pixels .* 50,000,000 "):
        images.decode(data)


@pytest.mark.parametrize("data", [page(t257=30, t278=10), page(t322=16, t323=16, t256=100)])
def test_a_page_of_which_parts_are_missing_is_broken(data: bytes) -> None:
    with pytest.raises(BrokenImage, match=r"parts of \d are there"):
        images.decode(data)
