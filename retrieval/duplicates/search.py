"""The search itself: sketches in, groups or leaks out."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain, pairwise
from typing import Literal

import numpy as np

from retrieval import images
from retrieval.duplicates.alignment import FINE_SIDE, same_picture, window_of
from retrieval.duplicates.candidates import Candidate, candidates
from retrieval.duplicates.groups import Duplicates, Groups, connected_groups, group
from retrieval.duplicates.keeping import ItemFacts, turns
from retrieval.duplicates.placement import Placed, ladder, place
from retrieval.duplicates.same_thing import CalibratedVectors, same_thing_pairs, star_groups
from retrieval.duplicates.sketch import Sketch, squashed
from retrieval.errors import ImageError
from retrieval.images import RGB

REMEMBERED = 2048  # pictures of FINE_SIDE kept while candidates are compared: 100 MB
CHUNK = 4096  # candidates whose places are held at once
ALWAYS = 4  # others that a picture is compared with in any case: those that it resembles most
MAX_VAIN = 6  # comparisons with others that it only resembles, before those that it resembles less are left out

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
    item_facts: Mapping[int, ItemFacts] | None = None,
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
        *(tuple(group(rows, turned, item_facts) for rows in tier) for tier in (identical, several, thing_groups))
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

    Of several identical files, the first stands for all. Pixels are compared while two candidates are not connected
    by copies of copies: then they are a pair without being looked at.
    """
    first_of: dict[str, int] = {}
    for row, sketch in enumerate(sketches):
        first_of.setdefault(sketch.sha256, row)
    rows = list(first_of.values())
    distinct = [sketches[row] for row in rows]
    compare = _Comparison(lambda position: read(rows[position]))
    proposed = candidates(distinct, lambda done: progress(done, len(distinct)))
    promising: list[Placed] = []
    for start in range(0, len(proposed), CHUNK):
        promising += _promising(distinct, proposed[start : start + CHUNK])
    pairs: set[Pair] = set()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rounds = _Rounds(len(distinct), promising, lambda batch: pool.map(compare, batch))
        for start in range(0, len(promising), CHUNK):
            pairs |= rounds.pairs(promising[start : start + CHUNK])
            progress(min(start + CHUNK, len(promising)), len(promising))
    return sorted((rows[first], rows[second]) for first, second in pairs)


def _promising(sketches: Sequence[Sketch], proposed: Sequence[Candidate]) -> list[Placed]:
    """Those candidates whose sketches fit, the most alike first."""
    rows = sorted({row for candidate in proposed for row in candidate[:2]})
    number = {row: position for position, row in enumerate(rows)}
    pictures = ladder([sketches[row].small for row in rows])
    placed = place(pictures, [(number[first], number[second], flip) for first, second, flip in proposed])
    ours = [replace(entry, first=rows[entry.first], second=rows[entry.second]) for entry in placed]
    return sorted(ours, key=lambda entry: -entry.explained)


class _Rounds:
    """Compares pixels in rounds, each group of copies at most once in a round: what a round connects is known then.

    So a thousand copies of one picture take about a thousand comparisons. A picture that resembles many others without
    being one of them is compared with the ALWAYS that it resembles most, and with others until MAX_VAIN were in vain.
    """

    def __init__(
        self, count: int, placed: Sequence[Placed], compare: Callable[[Sequence[Placed]], Iterable[bool]]
    ) -> None:
        self._groups = Groups(count)
        self._vain = [0] * count
        self._compare = compare
        best: dict[int, list[float]] = defaultdict(list)
        for entry in placed:
            for row in (entry.first, entry.second):
                best[row] = sorted([*best[row], entry.explained], reverse=True)[:ALWAYS]
        self._enough = {row: shares[-1] for row, shares in best.items()}

    def _worth_it(self, entry: Placed) -> bool:
        if entry.explained >= min(self._enough[entry.first], self._enough[entry.second]):
            return True
        return min(self._vain[entry.first], self._vain[entry.second]) < MAX_VAIN

    def pairs(self, placed: Sequence[Placed]) -> set[Pair]:
        """Those of the candidates, the most alike first, that show the same picture."""
        pairs: set[Pair] = set()
        while placed:
            busy: set[int] = set()
            batch, later = [], []
            for entry in placed:
                first, second = entry.first, entry.second
                ends = {self._groups.root(first), self._groups.root(second)}
                if len(ends) == 1:
                    pairs.add((first, second))
                elif not self._worth_it(entry):
                    continue
                elif busy.isdisjoint(ends):
                    busy |= ends
                    batch.append(entry)
                else:
                    later.append(entry)
            for entry, same in zip(batch, self._compare(batch), strict=True):
                if same:
                    self._groups.connect(entry.first, entry.second)
                    pairs.add((entry.first, entry.second))
                else:
                    self._vain[entry.first] += 1
                    self._vain[entry.second] += 1
            placed = later
        return pairs


class _Comparison:
    """Compares candidates by their pixels; remembers the pictures last read."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._picture = lru_cache(REMEMBERED)(self._read_small)  # safe to share among threads

    def __call__(self, placed: Placed) -> bool:
        ours, theirs = self._picture(placed.first), self._picture(placed.second)
        if ours is None or theirs is None:
            return False
        return same_picture(ours, theirs, placed.flip, window_of(placed.place))

    def _read_small(self, row: int) -> RGB | None:
        try:
            return squashed(images.decode(self._read(row), min_side=FINE_SIDE), FINE_SIDE)
        except (OSError, ImageError):
            return None
