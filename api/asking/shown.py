"""What the pages of a search have shown so far, so that the next one begins where they ended.

By one metric, without groups, that is a place: an item's distance to the query never changes, so what comes after the
last hit is what has not been shown, whatever is added, changed or deleted meanwhile. Ranks by `fused` depend on all
other items, and the best of a group on its others: there, what was shown is remembered itself, as a few bytes for each
hit. So no item that stays comes twice or is left out, and the cursor needs no version of the catalogue.
"""

import base64
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from hashlib import blake2b

MARK_BYTES = 6
MOST_MARKS = 300
"""Hits that are remembered: more would not fit into a link. Beyond them, the place alone must do."""

Place = tuple[float, str]
"""A hit's place among all: what it is ranked by, smaller first, and its id."""

BEFORE_ALL: Place = (-2.0, "")
"""Before the best hit by any metric: with it, a cursor is the link to a whole search."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The hits up to a place."""

    place: Place = BEFORE_ALL
    count: int = 0
    marks: tuple[bytes, ...] = ()
    """Those of the first hits, where they are needed."""

    def leaves(self, place: Place, mark: bytes | None) -> bool:
        """Whether a hit at this place has not been shown; `mark` is None where places are kept."""
        if mark is None:
            return place > self.place
        return mark not in self.marks and (self.count <= len(self.marks) or place > self.place)

    def and_then(self, place: Place, count: int, marks: Iterable[bytes | None]) -> "Shown":
        """After so many further hits, which end at a place."""
        known = [*self.marks, *(mark for mark in marks if mark is not None)]
        return Shown(place, self.count + count, tuple(known[:MOST_MARKS]))


def mark_of(what: object) -> bytes:
    """A few bytes that tell a hit or a group from all others; `what` says by its repr() which one it is."""
    return blake2b(repr(what).encode(), digest_size=MARK_BYTES).digest()


def packed(marks: Collection[bytes]) -> str:
    """Marks as text."""
    return base64.b64encode(b"".join(marks)).decode()


def unpacked(text: str) -> tuple[bytes, ...]:
    """What `packed` wrote. Raises ValueError or TypeError for anything else."""
    data = base64.b64decode(text, validate=True)
    if len(data) % MARK_BYTES or len(data) > MOST_MARKS * MARK_BYTES:
        raise ValueError("not marks")
    return tuple(data[start : start + MARK_BYTES] for start in range(0, len(data), MARK_BYTES))
