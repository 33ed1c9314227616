"""Contact sheets: a query on the left, its hits in rows beside it, each with a caption that can be read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from retrieval import images
from retrieval.errors import ImageError
from retrieval.images import RGB

# Pixels.
QUERY, TILE, CAPTION = 320, 176, 48
MARGIN, GAP = 28, 18
COLUMNS = 5

PAGE, CARD, LINE = "#ffffff", "#f6f8fa", "#d1d9e0"
INK, MUTED = "#1f2328", "#59636e"
FONTS = ("NotoSansCJK-Regular.ttc", "Arial Unicode.ttf", "DejaVuSans.ttf")
"""The first that is installed is used, those that know most scripts first; else the one that Matplotlib brings."""
QUALITY = 90  # JPEG, 0-100
MAX_STEM = 60  # characters of a picture's name in its sheet's
CACHED_TILES = 512  # small pictures held in memory, because neighbours share hits: 93 KB each

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture with two lines below it."""

    path: Path
    title: str
    note: str


def sheet_name(number: int, picture: str) -> str:
    """A file name for a picture's sheet that any file system takes; `number` makes it unique."""
    place = Path(picture)
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", str(place.parent / place.stem))  # with_suffix refuses "/" and "."
    return f"{number:05d}-{stem[-MAX_STEM:]}.jpg"


def save_sheet(path: Path, query: Tile, hits: Sequence[Tile]) -> None:
    """Draw a sheet and write it as JPEG. A picture that cannot be read any more is shown as an empty card."""
    draw_sheet(query, hits).save(path, "JPEG", quality=QUALITY, subsampling=0)  # 0: text keeps its edges


def draw_sheet(query: Tile, hits: Sequence[Tile]) -> Image.Image:
    """The query on the left, its hits in rows of COLUMNS."""
    rows = ceil(len(hits) / COLUMNS)
    left, across, down = MARGIN + QUERY + 2 * GAP, TILE + GAP, TILE + CAPTION + GAP
    width = left + COLUMNS * across - GAP + MARGIN
    height = 2 * MARGIN + max(QUERY + CAPTION, rows * down - GAP)
    sheet = Image.new("RGB", (width, height), PAGE)
    _place(sheet, query, MARGIN, MARGIN, QUERY)
    for number, hit in enumerate(hits):
        row, column = divmod(number, COLUMNS)
        _place(sheet, hit, left + column * across, MARGIN + row * down, TILE)
    return sheet


def _place(sheet: Image.Image, tile: Tile, left: int, top: int, side: int) -> None:
    """A card of `side` pixels with the picture in its middle, and the caption below."""
    draw = ImageDraw.Draw(sheet)
    draw.rounded_rectangle((left, top, left + side - 1, top + side - 1), radius=6, fill=CARD, outline=LINE)
    picture = _fitted(tile.path, side - 2)
    if picture is None:
        middle = (left + side // 2, top + side // 2)
        draw.text(middle, "cannot be read", MUTED, _font(13), anchor="mm")
    else:
        height, width = picture.shape[:2]
        sheet.paste(Image.fromarray(picture), (left + (side - width) // 2, top + (side - height) // 2))
    draw.text((left, top + side + 6), _shortened(tile.title, _font(15), side), INK, _font(15))
    draw.text((left, top + side + 27), _shortened(tile.note, _font(13), side), MUTED, _font(13))


@lru_cache(maxsize=CACHED_TILES)
def _fitted(path: Path, side: int) -> RGB | None:
    """The whole picture, as large as fits in side x side pixels; None where it cannot be read."""
    try:
        rgb = images.decode(path.read_bytes(), min_side=side)
    except (OSError, ImageError):
        return None
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    return images.resize(rgb, max(1, round(height * scale)), max(1, round(width * scale)))


@lru_cache
def _font(size: int) -> Font:
    for name in FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:  # it is not installed
            continue
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf", size)


def _shortened(text: str, font: Font, width: int) -> str:
    """At most `width` pixels of a text: where it is longer, the middle gives way, for names differ at their ends."""
    # Names may hold bytes that are no text, and characters that would break the line.
    printable = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    length, short = len(printable), printable
    while font.getlength(short) > width:
        length -= 1
        short = f"{printable[: length // 2]}…{printable[len(printable) - (length - length // 2) :]}"
    return short
