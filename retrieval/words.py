"""Words as they are searched for: without case and accents, so that "Cafe" is a word of "Café am Fluss"."""

import re
import unicodedata
from collections.abc import Iterator

MAX_WORD = 64
"""Characters of a word that are compared."""
MAX_WORDS = 16
"""Words of one search."""
MAX_SPELLED = 24
MIN_SPELLED, MIN_SPELLED_TWICE = 3, 5
"""Letters from which on a word is told by one wrong letter, and by two."""
BEGINNING = 6
"""Letters of a word that are compared to tell what is near it."""

_ACCENT = re.compile("[\u0300-\u036f]")
_ASCII_WORD = re.compile("[a-z0-9]+")
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "\u0131": "i"})  # dotless i


def words_of(text: str) -> list[str]:
    """The different words of a text, in their order: letters, numbers, and the marks that belong to them."""
    if text.isascii():
        words: Iterator[str] | list[str] = _ASCII_WORD.findall(text.lower())
    else:
        words = iter("".join(each if _is_of_word(each) else " " for each in _fold(text)).split())
    return list(dict.fromkeys(word[:MAX_WORD] for word in words))


def spellings_of(word: str) -> set[str]:
    """What is left of a word without up to two of its first letters: two words that are near share one of these.

    Empty for what is no plain word: with digits, shorter than 3 letters or longer than 24.
    """
    if not MIN_SPELLED <= len(word) <= MAX_SPELLED or any(each.isdigit() for each in word):
        return set()
    beginning = word[:BEGINNING]
    once = _shorter({beginning})
    return {beginning} | once | (_shorter(once) if len(word) >= MIN_SPELLED_TWICE else set())


def _shorter(words: set[str]) -> set[str]:
    return {word[:place] + word[place + 1 :] for word in words for place in range(len(word))}


def _fold(text: str) -> str:
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFKC", _ACCENT.sub("", apart)).translate(_LETTERS)


def _is_of_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character)[0] == "M"
