"""What the search for copies costs a picture where many pictures look alike: a turntable, a shop, real clothes."""

import io
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from PIL import Image

from benchmarks.setup import WORK, pictures, publish, table
from retrieval.duplicates import same_picture_pairs, sketch
from trainer.sources import pottery
from trainer.sources.pottery.picture import photograph

PIECES, VIEWS, SIDE = 12, 40, 160
MAX_PICTURES = 500
HEADER = "pictures | files | CPU per picture | copies planted | of them seen"


def main() -> None:
    """The same recompressed copies are planted in each set; the time is that of sketches and comparisons."""
    sets: dict[str, Callable[[], Sequence[bytes]]] = {
        "pottery on a turntable": turntable,
        "pottery, 40 views of a piece": shop,
        "clothing": lambda: folder("clothing"),
        "grocery": lambda: folder("grocery"),
    }
    publish("copies", table(HEADER, [measure(name, read()) for name, read in sets.items()]))


def measure(name: str, files: Sequence[bytes]) -> tuple[str, ...]:
    """One row of the table. CPU seconds of all threads, so that other work on the machine weighs little."""
    copied = range(0, len(files), 10)
    everything = [*files, *(recompressed(files[row]) for row in copied)]
    start = time.process_time()
    pairs = set(same_picture_pairs([sketch(data) for data in everything], lambda row: everything[row]))
    milliseconds = (time.process_time() - start) / len(everything) * 1000
    recognised = sum((row, len(files) + number) in pairs for number, row in enumerate(copied))
    return name, f"{len(everything):,}", f"{milliseconds:.1f} ms", str(len(copied)), str(recognised)


def recompressed(data: bytes) -> bytes:
    """The same picture at a quality of 60."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(data)).convert("RGB").save(buffer, "JPEG", quality=60)
    return buffer.getvalue()


def turntable() -> list[bytes]:
    """Pieces that turn on their table, in the same light on the same ground."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        return list(pool.map(_view, [(piece, view) for piece in range(PIECES) for view in range(VIEWS)]))


def _view(number: tuple[int, int]) -> bytes:
    piece, view = number
    photo = pottery.plan(PIECES, 1)[piece]
    turned = 2 * np.pi * view / VIEWS
    buffer = io.BytesIO()
    rgb = photograph(photo.piece.form, photo.piece.glaze, photo.seed, SIDE, turned=turned)
    Image.fromarray(rgb).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def shop() -> list[bytes]:
    """As many photographs of each piece, each in its own light and on its own ground."""
    place = WORK / f"pottery-{VIEWS}-views"
    pottery.make(place, pieces=PIECES, photos=VIEWS, size=SIDE)
    return [path.read_bytes() for path in sorted(place.rglob("*.jpg"))]


def folder(name: str) -> list[bytes]:
    """Pictures from all parts of a real data set."""
    paths = sorted(path for path in pictures(name).rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    return [path.read_bytes() for path in paths[:: max(1, len(paths) // MAX_PICTURES)]]
