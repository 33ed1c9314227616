"""The words of items: of id, label and attributes that are texts, in SQLite's FTS5 or as PostgreSQL's tsvector.

Both hold the words that `retrieval.words` makes of a text, so that both databases find the same items.
"""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from retrieval.catalogue.item import Item
from retrieval.catalogue.table import BATCH
from retrieval.words import words_of

MAX_HELD = 1000
"""Words of one item that are found."""


def item_words(item: Item) -> str:
    """The words of an item, with a blank between them."""
    texts = (item.id, item.label or "", *(value for value in item.attributes.values() if isinstance(value, str)))
    return " ".join(words_of("\n".join(texts))[:MAX_HELD])


def write_words(connection: sa.Connection, rows: Sequence[tuple[int, str]]) -> None:
    """The words of new items, by number."""
    if connection.dialect.name == "sqlite":
        statement = "INSERT INTO words (rowid, item_words) VALUES (:item, :words)"
    else:
        statement = "INSERT INTO words (item, words) VALUES (:item, array_to_tsvector(string_to_array(:words, ' ')))"
    if rows:
        connection.execute(sa.text(statement), [{"item": item, "words": words} for item, words in rows])


def delete_words(connection: sa.Connection, numbers: Iterable[int]) -> None:
    """The words of items that have gone."""
    column = "rowid" if connection.dialect.name == "sqlite" else "item"
    rows = [{"item": number} for number in numbers]
    if rows:
        connection.execute(sa.text(f"DELETE FROM words WHERE {column} = :item"), rows)  # noqa: S608


def read_words(connection: sa.Connection, start: int, end: int) -> dict[int, frozenset[str]]:
    """The words that are kept of the items from one number up to another one."""
    if connection.dialect.name == "sqlite":
        query = "SELECT rowid, item_words FROM words WHERE rowid BETWEEN :start AND :end"
    else:
        query = (
            "SELECT item, array_to_string(tsvector_to_array(words), ' ') FROM words WHERE item BETWEEN :start AND :end"
        )
    rows = connection.execute(sa.text(query), {"start": start, "end": end})
    return {number: frozenset(words.split()) for number, words in rows}


def words_of_items(connection: sa.Connection, numbers: Sequence[int]) -> dict[int, frozenset[str]]:
    """The words that are kept of these items, by number; those that do not exist are left out."""
    if connection.dialect.name == "sqlite":
        query = "SELECT rowid, item_words FROM words WHERE rowid IN :some"
    else:
        query = "SELECT item, array_to_string(tsvector_to_array(words), ' ') FROM words WHERE item IN :some"
    statement = sa.text(query).bindparams(sa.bindparam("some", expanding=True))
    stored: dict[int, frozenset[str]] = {}
    for start in range(0, len(numbers), BATCH):
        rows = connection.execute(statement, {"some": list(numbers[start : start + BATCH])})
        stored.update((number, frozenset(words.split())) for number, words in rows)
    return stored
