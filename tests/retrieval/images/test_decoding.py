"""Good pictures: every format, mode and orientation to the right colours; resizing; thumbnails."""

import os
import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from retrieval import images

RED, GREEN, BLUE, WHITE = (230, 20, 10), (20, 200, 40), (10, 30, 220), (255, 255, 255)


def quadrants(height: int = 24, width: int = 32) -> Image.Image:
    """Red and green above blue and white."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2], pixels[: height // 2, width // 2 :] = RED, GREEN
    pixels[height // 2 :, : width // 2], pixels[height // 2 :, width // 2 :] = BLUE, WHITE
    return Image.fromarray(pixels)


def encode(image: Image.Image, format_: str, **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes, *extra: tuple[bytes, bytes]) -> bytes:
    """A PNG written by hand, for what Pillow cannot write; `rows` with the filter byte before each."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    chunks = [(b"IHDR", header), *extra, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    body = b""
    for type_, content in chunks:
        checksum = struct.pack(">I", zlib.crc32(type_ + content))
        body += struct.pack(">I", len(content)) + type_ + content + checksum
    return b"\x89PNG\r\n\x1a\n" + body


FORMATS = {
    "JPEG": (encode(quadrants(), "JPEG", quality=98, subsampling=0), "image/jpeg"),
    "PNG": (encode(quadrants(), "PNG"), "image/png"),
    "WebP": (encode(quadrants(), "WEBP", lossless=True), "image/webp"),
    "GIF": (encode(quadrants(), "GIF"), "image/gif"),
    "BMP": (encode(quadrants(), "BMP"), "image/bmp"),
    "PBM/PGM/PPM": (encode(quadrants(), "PPM"), "image/x-portable-anymap"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_told_by_its_content_and_decoded(name: str) -> None:
    data, media_type = FORMATS[name]
    assert images.inspect(data) == images.ImageInfo(
        name, media_type, width=32, height=24, is_lossless=name in ("BMP", "PBM/PGM/PPM", "PNG", "WebP")
    )
    rgb = images.decode(data)
    assert rgb.dtype == np.uint8
    np.testing.assert_allclose(rgb.astype(int), np.asarray(quadrants()), atol=4 if name == "JPEG" else 0)


def palette(**options: Any) -> bytes:
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    image.putpalette([*RED, *GREEN, *BLUE])
    return encode(image, "PNG", **options)


def over_white(colour: tuple[int, int, int], alpha: float) -> tuple[float, ...]:
    return tuple(255 + (c - 255) * alpha for c in colour)


def bmp_with_alpha(pixel: bytes) -> bytes:
    """One RGBA pixel in a BMP with a version 3 header, the first that has a mask for alpha."""
    masks = (255 << bits for bits in (0, 8, 16, 24))
    return b"BM" + struct.pack("<6I2H6I4I", 74, 0, 70, 56, 1, 1, 1, 32, 3, *[0] * 5, *masks) + pixel


BLACK, GREY = (0, 0, 0), (128, 128, 128)
HALF_GREY, PALE_RED, PALE_GREEN = over_white(GREY, 0.5), over_white(RED, 0.2), over_white(GREEN, 0.2)
RED_48 = struct.pack(">3H", *(c * 257 for c in RED))
CLEAR_RED = Image.new("RGBA", (1, 1), (*RED, 51))
THREE = Image.open(BytesIO(palette()))


def two(format_: str, first: Image.Image, second: Image.Image) -> bytes:
    return encode(first, format_, save_all=True, append_images=[second])


MODES = {
    "png 1": (png(2, 1, 1, 0, b"\0\x40"), [BLACK, WHITE]),
    "png 2 bit": (png(4, 1, 2, 0, b"\0\x1b"), [BLACK, (85,) * 3, (170,) * 3, WHITE]),
    "png L": (png(2, 1, 8, 0, b"\0\x00\x80"), [BLACK, GREY]),
    "png L, key": (png(2, 1, 8, 0, b"\0\x05\x80", (b"tRNS", b"\0\x05")), [WHITE, GREY]),
    "png LA": (png(2, 1, 8, 4, b"\0\x80\x80\x09\0"), [HALF_GREY, WHITE]),
    "png RGB, key": (png(2, 1, 8, 2, b"\0\1\2\3\0\0\0", (b"tRNS", b"\0\1\0\2\0\3")), [WHITE, BLACK]),
    "png RGBA": (png(2, 1, 8, 6, bytes([0, *RED, 51, *RED, 0])), [PALE_RED, WHITE]),
    "png P": (palette(), [RED, GREEN, BLUE]),
    "png P, one clear": (palette(transparency=1), [RED, WHITE, BLUE]),
    "png P, alphas": (palette(transparency=b"\xff\x33\x00"), [RED, PALE_GREEN, WHITE]),
    "png grey 16": (png(3, 1, 16, 0, b"\0\0\0\x80\x80\xff\xff"), [BLACK, GREY, WHITE]),
    "png grey 16, key": (png(2, 1, 16, 0, b"\0\0\7\x80\x80", (b"tRNS", b"\0\7")), [WHITE, GREY]),
    "png LA 16": (png(1, 1, 16, 4, b"\0\x80\x80\x80\0"), [HALF_GREY]),
    "png RGB 16": (png(1, 1, 16, 2, b"\0" + RED_48), [RED]),
    "png RGBA 16": (png(1, 1, 16, 6, b"\0" + RED_48 + b"\x33\x33"), [PALE_RED]),
    "webp RGBA": (encode(CLEAR_RED, "WEBP", lossless=True), [PALE_RED]),
    "gif, one clear": (encode(THREE, "GIF", transparency=2), [RED, GREEN, WHITE]),
    "gif, two frames": (two("GIF", THREE, Image.new("L", (3, 1))), [RED, GREEN, BLUE]),
    "bmp 1": (encode(Image.new("1", (1, 1), 1), "BMP"), [WHITE]),
    "bmp L": (encode(Image.new("L", (1, 1), 128), "BMP"), [GREY]),
    "bmp P": (encode(THREE, "BMP"), [RED, GREEN, BLUE]),
    "bmp 32 bit without alpha": (encode(CLEAR_RED, "BMP"), [RED]),
    "bmp RGBA": (bmp_with_alpha(bytes([*RED, 51])), [PALE_RED]),
    "jpeg L": (encode(Image.new("L", (1, 1), 128), "JPEG", quality=100), [GREY]),
    "jpeg CMYK": (encode(Image.new("CMYK", (1, 1), (0, 255, 255, 0)), "JPEG", quality=100), [(255, 0, 0)]),
    "jpeg, two pictures": (two("MPO", Image.new("L", (1, 1), 128), Image.new("L", (2, 1))), [GREY]),
    "plain pbm": (b"P1 2 1 1 0", [BLACK, WHITE]),
    "plain pgm": (b"P2 # one\n2 1 100\n# two\n 0 100", [BLACK, WHITE]),
    "plain ppm": (b"P3\n1 1 255 230 # red\n20 10", [RED]),
    "pbm": (b"P4 2 1\n\x80", [BLACK, WHITE]),
    "pgm": (b"P5\n#grey\n2 1 255\n\x00\x80", [BLACK, GREY]),
    "pgm 10 bit": (b"P5 2 1 1000\n\x03\xe8\x01\xf4", [WHITE, GREY]),
    "pgm 16 bit": (b"P5 3 1 65535\n\0\0\x80\x80\xff\xff", [BLACK, GREY, WHITE]),
    "ppm 16 bit": (b"P6 1 1 65535\n" + RED_48, [RED]),
}


@pytest.mark.parametrize("name", MODES)
def test_every_mode_becomes_eight_bit_colours(name: str) -> None:
    data, first_row = MODES[name]
    rgb = images.decode(data)
    np.testing.assert_allclose(rgb[0].astype(float), np.array(first_row, float), atol=1.5)
    info = images.inspect(data)
    assert (info.height, info.width, 3) == rgb.shape


# EXIF 2.3, 4.6.4 A: where the stored row 0 and the stored column 0 lie in the picture as it is seen.
SEEN = {1: "top left", 2: "top right", 3: "bottom right", 4: "bottom left",
        5: "left top", 6: "right top", 7: "right bottom", 8: "left bottom"}  # fmt: skip


def as_seen(stored: np.ndarray, orientation: int) -> np.ndarray:
    """Oracle: put each stored pixel where the standard says."""
    rows, columns, _ = stored.shape
    row0, _ = SEEN[orientation].split()
    pixels = np.zeros((columns, rows, 3) if row0 in ("left", "right") else stored.shape, np.uint8)
    place = {"top": 0, "left": 0, "bottom": -1, "right": -1}
    for r in range(rows):
        for c in range(columns):
            first, second = (place[side] for side in SEEN[orientation].split())
            at = (first ^ r if first else r, second ^ c if second else c)  # -1 ^ n is -1 - n: from the end
            pixels[at if row0 in ("top", "bottom") else at[::-1]] = stored[r, c]
    return pixels


@pytest.mark.parametrize("orientation", SEEN)
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation_is_applied(format_: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    options = {"quality": 98, "subsampling": 0} if format_ == "JPEG" else {"lossless": True}
    data = encode(quadrants(), format_, exif=exif, **options)
    expected = as_seen(np.asarray(quadrants()), orientation)
    np.testing.assert_allclose(images.decode(data).astype(int), expected, atol=4)
    info = images.inspect(data)
    assert (info.height, info.width) == expected.shape[:2]


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 120), st.sampled_from(["RGB", "L", "CMYK"]))
def test_reduced_jpegs_are_large_enough_and_look_the_same(h: int, w: int, side: int, mode: str) -> None:
    data = encode(quadrants(h, w).convert(mode), "JPEG")
    scale = max(s for s in (1, 2, 4, 8) if s == 1 or min(h, w) >= s * side)
    reduced, full = images.decode(data, min_side=side), images.decode(data)
    assert full.shape == (h, w, 3)
    assert reduced.shape == (-(-h // scale), -(-w // scale), 3)
    # A partly filled last row or column counts as a whole one once reduced.
    np.testing.assert_allclose(reduced.mean((0, 1)), full.mean((0, 1)), atol=3 + 255 * scale / min(h, w))


def test_only_jpegs_are_reduced() -> None:
    assert images.decode(FORMATS["PNG"][0], min_side=2).shape == (24, 32, 3)


def bicubic_weights(size: int, new: int) -> np.ndarray:
    """Keys' kernel (a = -0.5), stretched when reducing: float [new, size], rows sum to 1."""
    stretch = max(size / new, 1.0)
    centre = (np.arange(new)[:, None] + 0.5) * size / new
    x = np.abs(np.arange(size) + 0.5 - centre) / stretch
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    weights = np.where(x < 1, near, np.where(x < 2, far, 0))
    return weights / weights.sum(1, keepdims=True)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
def test_resize_is_antialiased_bicubic(h: int, w: int, new_h: int, new_w: int, seed: int) -> None:
    rgb = np.random.default_rng(seed).integers(60, 196, (h, w, 3), np.uint8)
    rows = np.einsum("ij,hjc->hic", bicubic_weights(w, new_w), rgb.astype(float))
    expected = np.einsum("ij,jwc->iwc", bicubic_weights(h, new_h), rows).clip(0, 255)
    np.testing.assert_allclose(images.resize(rgb, new_h, new_w), expected, atol=1.5)


def test_thumbnails_fit_and_carry_nothing_but_pixels() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    data = encode(quadrants(), "JPEG", exif=exif, comment=b"secret", icc_profile=b"secret" * 30)
    small = Image.open(BytesIO(images.thumbnail(data, 16)))
    assert (small.format, small.size) == ("WEBP", (12, 16))
    assert not {"exif", "xmp", "icc_profile"} & small.info.keys()
    np.testing.assert_allclose(small.getpixel((1, 1)), BLUE, atol=40)  # turned upright
    assert Image.open(BytesIO(images.thumbnail(data, 1000))).size == (24, 32)  # never enlarged


@pytest.mark.skipif("LOOKALIKE_TEST_DATA" not in os.environ, reason="LOOKALIKE_TEST_DATA names no real pictures")
def test_real_pictures_decode_as_pillow_decodes_them() -> None:
    root = Path(os.environ["LOOKALIKE_TEST_DATA"])
    paths = [*root.glob("grocery/val/*/*1.jpg"), *root.glob("orl_faces/s1/*.pgm")]
    assert len(paths) > 20
    for path in paths:
        expected = np.asarray(Image.open(path).convert("RGB"))
        np.testing.assert_array_equal(images.decode(path.read_bytes()), expected)
