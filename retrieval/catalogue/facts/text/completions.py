"""Labels and values of attributes by their words: what completes a text, and which words are near a wrong one."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import sqlalchemy as sa

from retrieval.catalogue.facts.keys import is_short
from retrieval.catalogue.facts.tables import COMPLETIONS, COUNTS, LABEL, LABEL_NAME, SPELLINGS, TEXT, Fact
from retrieval.catalogue.table import BATCH, insert
from retrieval.words import spellings_of, words_of

MAX_READ = 2_000
"""Values that are looked at to complete a text, however many begin so."""
MAX_NEAR = 500
MIN_LIKENESS = 0.6
"""Of difflib: twice the letters in common over the letters of both."""
LAST = "\U0010ffff"  # behind every character of a word


@dataclass(frozen=True, slots=True)
class Completion:
    """A label (`attribute` None) or a value of an attribute, and how many items have it."""

    attribute: str | None
    value: str
    count: int


def change_completions(connection: sa.Connection, come: Iterable[Fact], gone: Iterable[Fact]) -> None:
    """Values that some item has now and none had before, and the other way round."""
    new, old = rows_of(come), rows_of(gone)
    if old:
        same = [COMPLETIONS.c[name] == sa.bindparam(f"of_{name}") for name in ("word", "name", "kind", "text")]
        bound = [{f"of_{name}": value for name, value in row.items()} for row in old]
        connection.execute(sa.delete(COMPLETIONS).where(*same), bound)
    if new:
        connection.execute(insert(COMPLETIONS, connection.dialect.name).on_conflict_do_nothing(), new)
        _spell(connection, {row["word"] for row in new})
    _unspell(connection, {row["word"] for row in old})


def rows_of(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    """The rows of COMPLETIONS: a row for each word of each text, but for texts that are kept as a digest."""
    return [
        {"word": word, "name": fact.name, "kind": fact.kind, "text": fact.text}
        for fact in facts
        if fact.kind in (TEXT, LABEL) and is_short(fact.text) and is_short(fact.name)
        for word in words_of(fact.text)
    ]


def complete(
    connection: sa.Connection, words: Sequence[str], limit: int, *, labels_only: bool = False
) -> list[Completion]:
    """The values that have words which begin like all of these; those that most items have first.

    Looked at are the most frequent labels, and the first values in alphabetical order: MAX_READ of each.
    """
    longest = max(words, key=len)
    begins = (COMPLETIONS.c.word >= longest) & (COMPLETIONS.c.word < longest + LAST)
    key = (COMPLETIONS.c.word, COMPLETIONS.c.name, COMPLETIONS.c.kind, COMPLETIONS.c.text)
    some = sa.select(*key).where(begins).order_by(*key).limit(MAX_READ).subquery()
    counted = (COUNTS.c.name == some.c.name) & (COUNTS.c.kind == some.c.kind) & (COUNTS.c.text == some.c.text)
    query = sa.select(some.c.name, some.c.kind, some.c.text, COUNTS.c.held).distinct()
    if labels_only:
        query = query.where(some.c.kind == LABEL)
    values = sa.select(COUNTS.c.name, COUNTS.c.kind, COUNTS.c.text, COUNTS.c.held)
    frequent = values.where(COUNTS.c.name == LABEL_NAME).order_by(COUNTS.c.held.desc()).limit(MAX_READ)
    rows = {
        (row.name, row.kind, row.text): row
        for row in (
            *connection.execute(query.join(COUNTS, counted & (COUNTS.c.number == 0))),
            *(row for row in connection.execute(frequent) if row.kind == LABEL and is_short(row.text)),
        )
    }
    matching = [row for row in rows.values() if _has_all(row.text, words)]
    matching.sort(key=lambda row: (-row.held, row.text, row.kind != LABEL, row.name))
    return [Completion(None if row.kind == LABEL else row.name, row.text, row.held) for row in matching[:limit]]


def near(connection: sa.Connection, word: str, limit: int) -> list[str]:
    """Words of labels and values that are spelled nearly so, the nearest first."""
    spellings = spellings_of(word)
    if not spellings:
        return []
    query = sa.select(SPELLINGS.c.word).where(SPELLINGS.c.spelling.in_(spellings)).distinct().limit(MAX_NEAR)
    likeness = {each: _likeness(word, each) for each in connection.execute(query).scalars()}
    return sorted(
        (each for each, value in likeness.items() if value >= MIN_LIKENESS), key=lambda each: (-likeness[each], each)
    )[:limit]


def rebuild_completions(connection: sa.Connection) -> None:
    """Both tables anew, from the counts."""
    connection.execute(sa.delete(COMPLETIONS))
    connection.execute(sa.delete(SPELLINGS))
    rows = rows_of(_values(connection))
    for start in range(0, len(rows), BATCH):
        connection.execute(sa.insert(COMPLETIONS), rows[start : start + BATCH])
    _spell(connection, {row["word"] for row in rows})


def completion_differences(connection: sa.Connection) -> dict[str, tuple[int, int]]:
    """How many rows are missing and how many should not be there, by table."""
    expected = {tuple(row.values()) for row in rows_of(_values(connection))}
    stored = {tuple(row) for row in connection.execute(sa.select(COMPLETIONS))}
    spelled = {(spelling, row[0]) for row in expected for spelling in spellings_of(row[0])}
    kept_spelled = {tuple(row) for row in connection.execute(sa.select(SPELLINGS))}
    return {
        "completions": (len(expected - stored), len(stored - expected)),
        "spellings": (len(spelled - kept_spelled), len(kept_spelled - spelled)),
    }


def _values(connection: sa.Connection) -> list[Fact]:
    query = sa.select(COUNTS.c.name, COUNTS.c.kind, COUNTS.c.number, COUNTS.c.text)
    return [Fact(*row) for row in connection.execute(query.where(COUNTS.c.kind.in_((TEXT, LABEL))))]


def _spell(connection: sa.Connection, words: Collection[str]) -> None:
    rows = [{"spelling": spelling, "word": word} for word in sorted(words) for spelling in sorted(spellings_of(word))]
    statement = insert(SPELLINGS, connection.dialect.name).on_conflict_do_nothing()
    for start in range(0, len(rows), BATCH):
        connection.execute(statement, rows[start : start + BATCH])


def _unspell(connection: sa.Connection, words: Collection[str]) -> None:
    """Words that may be in no value any more."""
    rest = sorted(words)
    stored: set[str] = set()
    for start in range(0, len(rest), BATCH):
        query = sa.select(COMPLETIONS.c.word).where(COMPLETIONS.c.word.in_(rest[start : start + BATCH])).distinct()
        stored.update(connection.execute(query).scalars())
    rows = [{"of": spelling, "by": word} for word in rest if word not in stored for spelling in spellings_of(word)]
    if rows:
        same = (SPELLINGS.c.spelling == sa.bindparam("of")) & (SPELLINGS.c.word == sa.bindparam("by"))
        connection.execute(sa.delete(SPELLINGS).where(same), rows)


def _has_all(text: str, words: Sequence[str]) -> bool:
    own = words_of(text)
    return all(any(each.startswith(word) for each in own) for word in words)


def _likeness(a: str, b: str) -> float:
    return SequenceMatcher(None, a, b, autojunk=False).ratio()
