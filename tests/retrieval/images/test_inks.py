"""CMYK: what the inks look like is said by their profile; without one, by subtraction."""

import struct
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from retrieval import images
from tests.support.pictures import SRGB, encode, scene

GRID = 9  # nodes of each ink in the profile's table
FADING = 0.6  # how much lighter than by subtraction the profile's inks are, as an exponent


def printed(inks: NDArray[np.float64]) -> NDArray[np.uint8]:
    """sRGB of these shares [..., 4] of cyan, magenta, yellow and black, with the inks of the profile."""
    left = (1 - inks[..., :3]) * (1 - inks[..., 3:])
    return np.round(255 * left**FADING).astype(np.uint8)


def ink_profile() -> bytes:
    """An ICC profile of version 2.1 of a printer, with a table of 16 bits from CMYK to Lab (ICC.1:2001-04, 6.5.7)."""
    steps = np.linspace(0, 1, GRID)
    colours = printed(np.stack(np.meshgrid(*[steps] * 4, indexing="ij"), -1)).reshape(1, -1, 3)
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    pixels = ImageCms.profileToProfile(Image.fromarray(colours), ImageCms.ImageCmsProfile(SRGB), lab, outputMode="LAB")
    values = np.asarray(pixels).reshape(-1, 3).astype(np.float64)
    light, a, b = values[:, 0] * 65280 / 255, *((values[:, 1:].astype(np.int8).astype(np.float64) + 128) * 256).T
    table = np.stack([light, a, b], -1).round().clip(0, 65535).astype(">u2").tobytes()
    ramp = struct.pack(">2H", 0, 65535)
    identity = struct.pack(">9i", *(65536 * (n % 4 == 0) for n in range(9)))
    lookup = b"mft2" + bytes(4) + struct.pack(">4B", 4, 3, GRID, 0) + identity + struct.pack(">2H", 2, 2)
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 2) + b"i\0" + bytes(80),
        b"wtpt": struct.pack(">4s4x3i", b"XYZ ", 63190, 65536, 54061),
        b"A2B0": lookup + ramp * 4 + table + ramp * 3,
    }
    index, content, first = b"", b"", 132 + 12 * len(tags)
    for name, tag in tags.items():
        index += struct.pack(">4s2I", name, first + len(content), len(tag))
        content += tag + bytes(-len(tag) % 4)
    body = struct.pack(">I", len(tags)) + index + content
    fields = (128 + len(body), 0x02100000, b"prtr", b"CMYK", b"Lab ", b"acsp", 0, 63190, 65536, 54061)
    return struct.pack(">I4xI4s4s4s12x4s4x4x4x8xI3I", *fields).ljust(128, b"\0") + body


INKS = np.dstack([1 - np.asarray(scene()) / 255, np.tile(np.linspace(0, 0.5, 160), (120, 1))])
STORED = Image.fromarray(np.round(255 * INKS).astype(np.uint8), mode="CMYK")


@pytest.mark.parametrize(
    ("format_", "options"), [("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("JPEG", {"quality": 98})]
)
def test_inks_look_as_their_profile_says(format_: str, options: dict[str, object]) -> None:
    pixels = images.decode(encode(STORED, format_, icc_profile=ink_profile(), **options)).astype(int)
    assert np.abs(pixels - printed(INKS)).mean() < 3
    plain = images.decode(encode(STORED, format_, **options)).astype(int)
    assert np.abs(plain - 255 * (1 - INKS[..., :3]) * (1 - INKS[..., 3:])).mean() < 3
    assert np.abs(pixels - plain).mean() > 15


def test_thumbnails_are_made_of_what_is_seen() -> None:
    small = Image.open(BytesIO(images.thumbnail(encode(STORED, "TIFF", icc_profile=ink_profile()), 160)))
    assert np.abs(np.asarray(small.convert("RGB"), int) - printed(INKS)).mean() < 5
