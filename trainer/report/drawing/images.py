"""Pictures small enough to stand in a page by the thousand, as data: addresses."""

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from retrieval import images
from retrieval.errors import ImageError
from retrieval.images import inspect
from trainer.progress import Progress
from trainer.threads import map_ahead

CARD = 88  # pixels, the longer side of a picture in a list
DOT = 48  # of a picture that is shown for a dot of the map
CACHED = 4096  # thumbnails remembered, as the same picture stands in several lists: about 3 KB each


@lru_cache(CACHED)
def thumbnail(path: Path, side: int = CARD) -> str | None:
    """The picture as a data: address of at most side x side pixels; None where it cannot be read any more."""
    try:
        small = images.thumbnail(path.read_bytes(), side)
    except (OSError, ImageError):
        return None
    return address(small)


def address(webp: bytes) -> str:
    """A WebP file as an address that needs no network."""
    return f"data:image/webp;base64,{b64encode(webp).decode()}"


def thumbnails(paths: Iterable[Path], side: int, progress: Progress) -> list[str | None]:
    """Thumbnails of many pictures, in order."""
    files, small_pictures = list(paths), []
    for done, small in enumerate(map_ahead(lambda path: thumbnail(path, side), files), start=1):
        small_pictures.append(small)
        progress(done, len(files))
    return small_pictures


NAME = re.compile(r"autoencoder-epoch-(\d+)\.webp")
MAX_SHEETS = 4  # sheets shown: the first, the last, and some between
MAX_BYTES = 500_000  # of one sheet


@dataclass(frozen=True, slots=True)
class Sheet:
    """One epoch's sheet as a data: address."""

    epoch: int
    picture: str


def sheets(folder: Path | None) -> Sequence[Sheet]:
    """The sheets of a few epochs, first and last among them. What is no picture, or a huge one, is left out."""
    if folder is None or not folder.is_dir():
        return []
    by_number = {int(match[1]): path for path in folder.iterdir() if (match := NAME.fullmatch(path.name))}
    epochs = sorted(by_number)
    last = len(epochs) - 1
    steps = max(1, min(MAX_SHEETS - 1, last))
    selected = sorted({epochs[round(step * last / steps)] for step in range(steps + 1)}) if epochs else []
    read = [(epoch, _read(by_number[epoch])) for epoch in selected]
    return [Sheet(epoch, address(data)) for epoch, data in read if data is not None]


def _read(path: Path) -> bytes | None:
    try:
        data = path.read_bytes()
        fine = len(data) <= MAX_BYTES and inspect(data).format == "WebP"
    except (OSError, ImageError):
        return None
    return data if fine else None
