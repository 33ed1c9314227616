"""Bad pictures: too large, of other formats, cut short, damaged anywhere; only ImageError comes out."""

import contextlib
import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageFile

from retrieval import images
from retrieval.errors import BrokenImage, ImageError
from tests.support.marks import examples

SCENE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8))


def encode(image: Image.Image, format_: str, **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


FORMATS = {
    "JPEG": encode(SCENE, "JPEG"),
    "PNG": encode(SCENE, "PNG"),
    "WebP": encode(SCENE, "WEBP"),
    "GIF": encode(SCENE, "GIF"),
    "BMP": encode(SCENE, "BMP"),
    "AVIF": encode(SCENE, "AVIF"),
    "TIFF": encode(SCENE, "TIFF"),
    "PBM/PGM/PPM": encode(SCENE, "PPM"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_inspect_decodes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("pixels were decoded"))
    assert images.inspect(FORMATS[name]).width == 32


@pytest.mark.parametrize("name", FORMATS)
def test_half_a_picture_is_broken(name: str) -> None:
    data = FORMATS[name]
    with pytest.raises(BrokenImage, match=re.escape(f"this {name} is damaged")):
        images.decode(data[: len(data) // 2])


def test_damaged_exif_and_large_pictures_cause_no_warning() -> None:
    cut_short = b"Exif\0\0MM\0*\0\0\0\x08\0\x05\x01\x12\0\x03\0\0"
    jpeg = encode(SCENE, "JPEG", exif=cut_short)
    jpeg = jpeg[:2] + jpeg[20:]  # without the JFIF block, Pillow looks for a density in EXIF on opening
    large = b"P4 12000 4000\n"  # Pillow warns from 90 million pixels
    script = f"from retrieval import images; images.decode({jpeg!r}); images.inspect({large!r})"
    root = Path(images.__file__).parents[2]
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, cwd=root)


@pytest.mark.parametrize("exif", [b"Exif\0\0rubbish", b"Exif\0\0MM\0*", b"Exif\0\0II*\0\xff\xff\xff\xff"])
@pytest.mark.filterwarnings("ignore:::PIL.TiffImagePlugin")  # as retrieval.images does outside of pytest
def test_a_picture_with_damaged_exif_is_upright(exif: bytes) -> None:
    data = encode(SCENE, "PNG", exif=exif)
    np.testing.assert_array_equal(images.decode(data), np.asarray(SCENE))


HEIC = sorted(Path(__file__).with_name("heic").glob("*.heic"))


def every_picture() -> list[bytes]:
    pictures = list(FORMATS.values())
    for mode in ("1", "L", "P", "LA", "RGBA", "CMYK", "I;16"):
        grey = SCENE.convert("L") if mode == "I;16" else SCENE
        for format_ in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "PPM", "TIFF", "AVIF"):
            with contextlib.suppress(OSError, ValueError):  # not every format can hold every mode
                pictures.append(encode(grey.convert(mode), format_))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    pictures += [encode(SCENE, format_, exif=exif) for format_ in ("JPEG", "PNG", "WEBP")]
    for format_ in ("MPO", "GIF", "PNG", "WEBP"):
        pictures.append(encode(SCENE, format_, save_all=True, append_images=[SCENE]))
    pictures += [encode(SCENE, "TIFF", compression=kind) for kind in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "zstd")]
    pictures += [file.read_bytes() for file in HEIC]
    pictures += [b"P1 2 1 1 0", b"P2 2 1 9 0 9", b"P3 1 1 9 0 4 9", b"P5 1 1 999 xy", b"P6 1 1 65535 abcdef"]
    return pictures


PICTURES = every_picture()
damaged = st.builds(
    lambda data, flips, end: bytes(b ^ flips.get(i, 0) for i, b in enumerate(data[: end or None])),
    st.sampled_from(PICTURES),
    st.dictionaries(st.integers(0, 200), st.integers(1, 255), max_size=4),
    st.one_of(st.just(0), st.integers(1, 2000)),
)
noise = st.builds(
    lambda picture, length, tail: picture[:length] + tail,
    st.sampled_from(PICTURES), st.integers(2, 40), st.binary(max_size=200),
)  # fmt: skip


@settings(max_examples=examples(1000))
@given(st.one_of(damaged, noise, st.binary(max_size=100)), st.sampled_from([None, 1, 8]))
def test_any_bytes_give_a_picture_or_an_image_error(data: bytes, min_side: int | None) -> None:
    try:
        rgb = images.decode(data, min_side=min_side, max_pixels=10**6)
    except ImageError:
        return
    assert rgb.dtype == np.uint8
    assert rgb.ndim == 3
    assert rgb.shape[2] == 3
    assert rgb.size > 0
