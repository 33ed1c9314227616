"""POST and GET /search with words instead of a picture, and GET /suggest. Blocking: to be run in the pool."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any, Self

from api.errors import Refusal
from api.links import read_cursor, write_cursor
from api.schemas.search.answer import Hit, Milliseconds, NearWords, SearchAnswer, item_fields
from api.schemas.search.request import SearchBody
from api.schemas.search.words import SuggestAnswer, Suggestion
from api.search.pagination import search_link_at
from api.serving.bundles import report_of
from api.serving.snapshot import Served, Snapshot
from retrieval.catalogue import Item, WordPlace
from retrieval.filters import EVERYTHING
from retrieval.text import unprintable
from retrieval.words import MAX_WORDS, words_of

OF_PICTURES = (
    "crop",
    "face",
    "metric",
    "probes",
    "expand",
    "group_by",
    "min_score",
    "min_precision",
    "include_query",
)
"""What only a search with vectors can take into account."""
ONLY_PICTURES = "{name}: only a search with a picture or an item has it; leave it out of a search with text."
NOT_OURS = "cursor: not one that this server wrote; search again."
FIRST = (False, 0)
KIND = "words"
SCORE, BEGINNING_SCORE = 1.0, 0.5
MAX_NEAR = 5
MAX_COUNT = 1_000_000_000
MAX_NUMBER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class WordCursor:
    """The end of a page of a search for words."""

    text: str
    place: WordPlace = FIRST
    count: int = 0

    def write(self) -> str:
        """Itself in a few characters."""
        return write_cursor([KIND, self.text, *self.place, self.count])

    @classmethod
    def read(cls, cursor: str) -> Self | None:
        """What `write` wrote; None for the cursor of another kind of search, or what is none. Raises Refusal."""
        try:
            content: Any = read_cursor(cursor)
        except (ValueError, TypeError):
            return None  # which the other kind refuses
        if not isinstance(content, list) or content[:1] != [KIND]:
            return None
        match content:
            case [_, str() as text, bool() as beginning, int() as number, int() as count] if (
                not unprintable(text)
                and 0 < len(words_of(text)) <= MAX_WORDS
                and 0 <= number < MAX_NUMBER
                and 0 <= count < MAX_COUNT
            ):
                return cls(text, (beginning, number), count)
        raise Refusal("invalid_parameter", NOT_OURS)


def cursor_of(body: SearchBody) -> WordCursor | None:
    """Where a search for words begins; None for another search. Raises Refusal."""
    if body.text is not None:
        return WordCursor(body.text)
    return None if body.cursor is None else WordCursor.read(body.cursor)


def search(served: Served, body: SearchBody, begin: WordCursor, *, started: float) -> SearchAnswer:
    """The items that have all words, whole or as beginnings. Raises Refusal."""
    _check(body)
    snapshot = served.of(body.bundle)
    began = perf_counter()
    words = words_of(begin.text)
    filter_ = EVERYTHING if body.filter is None else body.filter.to_filter()
    hits = snapshot.catalogue.find_words(
        words, filter_, body.exclude, limit=body.k + 1, skip=body.offset, after=begin.place
    )
    page = hits.items[: body.k]
    unknown = {} if hits.total else snapshot.catalogue.near_words(words, limit=MAX_NEAR)
    before = begin.count + body.offset
    further = len(hits.items) > len(page)
    end = WordCursor(begin.text, page[-1][1], before + len(page)).write() if further else None
    ended = perf_counter()
    return SearchAnswer(
        bundle=snapshot.id,
        report_url=report_of(snapshot.bundle.manifest),
        metric=None,
        text_search="words",
        near_words=_near(unknown),
        exact=True,
        recall_estimate=1.0,
        clusters_opened=0,
        clusters_total=len(snapshot.bundle.clusters),
        items=snapshot.catalogue.count(),
        total=hits.total,
        offset=before,
        next=search_link_at(body, end) if end else None,
        next_cursor=end,
        link=search_link_at(body, WordCursor(begin.text).write()),
        milliseconds=Milliseconds.of(decode=0, encode=0, search=ended - began, total=ended - started),
        query=None,
        calibration=None,
        hits=[_hit(item, place, rank) for rank, (item, place) in enumerate(page, start=before + 1)],
    )


def suggest(snapshot: Snapshot, text: str, limit: int, *, labels_only: bool) -> SuggestAnswer:
    """What completes a text."""
    words = words_of(text)
    completions = snapshot.catalogue.complete(words, limit=limit, labels_only=labels_only)
    unknown = {} if completions else snapshot.catalogue.near_words(words, limit=MAX_NEAR)
    return SuggestAnswer(
        suggestions=[Suggestion(attribute=each.attribute, value=each.value, count=each.count) for each in completions],
        near_words=_near(unknown),
    )


def _check(body: SearchBody) -> None:
    """Raises Refusal for what a search for words would not heed."""
    for name in OF_PICTURES:
        if getattr(body, name) != SearchBody.model_fields[name].default:
            raise Refusal("invalid_parameter", ONLY_PICTURES.format(name=name))


def _near(unknown: dict[str, list[str]]) -> list[NearWords]:
    return [NearWords(word=word, near=near) for word, near in unknown.items()]


def _hit(item: Item, place: WordPlace, rank: int) -> Hit:
    return Hit(
        **item_fields(item),
        rank=rank,
        score=BEGINNING_SCORE if place[0] else SCORE,
        cosine=None,
        euclidean=None,
        match_probability=None,
        cluster=None,
        group=None,
        more=None,
    )
