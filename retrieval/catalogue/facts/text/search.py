"""Items by their words: the sets of those that have all of some words, and a page of them."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import TypeAlias

import sqlalchemy as sa
from pyroaring import BitMap64

from retrieval.catalogue.facts.matching import numbers_in, read_changed
from retrieval.catalogue.facts.text.index import words_of_items
from retrieval.catalogue.item import Item

MAX_SETS = 32
"""Sets of items that are remembered: at most 125 kB each for a million items."""

WordPlace: TypeAlias = tuple[bool, int]
"""Where an item is among the hits of words: whether it has one of them only as a beginning, and its number."""


@dataclass(frozen=True, slots=True)
class WordHits:
    """Some of the items that have all of some words, those that have them whole first; how many there are in all."""

    items: list[tuple[Item, WordPlace]]
    total: int


def is_word(connection: sa.Connection, word: str) -> bool:
    """Whether some item has a word that begins so."""
    column = "rowid" if connection.dialect.name == "sqlite" else "item"
    query = f"SELECT {column} FROM words WHERE {_condition(connection)} LIMIT 1"  # noqa: S608
    return connection.execute(sa.text(query), {"query": _query(connection, [word], whole=False)}).first() is not None


def find_numbers(connection: sa.Connection, words: Sequence[str], *, whole: bool) -> BitMap64:
    """The numbers of the items that have all of these words, whole or as beginnings."""
    listed = "group_concat(rowid)" if connection.dialect.name == "sqlite" else "string_agg(item::text, ',')"
    query = f"SELECT {listed} FROM words WHERE {_condition(connection)}"  # noqa: S608
    return numbers_in(
        connection.execute(sa.text(query), {"query": _query(connection, words, whole=whole)}).scalar_one()
    )


class WordSets:
    """The sets that were found last, of one version each, of which only what has changed is looked at again.

    Safe to use from many threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._latest: OrderedDict[tuple[tuple[str, ...], bool], tuple[int, BitMap64]] = OrderedDict()

    def numbers(self, connection: sa.Connection, words: Sequence[str], version: int, *, whole: bool) -> BitMap64:
        """As `find_numbers`, in the version that the transaction sees."""
        key = (tuple(sorted(words)), whole)
        with self._lock:
            latest = self._latest.get(key)
        if latest is not None and latest[0] == version:
            return latest[1]
        numbers = None if latest is None else _brought_forward(connection, words, latest, version, whole=whole)
        if numbers is None:
            numbers = find_numbers(connection, words, whole=whole)
        with self._lock:
            self._latest[key] = version, numbers
            self._latest.move_to_end(key)
            while len(self._latest) > MAX_SETS:
                self._latest.popitem(last=False)
        return numbers


def _brought_forward(
    connection: sa.Connection, words: Sequence[str], latest: tuple[int, BitMap64], version: int, *, whole: bool
) -> BitMap64 | None:
    """A set of an earlier version with the items that have changed since; None where too many have."""
    changed = read_changed(connection, latest[0], version)
    if changed is None:
        return None
    stored = words_of_items(connection, list(changed.numbers))
    return (latest[1] - changed.numbers) | BitMap64(
        number for number, own in stored.items() if all(_has(own, word, whole=whole) for word in words)
    )


def _has(own: frozenset[str], word: str, *, whole: bool) -> bool:
    return word in own if whole else any(each.startswith(word) for each in own)


def page_of(whole: BitMap64, others: BitMap64, *, limit: int, skip: int, after: WordPlace | None) -> list[WordPlace]:
    """The first places, or those behind one, without the first `skip` of them."""
    is_beginning, last = after or (False, 0)
    first = () if is_beginning else whole.iter_equal_or_larger(last + 1)
    second = others.iter_equal_or_larger(last + 1 if is_beginning else 0)
    places = [(False, number) for number in islice(first, skip + limit)]
    places += [(True, number) for number in islice(second, skip + limit - len(places))]
    return places[skip:]


def _condition(connection: sa.Connection) -> str:
    return "words MATCH :query" if connection.dialect.name == "sqlite" else "words @@ CAST(:query AS tsquery)"


def _query(connection: sa.Connection, words: Sequence[str], *, whole: bool) -> str:
    """A query of the database, of words that are letters, numbers and marks, and so need no escape."""
    if connection.dialect.name == "sqlite":
        return " AND ".join(f'"{word}"' if whole else f'"{word}" *' for word in words)
    return " & ".join(f"'{word}'" if whole else f"'{word}':*" for word in words)
