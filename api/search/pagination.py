"""Where a page ended: what the link to the next one carries, so that no page needs the picture again.

The bundle is in it, so that all pages of a search are that bundle's, and what was shown (see there), so that they are
whole while the catalogue changes.
"""

import base64
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Self

import numpy as np

from api.errors import Refusal
from api.links import link, read_cursor, write_cursor
from api.schemas.search.request import JSON_FIELDS, Options, links_of
from retrieval.clusters import Vectors
from retrieval.text import unprintable
from retrieval.vectors.base import comparable

MARK_BYTES = 6
MAX_MARKS = 300
"""Hits that are remembered: more would not fit into a link. Beyond them, the place alone must do."""

Place = tuple[float, str]
"""A hit's place among all: what it is ranked by, smaller first, and its id."""

BEFORE_ALL: Place = (-2.0, "")
"""Before the best hit by any metric: with it, a cursor is the link to a whole search."""


@dataclass(frozen=True, slots=True)
class PageState:
    """The hits up to a place."""

    place: Place = BEFORE_ALL
    count: int = 0
    marks: tuple[bytes, ...] = ()
    """Those of the first hits, where they are needed."""

    def is_new(self, place: Place, mark: bytes | None) -> bool:
        """Whether a hit at this place has not been shown; `mark` is None where places are kept."""
        if mark is None:
            return place > self.place
        return mark not in self.marks and (self.count <= len(self.marks) or place > self.place)

    def advance(self, place: Place, count: int, marks: Iterable[bytes | None]) -> "PageState":
        """After so many further hits, which end at a place."""
        all_marks = [*self.marks, *(mark for mark in marks if mark is not None)]
        return PageState(place, self.count + count, tuple(all_marks[:MAX_MARKS]))


def mark_of(what: object) -> bytes:
    """A few bytes that tell a hit or a group from all others; `what` says by its repr() which one it is."""
    return blake2b(repr(what).encode(), digest_size=MARK_BYTES).digest()


def encode_marks(marks: Collection[bytes]) -> str:
    """Marks as text."""
    return base64.b64encode(b"".join(marks)).decode()


def decode_marks(text: str) -> tuple[bytes, ...]:
    """What `packed` wrote. Raises ValueError or TypeError for anything else."""
    data = base64.b64decode(text, validate=True)
    if len(data) % MARK_BYTES or len(data) > MAX_MARKS * MARK_BYTES:
        raise ValueError("not marks")
    return tuple(data[start : start + MARK_BYTES] for start in range(0, len(data), MARK_BYTES))


MAX_COUNT = 1_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Cursor:
    """The end of a page of a search with `query`, by this metric, under this bundle."""

    bundle: str
    metric: str
    query: Vectors
    state: PageState
    query_ids: tuple[str, ...]
    """The items searched with, which are left out."""

    def text(self) -> str:
        """Itself in a few characters that need no escape in a link."""
        query = base64.b64encode(self.query.astype("<f4").tobytes()).decode()
        state = self.state
        ids, marks = list(self.query_ids), encode_marks(state.marks)
        fields = [self.bundle, self.metric, query, *state.place, state.count, ids, marks]
        return write_cursor(fields)

    @classmethod
    def read(cls, text: str) -> Self:
        """What `text` wrote. Raises Refusal for anything else, and for what is not stored any more."""
        try:
            return cls._of(*read_cursor(text))
        except (ValueError, TypeError) as error:
            raise Refusal("invalid_parameter", "cursor: not one that this server wrote; search again.") from error

    def check(self, *, dims: int, metric: str) -> None:
        """Raises Refusal for a page of another search than one by this metric, in so many dims.

        Before the first hit, no place is taken yet, and so any metric may be asked for.
        """
        if (self.state.count and self.metric != metric) or len(self.query) != dims:
            raise Refusal("invalid_parameter", "cursor: of another search; follow the link `next` as it is.")

    @classmethod
    def _of(
        cls, bundle: Any, metric: Any, query: Any, key: Any, last: Any, count: Any, query_ids: Any, marks: Any
    ) -> Self:
        vector = np.frombuffer(base64.b64decode(query, validate=True), "<f4").astype(np.float32)
        texts = (bundle, metric, last, *query_ids)
        if (
            not all(isinstance(text, str) and not unprintable(text) for text in texts)  # as all ids are
            or not isinstance(count, int)
            or not 0 <= count < MAX_COUNT
        ):
            raise ValueError("not a cursor")
        if not isinstance(key, float) or not np.isfinite(key) or not comparable(vector):
            raise ValueError("not a place")
        return cls(bundle, metric, vector, PageState((key, last), count, decode_marks(marks)), tuple(query_ids))


def search_link_at(options: Options, cursor: str) -> str:
    """The link to what of a search with these options comes after a cursor."""
    fields = {
        name: json.dumps(value, ensure_ascii=False) if name in JSON_FIELDS else value
        for name, value in links_of(options).items()
    }
    return link("/search", fields | {"cursor": cursor})
