"""Pictures small enough to stand in a page by the thousand, as data: addresses."""

from base64 import b64encode
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from retrieval import images
from retrieval.errors import ImageError
from trainer.progress import Progress

CARD = 88  # pixels, the longer side of a picture in a list
DOT = 48  # of a picture that is shown for a dot of the map
LOADERS = 2  # threads that read and decode
KEPT = 4096  # thumbnails remembered, as the same picture stands in several lists: about 3 KB each


@lru_cache(KEPT)
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
    wanted, found = list(paths), []
    with ThreadPoolExecutor(LOADERS) as pool:
        for done, small in enumerate(pool.map(lambda path: thumbnail(path, side), wanted), start=1):
            found.append(small)
            progress(done, len(wanted))
    return found
