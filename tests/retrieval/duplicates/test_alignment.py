"""Two pictures laid over each other: what still is the same one, and what only looks like it."""

import io
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from retrieval.duplicates import same_picture_pairs, sketch
from retrieval.duplicates.alignment import FINE_SIDE, coarse, same_picture
from retrieval.duplicates.candidates import LEAST_COSINE, candidates
from retrieval.duplicates.sketch import FLIPS, SIDE, descriptor, flipped, questions, squashed
from retrieval.images import RGB, decode
from tests.support.marks import examples
from trainer.sources import pottery


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> list[RGB]:
    folder = tmp_path_factory.mktemp("shop")
    pottery.make(folder, pieces=6, photos=3, size=192)
    return [decode(path.read_bytes()) for path in sorted(folder.rglob("*.jpg"))]


def same(first: RGB, second: RGB) -> bool:
    """In any of the flips."""
    small, other_small, large, other_large = (
        squashed(rgb, side) for side in (SIDE, FINE_SIDE) for rgb in (first, second)
    )
    for flip in range(len(FLIPS)):
        window = coarse(small, other_small, flip)
        if window is not None and same_picture(large, other_large, flip, window):
            return True
    return False


def picture(rng: np.random.Generator, *, tall: int = 90, wide: int = 120) -> RGB:
    """Soft patches of colour."""
    patches = Image.fromarray(rng.integers(20, 200, (6, 8, 3), dtype=np.uint8))
    return np.asarray(patches.resize((wide, tall), Image.Resampling.BICUBIC))


def file(rgb: RGB) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    return buffer.getvalue()


@settings(deadline=None, max_examples=examples(60))
@given(
    st.integers(0, 2**32 - 1),
    st.tuples(*[st.floats(0, 0.05)] * 4),
    st.integers(0, 3),
    st.floats(0.8, 1.25),
    st.booleans(),
)
def test_an_upright_part_in_other_light_is_the_same_picture(
    seed: int, cuts: tuple[float, ...], flip: int, light: float, swapped: bool
) -> None:
    whole = picture(np.random.default_rng(seed))
    tall, wide = whole.shape[:2]
    left, right, top, bottom = (round(cut * side) for cut, side in zip(cuts, (wide, wide, tall, tall), strict=True))
    part = flipped(whole[top : tall - bottom, left : wide - right], flip)
    part = np.clip(part * light, 0, 255).astype(np.uint8)
    assert same(part, whole) if swapped else same(whole, part)


def test_two_photographs_of_one_piece_are_two_pictures(shop: list[RGB]) -> None:
    assert not any(same(first, second) for first, second in combinations(shop, 2))


def test_the_same_in_another_colour_is_another_picture(shop: list[RGB]) -> None:
    for rgb in shop[::3]:
        red, blue = rgb // 2, rgb // 2
        red[48:144, 48:144, 0] += 48
        blue[48:144, 48:144, 2] += 126  # as bright as the red
        assert same(red, red)
        assert not same(red, blue)


def test_a_slanted_picture_is_another_one(shop: list[RGB]) -> None:
    """As when a camera has turned a little between two photographs."""
    for rgb in shop[::3]:
        slanted = Image.fromarray(rgb).rotate(2, Image.Resampling.BICUBIC).crop((10, 10, 182, 182))
        assert not same(rgb, np.asarray(slanted))


def test_what_is_different_in_one_place_is_another_picture(shop: list[RGB]) -> None:
    for rgb in shop[::3]:
        changed = rgb.copy()
        changed[60:120, 60:120] = rgb[60:120, 60:120][::-1, :, ::-1] // 2 + 60
        assert not same(rgb, changed)


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [((255, 255, 255), (253, 255, 254), True), ((0, 0, 0), (255, 255, 255), False), ((200, 0, 0), (0, 0, 200), False)],
)
def test_pictures_that_show_nothing_are_the_same_if_their_colour_is(
    one: tuple[int, ...], other: tuple[int, ...], wanted: bool
) -> None:
    first, second = (np.full((50, 70, 3), colour, np.uint8) for colour in (one, other))
    assert same(first, second) == wanted
    files = [file(first), file(second)]
    assert same_picture_pairs([sketch(data) for data in files], lambda row: files[row]) == ([(0, 1)] if wanted else [])


def test_a_plain_picture_is_not_one_that_shows_something(shop: list[RGB]) -> None:
    plain = np.broadcast_to(shop[0].mean(axis=(0, 1)).astype(np.uint8), shop[0].shape).copy()
    assert not same(shop[0], plain)


# --- candidates


@given(st.integers(0, 2**32 - 1), st.integers(0, 3))
def test_a_flipped_picture_is_asked_for_without_being_flipped(seed: int, flip: int) -> None:
    small = squashed(picture(np.random.default_rng(seed)), SIDE)
    query_descriptors = questions(small).reshape(len(FLIPS), -1, len(descriptor(small)))[flip, 0]
    np.testing.assert_allclose(query_descriptors, descriptor(flipped(small, flip)), atol=0.01)


def test_the_graph_proposes_what_a_table_of_all_pairs_does(shop: list[RGB]) -> None:
    """A few neighbours of each are asked for, so the table is cut off where a picture has more."""
    rng = np.random.default_rng(0)
    copies = [flipped(rgb[:175, 12:], number % len(FLIPS)) for number, rgb in enumerate(shop)]
    sketches = [sketch(file(rgb)) for rgb in (*shop, *copies, *(picture(rng) for _ in range(40)))]
    result = {(first, second) for first, second, _ in candidates(sketches)}
    query_descriptors = np.stack([questions(entry.small) for entry in sketches])
    table = np.einsum("iqd,jd->ijq", query_descriptors, np.stack([descriptor(entry.small) for entry in sketches])).max(
        axis=2
    )
    table = np.maximum(table, table.T)
    near = {pair for pair in combinations(range(len(sketches)), 2) if table[pair] >= LEAST_COSINE - 1e-5}
    assert result <= near
    nearest = {(min(i, j), max(i, j)) for i, j in enumerate((table - 9 * np.eye(len(table))).argmax(axis=1).tolist())}
    assert nearest & near <= result
    assert len(nearest & near) >= len(shop)


def test_what_is_found_among_candidates_is_what_comparing_all_pairs_finds(shop: list[RGB]) -> None:
    pictures = [*shop, *(flipped(rgb[:182, 9:], n % 4) for n, rgb in enumerate(shop[:6]))]
    files = [file(rgb) for rgb in pictures]
    result = same_picture_pairs([sketch(data) for data in files], lambda row: files[row])
    assert result == [(i, j) for i, j in combinations(range(len(files)), 2) if same(pictures[i], pictures[j])]
    assert len(result) == 6


def test_none_and_one_picture_have_no_candidates(tmp_path: Path) -> None:
    assert candidates([]) == []
    assert candidates([sketch(file(picture(np.random.default_rng(0))))]) == []
