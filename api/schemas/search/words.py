"""Words in requests and answers: what is searched for without a picture, and what completes it."""

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

from api.schemas.search.answer import Answer, NearWords
from api.schemas.text import MAX_TEXT
from retrieval.text import normal
from retrieval.words import MAX_WORDS, words_of

NO_WORDS = "there is no word in it: letters or numbers are needed"
TOO_MANY = f"it has more than {MAX_WORDS} different words; leave some out"


def _searchable(text: str) -> str:
    text = normal(text)
    words = words_of(text)
    if not words:
        raise ValueError(NO_WORDS)
    if len(words) > MAX_WORDS:
        raise ValueError(TOO_MANY)
    return text


SearchText: TypeAlias = Annotated[
    str,
    Field(
        max_length=MAX_TEXT,
        description="Words of ids, labels and attributes. Items that have all of them, whole or as beginnings, are "
        "hits; case and accents do not count.",
        examples=["green amph"],
    ),
    AfterValidator(_searchable),
]


class Suggestion(Answer):
    """A label or a value of an attribute, and how many items have it."""

    attribute: Annotated[str | None, Field(description="Whose value it is; null for a label.", examples=["shape"])]
    value: Annotated[str, Field(examples=["amphora"])]
    count: Annotated[int, Field(examples=[32])]


class SuggestAnswer(Answer):
    """What a text may be completed to, what most items have first; and what is known near words that are not."""

    suggestions: list[Suggestion]
    near_words: list[NearWords]
