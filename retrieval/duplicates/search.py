"""The search itself: sketches in, groups or leaks out."""

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain, pairwise
from typing import Literal

import numpy as np

from retrieval import images
from retrieval.duplicates.alignment import FINE_SIDE, coarse, same_picture
from retrieval.duplicates.candidates import Candidate, candidates
from retrieval.duplicates.groups import Duplicates, connected_groups, group
from retrieval.duplicates.keeping import Known, turns
from retrieval.duplicates.same_thing import CalibratedVectors, same_thing_pairs, star_groups
from retrieval.duplicates.sketch import Sketch, squashed
from retrieval.errors import ImageError
from retrieval.images import RGB

REMEMBERED = 2048  # pictures of FINE_SIDE kept while candidates are compared: 100 MB
CHUNK = 512  # candidates shared out among the threads at once

Pair = tuple[int, int]
Kind = Literal["identical", "same picture"]
Read = Callable[[int], bytes]
"""The file of a row, read again. An OSError or ImageError leaves the picture out: it has gone since it was sketched."""
Progress = Callable[[int, int], None]
"""Called with how many pictures or candidates are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Leak:
    """A held-out row that is also among the others."""

    held_out: int
    other: int
    kind: Kind


def find(
    sketches: Sequence[Sketch],
    same: Sequence[Pair],
    *,
    calibrated: CalibratedVectors | None = None,
    known: Mapping[int, Known] | None = None,
) -> Duplicates:
    """All three tiers, from `same_picture_pairs`; the third where there are vectors and a calibration to go by.

    `known`, by row, helps to say which member of a group to keep.
    """
    identical = identical_groups(sketches)
    copies = list(chain.from_iterable(pairwise(rows) for rows in identical))
    pictures = connected_groups(len(sketches), chain(copies, same))
    several = [rows for rows in pictures if len({sketches[row].sha256 for row in rows}) > 1]
    turned = list(sketches)
    for rows in several:
        for row, turn in turns(rows, sketches).items():
            turned[row] = replace(sketches[row], turn=turn)
    # One picture stands for all that are the same one, so that copies do not vouch for each other.
    stands = {row: rows[0] for rows in pictures for row in rows}
    similar = {(stands.get(a, a), stands.get(b, b)) for a, b in (same_thing_pairs(calibrated) if calibrated else ())}
    stars = star_groups(sorted({(min(pair), max(pair)) for pair in similar if pair[0] != pair[1]}))
    copies_of = {rows[0]: rows for rows in pictures}
    thing_groups = [tuple(sorted(chain.from_iterable(copies_of.get(row, (row,)) for row in rows))) for rows in stars]
    return Duplicates(
        *(tuple(group(rows, turned, known) for rows in tier) for tier in (identical, several, thing_groups))
    )


def leaks(sketches: Sequence[Sketch], held_out: Sequence[bool], same: Sequence[Pair]) -> list[Leak]:
    """The held-out rows (True) that are also among the others, each once: with an identical file where there is one.

    `same` as `same_picture_pairs` gives it.
    """
    other_of: dict[str, int] = {}
    for row, sketch in enumerate(sketches):
        if not held_out[row]:
            other_of.setdefault(sketch.sha256, row)
    # By content: what is true of one file is true of its copies, wherever they are.
    copies: dict[str, list[str]] = defaultdict(list)
    for pair in same:
        first, second = (sketches[row].sha256 for row in pair)
        copies[first].append(second)
        copies[second].append(first)
    leaked = []
    for row in np.flatnonzero(held_out).tolist():
        content = sketches[row].sha256
        if content in other_of:
            leaked.append(Leak(row, other_of[content], "identical"))
        elif others := [other_of[copy] for copy in copies[content] if copy in other_of]:
            leaked.append(Leak(row, min(others), "same picture"))
    return leaked


def identical_groups(sketches: Sequence[Sketch]) -> list[tuple[int, ...]]:
    """Rows whose files are the same, byte for byte."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, sketch in enumerate(sketches):
        rows[sketch.sha256].append(row)
    return [tuple(members) for members in rows.values() if len(members) > 1]


def same_picture_pairs(
    sketches: Sequence[Sketch], read: Read, progress: Progress = lambda _done, _of: None
) -> list[Pair]:
    """Pairs of rows, the smaller first, that show the same picture in two different files.

    Of several identical files, the first stands for all.
    """
    first_of: dict[str, int] = {}
    for row, sketch in enumerate(sketches):
        first_of.setdefault(sketch.sha256, row)
    rows = list(first_of.values())
    distinct = [sketches[row] for row in rows]
    compare = _Comparison(distinct, lambda place: read(rows[place]))
    proposed = candidates(distinct, lambda done: progress(done, len(distinct)))
    pairs: set[Pair] = set()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(proposed), CHUNK):
            chunk = proposed[start : start + CHUNK]
            for (first, second, _), same in zip(chunk, pool.map(compare, chunk), strict=True):
                if same:
                    pairs.add((rows[first], rows[second]))
            progress(start + len(chunk), len(proposed))
    return sorted(pairs)


class _Comparison:
    """Compares candidates, first by their sketches; remembers the pictures last read for those that pass."""

    def __init__(self, sketches: Sequence[Sketch], read: Read) -> None:
        self._sketches = sketches
        self._read = read
        self._picture = lru_cache(REMEMBERED)(self._read_small)  # safe to share among threads

    def __call__(self, candidate: Candidate) -> bool:
        first, second, flip = candidate
        window = coarse(self._sketches[first].small, self._sketches[second].small, flip)
        if window is None:
            return False
        ours, theirs = self._picture(first), self._picture(second)
        return ours is not None and theirs is not None and same_picture(ours, theirs, flip, window)

    def _read_small(self, row: int) -> RGB | None:
        try:
            return squashed(images.decode(self._read(row), min_side=FINE_SIDE), FINE_SIDE)
        except (OSError, ImageError):
            return None
