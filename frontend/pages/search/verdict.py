"""The verdict above the matches: that the picture is there, what it most likely shows, or that nothing is like it."""

from dataclasses import dataclass

from frontend.api.models import Hit, SearchAnswer
from frontend.formatting import LOWEST_SIMILARITY_WORDS, probability_words, similarity_words
from frontend.search_query import SearchQuery

SAME_COSINE = 0.9995
"""From this similarity on, at the same size, the model sees no difference."""
LIKELY = 0.5
"""A match that is less probable is none that is worth its name."""


@dataclass(frozen=True)
class Verdict:
    """A sentence, and whether it tells of a match."""

    text: str
    is_match: bool


def verdict_of(query: SearchQuery, answer: SearchAnswer) -> Verdict | None:
    """What the best match tells; None for further pages, without matches, and where not one picture is searched with.

    Words are in a hit or not. Only the first of several pictures would be meant, and what is sure of one is not sure of
    their mixture.
    """
    if answer.offset or not answer.hits or query.like or query.unlike:
        return None
    best = answer.hits[0]
    if best.cosine is None:
        return None
    if _is_same(query, answer, best, best.cosine):
        again = "again, under another id" if query.id is not None else "in the catalogue"
        return Verdict(f"This very picture is there {again}{_name_of(best)}.", True)
    if best.match_probability is None:
        words = similarity_words(best.cosine)
        return _nothing(query) if words == LOWEST_SIMILARITY_WORDS else Verdict(f"{_name(best)}: {words}", True)
    if best.match_probability < LIKELY:
        return _nothing(query)
    means_picture = answer.calibration is not None and answer.calibration.meaning == "picture"
    name = f"The same picture, changed{_name_of(best)}" if means_picture else _name(best)
    return Verdict(f"{name}, {probability_words(best.match_probability)}", True)


def _is_same(query: SearchQuery, answer: SearchAnswer, best: Hit, cosine: float) -> bool:
    if query.crop or query.face or cosine < SAME_COSINE:
        return False
    size = answer.query
    return size is None or (size.width, size.height) == (best.width, best.height)


def _nothing(query: SearchQuery) -> Verdict:
    where = "among these" if query.has_filters else "here"
    return Verdict(f"Nothing like it {where}; closest anyway:", False)


def _name(hit: Hit) -> str:
    return hit.label or "A picture without a label"


def _name_of(hit: Hit) -> str:
    return f": {hit.label}" if hit.label else ""
