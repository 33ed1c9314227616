"""Alpha that means something is transparency over white; alpha that is 0 everywhere because nobody wrote it is none."""

import struct

import numpy as np
import pytest
from PIL import Image

from retrieval import images
from tests.support.pictures import encode, scene

SCENE = np.asarray(scene())
RGB = (0xFF0000, 0xFF00, 0xFF)
BGR = RGB[::-1]
ALPHA = 0xFF000000


def bmp(masks: tuple[int, ...], *, bits: int = 32, header: int = 124, alpha: int = 0, compression: int = 3) -> bytes:
    """The scene in a layout of bits, with one alpha, in fractions of its mask, everywhere."""
    size = SCENE.shape[:2]
    samples = np.zeros(size, np.uint64)
    for channel, mask in zip((*np.moveaxis(SCENE, -1, 0), np.full(size, alpha)), masks, strict=False):
        if mask:
            shift = (mask & -mask).bit_length() - 1
            samples |= np.round(channel / 255 * (mask >> shift)).astype(np.uint64) << np.uint64(shift)
    pixels = samples[::-1].astype("<u4" if bits == 32 else "<u2").tobytes()
    info = struct.pack("<I2i2HI20x", header, size[1], size[0], 1, bits, compression)
    info += b"".join(struct.pack("<I", mask) for mask in masks)
    info = info.ljust(header, b"\0")
    return b"BM" + struct.pack("<I4xI", 14 + len(info) + len(pixels), 14 + len(info)) + info + pixels


def rgba(alpha: int) -> Image.Image:
    return Image.fromarray(np.dstack([SCENE, np.full(SCENE.shape[:2], alpha, np.uint8)]))


UNUSED = {
    "version 5": bmp((*RGB, ALPHA)),
    "version 4": bmp((*RGB, ALPHA), header=108),
    "version 3": bmp((*RGB, ALPHA), header=56),
    "version 5, no mask of alpha": bmp((*RGB, 0)),
    "version 2, no masks of alpha": bmp(RGB, header=52),
    "version 1, masks behind the header": bmp(RGB, header=40),
    "version 5, no masks in use": bmp((*RGB, ALPHA), compression=0),
    "red first": bmp((*BGR, ALPHA)),
    "red first, no alpha": bmp(BGR, header=40),
    "10 bits": bmp((0x3FF00000, 0xFFC00, 0x3FF), header=40),
    "16 bits, one of alpha": bmp((0x7C00, 0x3E0, 0x1F, 0x8000), bits=16, header=108),
    "12 bits, four of alpha": bmp((0xF00, 0xF0, 0xF, 0xF000), bits=16, header=56),
    "used, but everywhere in full": bmp((*RGB, ALPHA), alpha=255),
    "TIFF": encode(rgba(0), "TIFF"),
    "TIFF, packed": encode(rgba(0), "TIFF", compression="tiff_lzw"),
}


@pytest.mark.parametrize("name", UNUSED)
def test_alpha_without_meaning_is_none(name: str) -> None:
    levels = 9 if "12 bits" in name else 5 if "16 bits" in name else 1
    np.testing.assert_allclose(images.decode(UNUSED[name]).astype(int), SCENE, atol=levels)


@pytest.mark.parametrize("name", ["PNG", "WEBP", "AVIF"])
def test_a_picture_that_is_clear_everywhere_is_white_where_alpha_is_always_meant(name: str) -> None:
    assert images.decode(encode(rgba(0), name)).min() > 250


@pytest.mark.parametrize("data", [bmp((*RGB, ALPHA), alpha=51), encode(rgba(51), "TIFF"), encode(rgba(51), "PNG")])
def test_alpha_that_is_used_is_over_white(data: bytes) -> None:
    expected = 255 + (SCENE.astype(float) - 255) * 0.2
    np.testing.assert_allclose(images.decode(data).astype(float), expected, atol=1)
