"""HEIC, as phones write it, and AVIF. pillow-heif 1.8.1 wrote the HEIC files from `tests.support.pictures.scene`."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from retrieval import images
from retrieval.errors import BrokenImage, UnsupportedFormat
from tests.support.pictures import encode, scene

FOLDER = Path(__file__).with_name("heic")
SCENE = np.asarray(scene(), int)
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "turned",
        "mirrored",
        "turned-by-exif-alone",
        "display-p3",
        "display-p3-coded",
        "ten-bit",
        "two",
        "second-is-primary",
    ],
)
def test_heic_is_upright_and_in_srgb(name: str) -> None:
    data = (FOLDER / f"{name}.heic").read_bytes()
    assert images.inspect(data) == images.ImageInfo("HEIC", "image/heic", 160, 120, has_profile="p3" in name)
    assert np.abs(images.decode(data) - SCENE).mean() < 2


def test_heic_of_grey_and_with_alpha() -> None:
    grey = images.decode((FOLDER / "grey.heic").read_bytes())
    assert np.abs(grey - np.asarray(scene().convert("L").convert("RGB"), int)).mean() < 2
    clear_below = images.decode((FOLDER / "alpha.heic").read_bytes())
    assert np.abs(clear_below[:56] - SCENE[:56]).mean() < 2
    assert clear_below[64:].min() > 250


@pytest.mark.parametrize("orientation", TURNS)
def test_avif_is_turned_once(orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    data = encode(scene().transpose(TURNS[orientation]), "AVIF", exif=exif, quality=100, subsampling="4:4:4")
    assert images.inspect(data) == images.ImageInfo("AVIF", "image/avif", 160, 120)
    assert np.abs(images.decode(data) - SCENE).mean() < 2


def test_the_brands_tell_which_it_is() -> None:
    """The first may be that of the family (mif1); those behind it say more."""
    for data, name in (((FOLDER / "plain.heic").read_bytes(), "HEIC"), (encode(scene(), "AVIF"), "AVIF")):
        assert images.inspect(data[:8] + b"mif1" + data[12:]).format == name


def test_a_moving_or_coded_otherwise_one_is_named() -> None:
    head = b"\0\0\0\x18ftyp"
    with pytest.raises(UnsupportedFormat, match="video"):
        images.inspect(head + b"isom\0\0\0\0isommp42" + bytes(100))
    with pytest.raises(UnsupportedFormat, match="HEIF or MP4 family"):
        images.inspect(head + b"avci\0\0\0\0avcimif1" + bytes(100))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_part_of_one_is_broken(share: float) -> None:
    data = (FOLDER / "plain.heic").read_bytes()
    with pytest.raises(BrokenImage, match="HEIC is damaged or cut short"):
        images.decode(data[: int(share * len(data))])


@pytest.mark.parametrize("name", ["plain", "display-p3", "turned-by-exif-alone"])
def test_an_item_whose_kind_is_no_text_is_refused(name: str) -> None:
    """The library behind takes it for text, and the whole process crashes where it is none."""
    data = (FOLDER / f"{name}.heic").read_bytes()
    first = data.index(b"infe")
    for place in range(first + 4, data.index(b"iprp"), 3):
        with contextlib.suppress(BrokenImage):
            images.decode(data[:place] + b"\x99" + data[place + 1 :])
