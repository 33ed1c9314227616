"""The same picture among the queries and in the gallery: a match that says nothing about the model.

Such a copy is left out of the query's answer, and reported. A query that lies in the gallery itself is left out, too,
but that is no leak: it is how to leave one out.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from retrieval.duplicates import Sketch, same_picture_pairs, sketch
from retrieval.errors import ImageError
from trainer.evaluation.results import Leak
from trainer.progress import Progress
from trainer.threads import map_ahead


@contextmanager
def _unseen(_title: str) -> Iterator[Progress]:
    yield lambda _done, _total: None


def look_alike(
    paths: Sequence[Path], step: Callable[[str], AbstractContextManager[Progress]] = _unseen
) -> list[tuple[int, int]]:
    """Pairs of places in `paths` that show the same picture. A file that cannot be read is like no other.

    `step` is told of two steps: reading the pictures, and comparing them.
    """

    def sketch_file(path: Path) -> Sketch | None:
        try:
            return sketch(path.read_bytes())
        except (ImageError, OSError):
            return None

    sketches_or_none = []
    with step("Reading for copies") as progress:
        for sketch_or_none in map_ahead(sketch_file, paths):
            sketches_or_none.append(sketch_or_none)
            progress(len(sketches_or_none), len(paths))
    places = [place for place, one in enumerate(sketches_or_none) if one is not None]
    sketches = [one for one in sketches_or_none if one is not None]
    with step("Looking for copies") as progress:
        pairs = same_picture_pairs(sketches, lambda row: paths[places[row]].read_bytes(), progress)
    return [(places[first], places[second]) for first, second in pairs]


SamePicture: TypeAlias = Callable[[Sequence[Path]], Iterable[tuple[int, int]]]
"""Files of pictures, no two with the same bytes, to the pairs of places in that list that show the same picture."""

Alike: TypeAlias = Mapping[str, Sequence[str]]
"""The SHA-256 of a file to those of other files that show the same picture."""


@dataclass(frozen=True, slots=True)
class Files:
    """Pictures by their files: where each lies, and the SHA-256 of its bytes."""

    paths: Sequence[Path]
    digests: Sequence[str]


def find_alike(several: Sequence[Files], same_picture: SamePicture | None) -> Alike:
    """Which files are not the same, but show the same picture; each content is looked at once."""
    if same_picture is None:
        return {}
    places = {digest: path for files in several for digest, path in zip(files.digests, files.paths, strict=True)}
    digests = list(places)
    alike: dict[str, list[str]] = defaultdict(list)
    for one, other in same_picture(list(places.values())):
        alike[digests[one]].append(digests[other])
        alike[digests[other]].append(digests[one])
    return alike


def left_out(queries: Files, gallery: Files, alike: Alike) -> tuple[NDArray[np.int64], tuple[Leak, ...]]:
    """The gallery rows that are no answer to a query, int64 [q, t], -1 for none; and the leaks among them.

    Those rows are the query's own file, files of the same bytes, and files of the same picture.
    """
    rows: dict[str, list[int]] = defaultdict(list)
    for row, digest in enumerate(gallery.digests):
        rows[digest].append(row)
    own: list[list[int]] = []
    leaks: list[Leak] = []
    for path, digest in zip(queries.paths, queries.digests, strict=True):
        identical = rows.get(digest, [])
        similar = [row for other in alike.get(digest, ()) for row in rows.get(other, [])]
        own.append([*identical, *similar])
        leaks += [
            Leak(str(path), str(gallery.paths[row]), "identical") for row in identical if gallery.paths[row] != path
        ]
        leaks += [Leak(str(path), str(gallery.paths[row]), "same picture") for row in similar]
    width = max(map(len, own), default=0)
    padded = [rows_of_query + [-1] * (width - len(rows_of_query)) for rows_of_query in own]
    return np.array(padded, np.int64).reshape(len(own), width), tuple(leaks)
