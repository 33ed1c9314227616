"""Whether the pictures of a source are all one and the same file, so that there is nothing to learn from them."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from trainer.sources.base import Picture

PIECE_BYTES = 1 << 20


def all_one_file(pictures: Sequence[Picture]) -> bool:
    """Whether there are several pictures, and each is a copy of the first, byte by byte.

    No more is read than it takes to see a difference: in most sources, the sizes of two files.
    """
    paths = list(dict.fromkeys(picture.path for picture in pictures))
    try:
        size = paths[0].stat().st_size if len(paths) > 1 else 0
        if not size or any(path.stat().st_size != size for path in paths):
            return False
        return all(_same(first, second) for first, second in pairwise(paths))
    except OSError:  # told when the pictures are read
        return False


def _same(first: Path, second: Path) -> bool:
    with first.open("rb") as one, second.open("rb") as other:
        while piece := one.read(PIECE_BYTES):
            if piece != other.read(PIECE_BYTES):
                return False
    return True
