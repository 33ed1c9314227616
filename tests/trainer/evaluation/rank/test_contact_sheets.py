"""Contact sheets: every picture in its place, names that fit, and files that any system takes."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from tests.support.marks import examples
from trainer.evaluation.rank import contact_sheets
from trainer.evaluation.rank.contact_sheets import (
    CAPTION,
    COLUMNS,
    GAP,
    MARGIN,
    PAGE,
    QUERY,
    TILE,
    Tile,
    draw_sheet,
    sheet_name,
)

COLOURS = ((200, 30, 30), (30, 160, 60), (40, 60, 200), (220, 180, 30))


@pytest.fixture
def tiles(tmp_path: Path) -> list[Tile]:
    """Pictures of one colour each; lossless, so that they can be found again."""
    made = []
    for number, colour in enumerate(COLOURS):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (64, 64), colour).save(path)
        made.append(Tile(path, str(number), path.name))
    return made


def centres(sheet: Image.Image, hits: int) -> list[tuple[int, ...]]:
    """The colour in the middle of the query's card and of each hit's."""
    pixels = np.asarray(sheet)
    left = MARGIN + QUERY + 2 * GAP
    result = [pixels[MARGIN + QUERY // 2, MARGIN + QUERY // 2]]
    for number in range(hits):
        row, column = divmod(number, COLUMNS)
        x = left + column * (TILE + GAP) + TILE // 2
        y = MARGIN + row * (TILE + CAPTION + GAP) + TILE // 2
        result.append(pixels[y, x])
    return [tuple(map(int, colour)) for colour in result]


def test_the_query_is_on_the_left_and_hits_follow_in_rows(tiles: list[Tile]) -> None:
    hits = [tiles[1 + number % 3] for number in range(20)]
    result = centres(draw_sheet(tiles[0], hits), 20)
    assert result == [COLOURS[0], *(COLOURS[1 + number % 3] for number in range(20))]


@pytest.mark.parametrize("count", [0, 1, 6])
def test_few_hits_leave_room_for_the_query(tiles: list[Tile], count: int) -> None:
    sheet = draw_sheet(tiles[0], [tiles[1]] * count)
    assert sheet.height >= MARGIN * 2 + QUERY + CAPTION
    assert centres(sheet, count) == [COLOURS[0], *[COLOURS[1]] * count]


def test_a_picture_that_is_gone_is_an_empty_card(tiles: list[Tile], tmp_path: Path) -> None:
    gone, text = Tile(tmp_path / "gone.jpg", "1", "gone"), tmp_path / "text.jpg"
    text.write_text("no picture")
    sheet = draw_sheet(tiles[0], [gone, Tile(text, "2", "text"), tiles[1]])
    assert centres(sheet, 3)[3] == COLOURS[1]
    assert (np.asarray(sheet)[: MARGIN + TILE, MARGIN + QUERY :] != 255).any()


@pytest.mark.parametrize("size", [(300, 3), (3, 300), (1, 1)])
def test_a_picture_of_any_shape_fits(tiles: list[Tile], tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, COLOURS[2]).save(tmp_path / "odd.png")
    odd = Tile(tmp_path / "odd.png", "1", "odd")
    assert centres(draw_sheet(odd, [odd]), 1) == [COLOURS[2], COLOURS[2]]


@settings(deadline=None, max_examples=examples(60))
@given(st.text(max_size=200), st.text(max_size=200))
def test_captions_never_leave_their_card(title: str, note: str) -> None:
    sheet = Image.new("RGB", (QUERY + 400, 500), PAGE)
    contact_sheets._place(sheet, Tile(Path("nowhere"), title, note), 0, 0, QUERY)
    beyond = np.asarray(sheet)[:, QUERY + 8 :]  # 8: what the slant of a last letter may reach
    assert (beyond == 255).all()
    below = np.asarray(sheet)[QUERY + CAPTION + 8 :]
    assert (below == 255).all()


def test_a_long_name_keeps_both_ends(tiles: list[Tile], monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr(ImageDraw.ImageDraw, "text", lambda _self, _place, text, *_rest, **_more: drawn.append(text))
    name = "a folder with a long name/" + "x" * 80 + "/the very end.jpg"
    draw_sheet(Tile(tiles[0].path, "Query", "short.jpg"), [Tile(tiles[1].path, "1", name)])
    assert drawn[:3] == ["Query", "short.jpg", "1"]
    start, end = drawn[3].split("…")
    assert name.startswith(start)
    assert name.endswith(end)
    assert min(len(start), len(end)) > 5


def test_captions_can_be_read(tiles: list[Tile]) -> None:
    blank = draw_sheet(Tile(tiles[0].path, "", ""), [])
    written = draw_sheet(Tile(tiles[0].path, "Query", "shoe.jpg"), [])
    ink = np.asarray(written).astype(int)[np.asarray(blank) != np.asarray(written)]
    assert ink.size > 300
    assert ink.min() < 0x40  # dark on white


@settings(deadline=None, max_examples=examples(200))
@given(st.text(min_size=1, max_size=300))
def test_any_file_system_takes_the_name(picture: str) -> None:
    name = sheet_name(7, picture)
    assert len(name) <= 80
    assert name.startswith("00007-")
    assert name.endswith(".jpg")
    assert set(name.removesuffix(".jpg")) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def test_a_name_says_which_picture_it_is() -> None:
    assert sheet_name(12, "boots/left one.jpg") == "00012-boots_left_one.jpg"
    assert sheet_name(1, "same.jpg") != sheet_name(2, "same.png")


def test_a_sheet_is_written_as_jpeg(tiles: list[Tile], tmp_path: Path) -> None:
    contact_sheets.save_sheet(tmp_path / "sheet.jpg", tiles[0], tiles[1:])
    with Image.open(BytesIO((tmp_path / "sheet.jpg").read_bytes())) as sheet:
        assert (sheet.format, sheet.mode) == ("JPEG", "RGB")
