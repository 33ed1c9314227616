"""The verdict above the matches: that the picture is there, what it most likely shows, or that nothing is like it."""

from dataclasses import dataclass

from frontend.api.models import Hit, Item, SearchAnswer, Size
from frontend.formatting import LOWEST_SIMILARITY_WORDS, probability_words, similarity_words
from frontend.languages.texts import gettext
from frontend.search_query import SearchQuery

SAME_COSINE = 0.9995
"""From this similarity on, at the same size, the model sees no difference."""
UPLOAD_SIDE = 1280
"""Pixels of the longer side of what the script sends of a large photo, as static/js/pictures.js has it."""
SAME_COPY_COSINE = 0.998
"""The same for such a copy, which is a little different."""
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
        return Verdict(_same(query, best), True)
    if best.match_probability is None:
        words = similarity_words(best.cosine)
        is_match = words != gettext(LOWEST_SIMILARITY_WORDS)
        return Verdict(f"{_name(best)}: {words}", True) if is_match else _nothing(query)
    if best.match_probability < LIKELY:
        return _nothing(query)
    means_picture = answer.calibration is not None and answer.calibration.meaning == "picture"
    return Verdict(_likely(best, probability_words(best.match_probability), means_picture=means_picture), True)


def _likely(hit: Hit, probability: str, *, means_picture: bool) -> str:
    if not means_picture:
        return gettext("%(name)s, %(probability)s", name=_name(hit), probability=probability)
    if hit.label is None:
        return gettext("The same picture, changed, %(probability)s", probability=probability)
    return gettext("The same picture, changed: %(name)s, %(probability)s", name=hit.label, probability=probability)


def _is_same(query: SearchQuery, answer: SearchAnswer, best: Hit, cosine: float) -> bool:
    if query.crop or query.face:
        return False
    size = answer.query
    if size is None or (size.width, size.height) == (best.width, best.height):
        return cosine >= SAME_COSINE
    return cosine >= SAME_COPY_COSINE and _is_copy(size, best)


def _is_copy(size: Size, item: Item) -> bool:
    """Whether a query has the size of the copy that the script sends of a photo of the item's size."""
    scale = UPLOAD_SIDE / max(item.width, item.height)
    return scale < 1 and max(abs(size.width - item.width * scale), abs(size.height - item.height * scale)) <= 1


def _nothing(query: SearchQuery) -> Verdict:
    if query.has_filters:
        return Verdict(gettext("Nothing like it among these; closest anyway:"), False)
    return Verdict(gettext("Nothing like it here; closest anyway:"), False)


def _name(hit: Hit) -> str:
    return hit.label or gettext("A picture without a label")


def _same(query: SearchQuery, hit: Hit) -> str:
    if query.id is None:
        if hit.label is None:
            return gettext("This very picture is there in the catalogue.")
        return gettext("This very picture is there in the catalogue: %(label)s.", label=hit.label)
    if hit.label is None:
        return gettext("This very picture is there again, under another id.")
    return gettext("This very picture is there again, under another id: %(label)s.", label=hit.label)
