"""How much work the search for copies is: bounded by the number of pictures, however alike they are."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from retrieval.duplicates import same_picture_pairs, search, sketch
from retrieval.duplicates.alignment import same_picture
from retrieval.duplicates.groups import connected_groups
from retrieval.images import RGB
from trainer.sources import pottery
from trainer.sources.pottery.picture import photograph

Pairs = list[tuple[int, int]]


@pytest.fixture
def effort(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[bytes]], tuple[Pairs, int]]:
    """Pairs of files, and how many of them were compared by their pixels."""
    compared: list[int] = []

    def counted(*arguments: Any) -> bool:
        compared.append(1)
        return same_picture(*arguments)

    monkeypatch.setattr(search, "same_picture", counted)

    def pairs_and_comparisons(files: list[bytes]) -> tuple[Pairs, int]:
        compared.clear()
        return same_picture_pairs([sketch(data) for data in files], lambda row: files[row]), len(compared)

    return pairs_and_comparisons


def jpeg(rgb: RGB | Image.Image, quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    (rgb if isinstance(rgb, Image.Image) else Image.fromarray(rgb)).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def views(count: int) -> list[RGB]:
    """One piece on a turntable."""
    photo = pottery.plan(3, 1)[1]
    turns = np.linspace(0, 2 * np.pi, count, endpoint=False).tolist()
    return [photograph(photo.piece.form, photo.piece.glaze, photo.seed, 128, turned=turn) for turn in turns]


def test_copies_of_one_picture_are_each_compared_about_once(effort: Callable[[list[bytes]], tuple[Pairs, int]]) -> None:
    picture = views(1)[0]
    files = [jpeg(picture, quality) for quality in range(40, 100)]
    pairs, comparisons = effort(files)
    assert connected_groups(len(files), pairs) == [tuple(range(len(files)))]
    assert comparisons < 2 * len(files)


def test_identical_files_are_not_compared(effort: Callable[[list[bytes]], tuple[Pairs, int]]) -> None:
    assert effort([jpeg(views(1)[0])] * 1000) == ([], 0)


def test_blank_pages_are_one_group(effort: Callable[[list[bytes]], tuple[Pairs, int]]) -> None:
    files = [jpeg(np.full((90, 64, 3), 250 + shade % 4, np.uint8), 60 + shade) for shade in range(40)]
    pairs, comparisons = effort(files)
    contents = len(set(files))
    assert comparisons < 2 * contents
    assert len({row for pair in pairs for row in pair}) == contents


def test_pictures_that_only_resemble_each_other_are_compared_a_few_times(
    effort: Callable[[list[bytes]], tuple[Pairs, int]],
) -> None:
    """Forms of one print, each with its own crosses."""
    rng = np.random.default_rng(0)
    files = []
    for _ in range(60):
        page = Image.new("RGB", (240, 320), "white")
        draw = ImageDraw.Draw(page)
        for line in range(20, 310, 24):
            draw.rectangle((12, line, 228, line + 12), outline="black")
            left = int(rng.integers(14, 200))
            draw.rectangle((left, line + 1, left + 22, line + 11), fill="black")
        files.append(jpeg(page))
    pairs, comparisons = effort(files)
    assert comparisons <= (search.ALWAYS + search.MAX_VAIN) * len(files)
    assert pairs == []


def test_a_copy_is_seen_among_views_of_one_turntable(effort: Callable[[list[bytes]], tuple[Pairs, int]]) -> None:
    turned = views(20)
    files = [*map(jpeg, turned), jpeg(turned[7], 50), jpeg(Image.fromarray(turned[3]).resize((96, 96)))]
    pairs, comparisons = effort(files)
    assert {(7, 20), (3, 21)} <= set(pairs)
    assert comparisons <= (search.ALWAYS + search.MAX_VAIN) * len(files)
