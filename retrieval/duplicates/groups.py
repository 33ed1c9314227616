"""Groups of duplicates, and which member of each is worth keeping."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from retrieval.duplicates.sketch import Sketch


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of the pictures that are one, ascending; the one to keep, and why in words."""

    members: tuple[int, ...]
    keep: int
    why: str


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Three tiers, each holding what the one before does not tell: groups in order of their first member.

    A group of a later tier lists the members of the earlier ones, too.
    """

    identical: tuple[Group, ...]
    same_picture: tuple[Group, ...]
    same_thing: tuple[Group, ...]


def connected_groups(count: int, pairs: Iterable[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Which of `count` rows the pairs connect, directly or through others: groups of two and more, ascending."""
    parent = list(range(count))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]  # halves the way for whoever comes next
            row = parent[row]
        return row

    for first, second in pairs:
        one, other = sorted((root(first), root(second)))
        parent[other] = one
    members: dict[int, list[int]] = defaultdict(list)
    for row in range(count):
        members[root(row)].append(row)
    return [tuple(rows) for rows in members.values() if len(rows) > 1]


def group(members: tuple[int, ...], sketches: Sequence[Sketch]) -> Group:
    """The member with the most pixels; of those the sharpest; of those the largest file; of those the first."""

    def rank(row: int) -> tuple[int, float, int]:
        entry = sketches[row]
        return entry.width * entry.height, entry.sharpness, entry.size

    keep = max(members, key=lambda row: (*rank(row), -row))
    return Group(members, keep, _why(keep, members, sketches))


def _why(keep: int, members: tuple[int, ...], sketches: Sequence[Sketch]) -> str:
    best = sketches[keep]
    others = [sketches[row] for row in members if row != keep]
    pixels = best.width * best.height
    if all(entry.sha256 == best.sha256 for entry in others):
        return "all are the same file; this is the first"
    size = f"{best.width} x {best.height} pixels"
    rivals = [entry for entry in others if entry.width * entry.height == pixels]
    if not rivals:
        return f"the most pixels ({size})"
    rivals = [entry for entry in rivals if entry.sharpness == best.sharpness]
    if not rivals:
        return f"the sharpest of those with the most pixels ({size})"
    if all(entry.size < best.size for entry in rivals):
        return f"the largest file of those with the most pixels ({size}) and as sharp"
    return f"the first of those with the most pixels ({size}), as sharp and as large"
