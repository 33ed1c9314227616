"""How many pixels a picture may have, and how much memory decoding it takes."""

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFile

from retrieval import images
from retrieval.errors import BrokenImage, TooManyPixels
from tests.support.pictures import encode, scene

SCENE = scene(24, 32)
JPEG, PNG = encode(SCENE, "JPEG"), encode(SCENE, "PNG")
HEIC = Path(__file__).with_name("heic") / "plain.heic"
ROOT = Path(images.__file__).parents[2]


def jpeg_header(width: int, height: int, data: bytes = JPEG) -> bytes:
    frame = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    return data[: frame + 5] + struct.pack(">HH", height, width) + data[frame + 9 :]


def png_header(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    return PNG[:12] + header + struct.pack(">I", zlib.crc32(header)) + PNG[33:]


def webp_header(width: int, height: int) -> bytes:
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + canvas


def gif_header(width: int, height: int, frame_width: int, frame_height: int) -> bytes:
    frame = b"," + struct.pack("<4HB", 0, 0, frame_width, frame_height, 0) + b"\x08\0;"
    return b"GIF89a" + struct.pack("<2H", width, height) + b"\0\0\0" + frame


def boxes_header(data: bytes, width: int, height: int) -> bytes:
    """A HEIC or AVIF whose boxes announce another size than the coded picture has."""
    place = data.index(b"ispe") + 8
    return data[:place] + struct.pack(">2I", width, height) + data[place + 8 :]


BOMBS = {
    "PNG": png_header(60_000, 60_000),
    "WebP": webp_header(60_000, 60_000),
    "GIF": gif_header(60_000, 60_000, 1, 1),
    "GIF frame": gif_header(1, 1, 60_000, 60_000),
    "BMP": b"BM" + struct.pack("<6I2H6I", 0, 0, 54, 40, 60_000, 60_000, 1, 24, *[0] * 6),
    "BMP, upside down": b"BM" + struct.pack("<4I2i2H6I", 0, 0, 54, 40, 60_000, -60_000, 1, 32, 3, *[0] * 5) + bytes(16),
    "BMP, first version": b"BM" + struct.pack("<4I4H", 0, 0, 26, 12, 60_000, 60_000, 1, 24) + bytes(40),
    "PPM": b"P6 60000 60000 255\n",
    "AVIF": boxes_header(encode(SCENE, "AVIF"), 60_000, 60_000),
    "HEIC": boxes_header(HEIC.read_bytes(), 60_000, 60_000),
}


@pytest.mark.parametrize("name", [*BOMBS, "JPEG"])
@pytest.mark.parametrize("read", [images.inspect, images.decode])
def test_too_many_pixels_are_refused_from_the_header(
    name: str, read: Callable[[bytes], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("pixels were decoded"))
    allowed = "120,000,000" if name == "JPEG" else "50,000,000"
    with pytest.raises(TooManyPixels, match=rf"3,600,000,000 pixels .* {allowed} "):
        read(jpeg_header(60_000, 60_000) if name == "JPEG" else BOMBS[name])


def test_a_coded_picture_larger_than_its_boxes_say_is_refused() -> None:
    """The decoder makes room for what is coded, whatever the boxes say."""
    large = encode(Image.new("L", (8000, 7000)), "AVIF", speed=10, quality=1)
    with pytest.raises(TooManyPixels, match="56,000,000 pixels"):
        images.inspect(boxes_header(large, 100, 100))


def test_the_pixel_limit_is_the_callers() -> None:
    assert images.decode(PNG, max_pixels=24 * 32).shape == (24, 32, 3)
    with pytest.raises(TooManyPixels, match=r"768 pixels .* 767 "):
        images.decode(PNG, max_pixels=24 * 32 - 1)
    with pytest.raises(TooManyPixels, match=r"50,000,000 "):
        images.inspect(BOMBS["PNG"], max_pixels=10**12)  # but no more than the format's own


def test_a_jpeg_of_a_phone_with_108_megapixels_is_read() -> None:
    info = images.inspect(jpeg_header(12_000, 9_000))
    assert (info.width, info.height) == (12_000, 9_000)
    with pytest.raises(TooManyPixels):
        images.inspect(jpeg_header(12_000, 10_001))


def test_a_progressive_jpeg_is_held_against_the_memory_of_its_coefficients() -> None:
    halved = encode(SCENE, "JPEG", progressive=True)
    whole = encode(SCENE, "JPEG", progressive=True, subsampling=0)
    assert images.inspect(jpeg_header(12_000, 10_000, halved)).width == 12_000
    with pytest.raises(TooManyPixels, match="progressive JPEG of 108,000,000 pixels"):
        images.inspect(jpeg_header(12_000, 9_000, whole))


def test_a_jpeg_of_thousands_of_scans_is_refused() -> None:
    """Each is a pass over all pixels: a file of 100 kB would take minutes."""
    data = encode(SCENE, "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    bomb = jpeg_header(8_000, 8_000, data[:last] + data[last:-2] * 3000 + data[-2:])
    with pytest.raises(BrokenImage, match="scans"):
        images.decode(bomb, min_side=224)


MEASURE = """
import sys
from retrieval import images
data = sys.stdin.buffer.read()
images.decode(images.thumbnail(data, 32))  # whatever is loaded once
open("/proc/self/clear_refs", "w").write("5")
peak = lambda: next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
before = peak()
rgb = images.decode(data, min_side=int(sys.argv[1]) or None)
print(*rgb.shape[:2], (peak() - before) // 1000)
"""


def measured(data: bytes, min_side: int) -> tuple[int, int, int]:
    """Height, width, and the megabytes that decoding took, in a process of its own."""
    command = [sys.executable, "-c", MEASURE, str(min_side)]
    done = subprocess.run(command, input=data, capture_output=True, check=True, cwd=ROOT)
    height, width, megabytes = map(int, done.stdout.split())
    return height, width, megabytes


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peak memory is only told by Linux")
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(("min_side", "shape"), [(224, (1250, 1500)), (0, None)])
def test_a_jpeg_of_120_megapixels_takes_at_most_400_mb(
    progressive: bool, min_side: int, shape: tuple[int, int] | None
) -> None:
    data = encode(Image.new("RGB", (12_000, 10_000), (90, 30, 60)), "JPEG", quality=30, progressive=progressive)
    height, width, megabytes = measured(data, min_side)
    assert (height, width) == (shape or ((1250, 1500) if progressive else (5000, 6000)))
    assert megabytes <= 400


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peak memory is only told by Linux")
@pytest.mark.parametrize(
    ("mode", "format_", "most"),
    [
        ("RGB", "PNG", 370),
        ("RGBA", "PNG", 370),
        ("L", "PNG", 370),
        ("CMYK", "TIFF", 370),
        ("RGB", "AVIF", 600),
        ("RGB", "WEBP", 800),
    ],
)
def test_other_pictures_of_49_megapixels_take_a_known_amount(mode: str, format_: str, most: int) -> None:
    every: dict[str, dict[str, Any]] = {"AVIF": {"speed": 10}, "TIFF": {"compression": "tiff_lzw"}}
    assert measured(encode(Image.new(mode, (7000, 7000)), format_, **every.get(format_, {})), 0)[2] <= most


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_of_a_few_bytes_that_claims_millions_of_pixels_is_not_decoded(
    progressive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its decoder would fill them with grey: a picture that nobody took, for a second of work."""
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("pixels were decoded"))
    with pytest.raises(BrokenImage, match="most of it is missing"):
        images.decode(jpeg_header(9_000, 9_000, encode(SCENE, "JPEG", progressive=progressive)), min_side=224)


@pytest.mark.parametrize("subsampling", [0, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_of_one_colour_takes_few_bytes_and_is_whole(progressive: bool, subsampling: int) -> None:
    flat = Image.new("RGB", (3000, 2000), (200, 40, 90))
    data = encode(flat, "JPEG", quality=10, optimize=True, progressive=progressive, subsampling=subsampling)
    assert images.decode(data, min_side=224).shape[2] == 3
