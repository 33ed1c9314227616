"""Which of several copies is kept, and why: one criterion after the other."""

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from retrieval.duplicates import Sketch, find, same_picture_pairs, sketch
from retrieval.duplicates.groups import group
from retrieval.duplicates.keeping import COPY_WORDS, ItemFacts, turns
from tests.support.bundles import picture

PLAIN = Sketch("a", np.zeros((32, 32, 3), np.uint8), 100, 100, 1000, 5.0, written=1e9)
DAY = 86_400.0


@pytest.mark.parametrize(
    ("better", "item_facts", "words"),
    [
        ({"width": 200}, {}, "the most pixels (200 x 100 pixels)"),
        ({"written": 1e9 - DAY}, {}, "the oldest file (of 2001-09-08)"),
        ({}, {"has_label": True}, "with a label"),
        ({"is_lossless": True}, {}, "saved without loss"),
        ({"has_metadata": True}, {}, "with camera data"),
        ({"has_profile": True}, {}, "with a colour profile"),
        ({"sharpness": 6.0}, {}, "the sharpest"),
        ({"size": 2000}, {}, "the largest file"),
    ],
)
def test_each_criterion_decides_before_those_after_it(
    better: dict[str, Any], item_facts: dict[str, Any], words: str
) -> None:
    best = replace(PLAIN, sha256="b", **better)
    result = group((0, 1, 2), [PLAIN, replace(PLAIN, sha256="c"), best], {2: ItemFacts(**item_facts)})
    assert (result.keep, result.why) == (2, words)
    order = ["width", "written", "has_label", "is_lossless", "has_metadata", "has_profile", "sharpness", "size"]
    later = order[order.index(next(iter({**better, **item_facts}))) + 1 :]
    fields: dict[str, Any] = {"is_lossless": True, "has_metadata": True, "has_profile": True}
    fields |= {"sharpness": 9.0, "size": 9000, "written": 1e9 - DAY}
    rival = replace(PLAIN, sha256="d", **{name: fields[name] for name in later if name in fields})
    assert group((0, 1), [rival, best], {0: ItemFacts("x", "has_label" in later), 1: ItemFacts(**item_facts)}).keep == 1


def test_a_name_that_tells_of_a_copy_is_told_by_whole_words() -> None:
    for name in ("3 copy.jpg", "3-mirrored.jpg", "3_flip.jpg", "3 (1).jpg", "Kopie von 3.jpg", "copies/3.jpg"):
        assert COPY_WORDS.search(name)
    for name in ("3.jpg", "copper.jpg", "turnedge.jpg", "smallest.jpg", "deep-coral-bowl-22/06.jpg"):
        assert not COPY_WORDS.search(name)


def encoded(image: Image.Image, quality: int = 92, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, **options)
    return buffer.getvalue()


def mirrored(data: bytes, quality: int = 98) -> bytes:
    """As an editor saves it again: often with more bytes, and as sharp."""
    return encoded(Image.open(io.BytesIO(data)).transpose(Image.Transpose.FLIP_LEFT_RIGHT), quality)


FLIPPED, OVER = Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM
ROUND = Image.Transpose.ROTATE_180
ORIGINAL = picture(3, width=240, height=180)
EXIF = Image.Exif()
EXIF[0x010F] = "A camera"
WITH_CAMERA = encoded(Image.open(io.BytesIO(ORIGINAL)), exif=EXIF.tobytes())


@pytest.mark.parametrize(
    ("original", "names", "ages"),
    [
        (ORIGINAL, ("vase.jpg", "vase mirrored.jpg"), (2.0, 1.0)),
        (WITH_CAMERA, ("b.jpg", "a.jpg"), (2.0, 1.0)),
        (ORIGINAL, ("b.jpg", "a.jpg"), (1.0, 2.0)),
    ],
    ids=["its name", "camera data", "its age"],
)
@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_the_mirrored_copy_is_not_kept(
    original: bytes, names: tuple[str, str], ages: tuple[float, float], first: bool
) -> None:
    files = [(original, names[0], ages[0]), (mirrored(original), names[1], ages[1])]
    files = files if first else files[::-1]
    sketches = [replace(sketch(data), written=age) for data, _, age in files]
    item_facts = {row: ItemFacts(name, True) for row, (_, name, _) in enumerate(files)}
    pairs = same_picture_pairs(sketches, lambda row: files[row][0])
    (result,) = find(sketches, pairs, item_facts=item_facts).same_picture
    assert files[result.keep][0] == original
    assert "the right way round" in result.why


def test_turns_are_told_from_the_pixels() -> None:
    image = Image.open(io.BytesIO(ORIGINAL))
    flips = [image, *(image.transpose(how) for how in (FLIPPED, OVER, ROUND))]
    assert turns([0, 1, 2, 3], [sketch(encoded(each, 95)) for each in flips]) == {0: 0, 1: 1, 2: 2, 3: 3}


def test_a_sketch_knows_what_the_file_has() -> None:
    image = Image.open(io.BytesIO(ORIGINAL))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    turned = Image.Exif()
    turned[0x0112] = 1
    facts = [
        (each.is_lossless, each.has_metadata, each.has_profile)
        for each in map(sketch, (ORIGINAL, WITH_CAMERA, buffer.getvalue(), encoded(image, exif=turned.tobytes())))
    ]
    assert facts == [(False, False, False), (False, True, False), (True, False, True), (False, False, False)]
