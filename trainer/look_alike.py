"""Files that show the same picture, whatever their bytes: what an evaluation looks for in its two halves."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from retrieval.duplicates import Sketch, same_picture_pairs, sketch
from retrieval.errors import ImageError

READERS = 2  # threads that read and decode


def look_alike(paths: Sequence[Path]) -> list[tuple[int, int]]:
    """Pairs of places in `paths` that show the same picture. A file that cannot be read is like no other."""

    def look(path: Path) -> Sketch | None:
        try:
            return sketch(path.read_bytes())
        except (ImageError, OSError):
            return None

    with ThreadPoolExecutor(READERS) as pool:
        found = list(pool.map(look, paths))
    places = [place for place, one in enumerate(found) if one is not None]
    sketches = [one for one in found if one is not None]
    pairs = same_picture_pairs(sketches, lambda row: paths[places[row]].read_bytes())
    return [(places[first], places[second]) for first, second in pairs]
