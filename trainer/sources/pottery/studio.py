"""A day in the studio: every photograph of the shop rendered into a folder, and the CSV that lists them."""

import csv
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

from PIL import Image

from retrieval.durable import write_atomically
from trainer.sources.pottery.shop import Photo, plan, render

COLUMNS = ("path", "label", "shape", "glaze", "colour")
JPEG_QUALITY = 90


def make(
    folder: Path,
    *,
    pieces: int = 60,
    photos: int = 20,
    size: int = 288,
    seed: int = 0,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Renders the shop into `folder` and returns its CSV, `pottery.csv`, which is written last.

    Photographs that are there already are kept, so a run that was interrupted goes on where it stopped; a folder
    belongs to one set of arguments. `progress` is told how many of how many photographs are there.
    """
    listing = plan(pieces, photos, seed)
    missing = [photo for photo in listing if not (folder / photo.path).exists()]
    for place in {(folder / photo.path).parent for photo in missing} | {folder}:
        place.mkdir(parents=True, exist_ok=True)
    done = len(listing) - len(missing)
    # Fresh interpreters: what the parent has loaded (TensorFlow, threads) does not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        # A chunk is about one piece, whose tables a worker then computes once.
        for _ in pool.map(_take, repeat(folder), missing, repeat(size), chunksize=photos):
            done += 1
            if progress is not None:
                progress(done, len(listing))
    with write_atomically(folder / "pottery.csv", durable=False) as draft:
        _write_table(listing, draft)
    return folder / "pottery.csv"


def _take(folder: Path, photo: Photo, size: int) -> None:
    """Renders one photograph into the folder."""
    picture = Image.fromarray(render(photo, size))
    with write_atomically(folder / photo.path, durable=False) as draft:
        picture.save(draft, "JPEG", quality=JPEG_QUALITY)


def _write_table(listing: list[Photo], file: Path) -> None:
    with file.open("w", encoding="utf-8", newline="") as table:
        rows = csv.writer(table)
        rows.writerow(COLUMNS)
        rows.writerows([getattr(photo, column) for column in COLUMNS] for photo in listing)
