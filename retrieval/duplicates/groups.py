"""Groups of duplicates, and which member of each is worth keeping."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from retrieval.duplicates.keeping import ItemFacts, Reason, best_member
from retrieval.duplicates.sketch import Sketch


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of the pictures that are one, ascending; the one to keep, and why: in words, and as codes."""

    members: tuple[int, ...]
    keep: int
    why: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Three tiers, each holding what the one before does not tell: groups in order of their first member.

    A group of a later tier lists the members of the earlier ones, too.
    """

    identical: tuple[Group, ...]
    same_picture: tuple[Group, ...]
    same_thing: tuple[Group, ...]


class Groups:
    """Rows that are connected, directly or through others (Tarjan 1975, "Efficiency of a Good But Not Linear Set Union
    Algorithm")."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def root(self, row: int) -> int:
        """The row that stands for all that are connected with this one: the smallest."""
        parent = self._parent
        while parent[row] != row:
            parent[row] = parent[parent[row]]  # halves the way for whoever comes next
            row = parent[row]
        return row

    def connect(self, first: int, second: int) -> None:
        """Make one group of the groups of two rows."""
        one, other = sorted((self.root(first), self.root(second)))
        self._parent[other] = one


def connected_groups(count: int, pairs: Iterable[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Which of `count` rows the pairs connect, directly or through others: groups of two and more, ascending."""
    groups = Groups(count)
    for first, second in pairs:
        groups.connect(first, second)
    members: dict[int, list[int]] = defaultdict(list)
    for row in range(count):
        members[groups.root(row)].append(row)
    return [tuple(rows) for rows in members.values() if len(rows) > 1]


def group(
    members: tuple[int, ...], sketches: Sequence[Sketch], item_facts: Mapping[int, ItemFacts] | None = None
) -> Group:
    """The members with the one to keep; `known`, by row, says more of them than their files do."""
    return Group(members, *best_member(members, sketches, item_facts))
