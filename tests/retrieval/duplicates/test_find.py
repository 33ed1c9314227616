"""Copies of pictures found among pictures that merely look alike: all tiers, what is kept, and why."""

import io
import os
from collections.abc import Callable
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from retrieval.duplicates import CalibratedVectors, Sketch, find, leaks, same_picture_pairs, search, sketch
from retrieval.duplicates.groups import connected_groups, group
from retrieval.duplicates.same_thing import same_thing_pairs, star_groups
from trainer.sources import pottery

pytestmark = pytest.mark.quality

DATA = Path(os.environ.get("LOOKALIKE_TEST_DATA", "nowhere"))


def jpeg(image: Image.Image, quality: int = 92) -> bytes:
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def cropped(image: Image.Image, share: float = 0.9) -> Image.Image:
    wide, tall = image.size
    left, top = round(wide * (1 - share) * 0.7), round(tall * (1 - share) * 0.3)
    return image.crop((left, top, left + round(wide * share), top + round(tall * share)))


def mixed(image: Image.Image) -> Image.Image:
    """Cropped, flipped and made smaller at once; still to be brightened and compressed."""
    part = cropped(image).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return part.resize((part.width // 2, part.height // 2), Image.Resampling.BICUBIC)


def brightened(image: Image.Image, factor: float) -> bytes:
    return jpeg(ImageEnhance.Brightness(image.convert("RGB")).enhance(factor))


VARIANTS: dict[str, Callable[[Image.Image], bytes]] = {
    "recompressed": lambda image: jpeg(image, quality=40),
    "resized": lambda image: jpeg(image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC)),
    "flipped": lambda image: jpeg(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
    "turned over": lambda image: jpeg(image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)),
    "turned round": lambda image: jpeg(image.transpose(Image.Transpose.ROTATE_180)),
    "cropped": lambda image: jpeg(cropped(image)),
    "cropped at one side": lambda image: jpeg(image.crop((0, 0, image.width, round(0.9 * image.height)))),
    "all at once": lambda image: brightened(mixed(image), 1.1),
    "brightened": lambda image: brightened(image, 1.1),  # more would burn out the light backdrops of the shop
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Forty photographs of ten pieces: four of each, which look alike and are not the same picture."""
    folder = tmp_path_factory.mktemp("shop")
    pottery.make(folder, pieces=10, photos=4, size=224)
    return [path.read_bytes() for path in sorted(folder.rglob("*.jpg"))]


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_finds_its_picture_and_no_other(name: str, shop: list[bytes]) -> None:
    variants = [VARIANTS[name](Image.open(io.BytesIO(data))) for data in shop[::4]]
    files = [*shop, *variants]
    pairs = same_picture_pairs([sketch(data) for data in files], lambda row: files[row])
    assert pairs == [(4 * number, len(shop) + number) for number in range(len(variants))]


def test_what_is_there_more_than_once_is_one_group_with_the_best_to_keep(shop: list[bytes]) -> None:
    small = VARIANTS["resized"](Image.open(io.BytesIO(shop[0])))
    files = [*shop, shop[0], small]
    sketches = [sketch(data) for data in files]
    result = find(sketches, same_picture_pairs(sketches, lambda row: files[row]))
    assert [(g.members, g.keep) for g in result.identical] == [((0, len(shop)), 0)]
    assert [(g.members, g.keep) for g in result.same_picture] == [((0, len(shop), len(shop) + 1), 0)]
    assert "224 x 224" in result.same_picture[0].why
    assert result.same_thing == ()


def test_a_held_out_picture_that_was_trained_on_is_a_leak_once(shop: list[bytes]) -> None:
    again = VARIANTS["recompressed"](Image.open(io.BytesIO(shop[5])))
    files = [*shop, shop[3], again]
    sketches = [sketch(data) for data in files]
    held_out = [row in (3, 5) for row in range(len(files))]
    result = leaks(sketches, held_out, same_picture_pairs(sketches, lambda row: files[row]))
    assert [(leak.held_out, leak.other, leak.kind) for leak in result] == [
        (3, len(shop), "identical"),
        (5, len(shop) + 1, "same picture"),
    ]


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=12),
    st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=6),
)
def test_a_leak_is_a_held_out_file_whose_picture_any_other_file_shows(
    files: list[tuple[int, bool]], alike: set[tuple[int, int]]
) -> None:
    """Files of few contents, in both parts. As in the search, the first of identical files stands for all in a pair."""
    sketches = [Sketch(f"{content}", np.zeros((32, 32, 3), np.uint8), 9, 9, 9, 1.0) for content, _ in files]
    contents = [content for content, _ in files]
    pairs = [(contents.index(a), contents.index(b)) for a, b in alike if a != b and a in contents and b in contents]
    result = leaks(sketches, [held for _, held in files], pairs)

    wanted: dict[int, str] = {}
    for (row, (ours, held)), (theirs, other_held) in product(enumerate(files), files):
        if held and not other_held and ours == theirs:
            wanted[row] = "identical"
        elif held and not other_held and ((ours, theirs) in alike or (theirs, ours) in alike):
            wanted.setdefault(row, "same picture")
    assert {leak.held_out: leak.kind for leak in result} == wanted
    for leak in result:
        ours, theirs = contents[leak.held_out], contents[leak.other]
        assert not files[leak.other][1]
        assert ours == theirs if leak.kind == "identical" else {(ours, theirs), (theirs, ours)} & alike


def test_more_pictures_than_are_remembered_at_once(shop: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "REMEMBERED", 1)
    files = [*shop, *(VARIANTS["recompressed"](Image.open(io.BytesIO(data))) for data in shop)]
    pairs = same_picture_pairs([sketch(data) for data in files], lambda row: files[row])
    assert pairs == [(row, len(shop) + row) for row in range(len(shop))]


def test_a_picture_that_vanishes_while_it_is_compared_is_passed_over(shop: list[bytes]) -> None:
    files = [*shop[:3], VARIANTS["recompressed"](Image.open(io.BytesIO(shop[0])))]

    def read(row: int) -> bytes:
        if row == 0:
            raise FileNotFoundError(row)
        return files[row]

    assert same_picture_pairs([sketch(data) for data in files], read) == []


# --- groups


@given(st.integers(1, 12), st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=15))
def test_groups_are_what_the_pairs_connect(count: int, pairs: list[tuple[int, int]]) -> None:
    kept = [(a % count, b % count) for a, b in pairs]
    near = {row: {row} for row in range(count)}
    for _ in range(count):  # as far as the longest chain
        for a, b in kept:
            near[a] = near[b] = near[a] | near[b]
        near = {row: set().union(*(near[other] for other in near[row])) for row in near}
    wanted = sorted({tuple(sorted(rows)) for rows in near.values() if len(rows) > 1})
    assert sorted(connected_groups(count, kept)) == wanted


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2), st.integers(1, 3)), min_size=2, max_size=6))
def test_the_one_to_keep_has_the_most_pixels_then_is_the_sharpest_then_the_largest(
    files: list[tuple[int, int, int]],
) -> None:
    small = np.zeros((32, 32, 3), np.uint8)
    sketches = [
        Sketch(f"{n}", small, 100 * side, 100, size, float(sharp)) for n, (side, sharp, size) in enumerate(files)
    ]
    result = group(tuple(range(len(files))), sketches)
    assert files[result.keep] == max(files)
    assert result.keep == files.index(max(files))
    assert result.why


class Steps:
    """Near is sure, far is not."""

    def probability(self, distances: np.ndarray) -> np.ndarray:
        return np.where(distances < 0.1, 0.99, 0.2)


def test_the_same_thing_is_a_pair_of_vectors_that_are_surely_near() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 8)).astype(np.float32)
    vectors[30:40] = vectors[:10] + rng.normal(0, 0.05, (10, 8))
    vectors[50] = 0
    pairs = same_thing_pairs(CalibratedVectors(vectors, Steps()))
    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    slow = [(a, b) for a, b in combinations(range(60), 2) if 1 - units[a] @ units[b] < 0.1 and 50 not in (a, b)]
    assert pairs == slow
    assert len(pairs) >= 10


def test_likeness_is_not_passed_on_along_a_chain() -> None:
    chain = [(row, row + 1) for row in range(9)]
    groups = star_groups(chain)
    assert all(len(members) <= 3 for members in groups)
    assert len({row for members in groups for row in members}) == sum(map(len, groups))


# --- a whole data set


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "grocery").is_dir(), reason="LOOKALIKE_TEST_DATA names no folder that holds grocery/")
def test_three_hundred_variants_planted_in_grocery() -> None:
    """A pair that was not planted counts as wrong, though grocery may have a few true ones of its own."""
    paths = sorted((DATA / "grocery" / "train").rglob("*.jpg"))
    rng = np.random.default_rng(0)
    sample = rng.choice(len(paths), 300, replace=False).tolist()
    brighter = {
        "brightened": lambda image: brightened(image, 1.25),
        "all at once": lambda image: jpeg(ImageEnhance.Brightness(mixed(image.convert("RGB"))).enhance(1.25), 40),
    }
    makers = list((VARIANTS | brighter).values())
    planted = [makers[number % len(makers)](Image.open(paths[row])) for number, row in enumerate(sample)]

    def read(row: int) -> bytes:
        return paths[row].read_bytes() if row < len(paths) else planted[row - len(paths)]

    sketches = [sketch(read(row)) for row in range(len(paths) + len(planted))]
    result = set(same_picture_pairs(sketches, read))
    wanted = {(row, len(paths) + number) for number, row in enumerate(sample)}
    assert len(result & wanted) >= 0.95 * len(wanted)
    assert len(result & wanted) >= 0.98 * len(result)
