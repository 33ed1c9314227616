"""The bookkeeping of one transaction that changes items: their facts, the counts, the journal and the version."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Self

import sqlalchemy as sa

from retrieval.catalogue.facts.tables import (
    COUNTS,
    FACTS,
    ITEM_FACT,
    JOURNAL,
    NAMES,
    STATE,
    Fact,
    Facts,
    facts_of,
    kind_of_name,
)
from retrieval.catalogue.facts.text.completions import change_completions
from retrieval.catalogue.facts.text.index import delete_words, item_words, write_words
from retrieval.catalogue.item import Item
from retrieval.catalogue.table import BATCH, insert

KEPT_VERSIONS = 2_000
"""Versions that the journal goes back at least; who read the catalogue before them reads all of it again."""
MAX_JOURNALED = 5_000
"""Items of one version beyond which it is no use to tell them one by one."""


class Entry(NamedTuple):
    """An item as the ledger sees it."""

    number: int
    id: str
    facts: Facts
    words: str

    @classmethod
    def of(cls, number: int, item: Item, dialect: str) -> Self:
        """Of an item and its number."""
        return cls(number, item.id, facts_of(item, dialect), item_words(item))


def entry_of(numbered: Any, dialect: str) -> Entry:
    """Of a row of a number and an item."""
    return Entry.of(numbered[0], Item(*numbered[1:]), dialect)


class Ledger:
    """Every change of an item goes through it, and `close` before the transaction ends. Writers take turns."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._dialect = connection.dialect.name
        self._deltas: Counter[Fact] = Counter()
        self._changed: set[int] = set()

    def take_numbers(self, count: int) -> range:
        """So many numbers for new items, which nobody else gets."""
        taking = sa.update(STATE).values(next_number=STATE.c.next_number + count).returning(STATE.c.next_number)
        end = int(self._connection.execute(taking).scalar_one())
        return range(end - count, end)

    def add(self, entries: Sequence[Entry]) -> None:
        """Items that have come."""
        self._write_facts(entries)
        write_words(self._connection, [(each.number, each.words) for each in entries])
        self._count(entries, 1)
        self._deltas[ITEM_FACT] += len(entries)

    def remove(self, entries: Sequence[Entry]) -> None:
        """Items that have gone."""
        self._delete_facts(entries)
        delete_words(self._connection, [each.number for each in entries])
        self._count(entries, -1)
        self._deltas[ITEM_FACT] -= len(entries)

    def change(self, before: Entry, after: Entry) -> None:
        """An item that is described otherwise now."""
        old, new = set(before.facts), set(after.facts)
        removed_facts, added_facts = before._replace(facts=list(old - new)), after._replace(facts=list(new - old))
        self._delete_facts([removed_facts])
        self._write_facts([added_facts])
        if before.words != after.words:
            delete_words(self._connection, [before.number])
            write_words(self._connection, [(after.number, after.words)])
        self._count([removed_facts], -1)
        self._count([added_facts], 1)

    def close(self) -> bool:
        """Write what has been counted; whether there is a new version, as an item has changed."""
        if not self._changed:
            return False
        self._write_counts()
        advancing = sa.update(STATE).values(version=STATE.c.version + 1).returning(STATE.c.version)
        version = int(self._connection.execute(advancing).scalar_one())
        if len(self._changed) > MAX_JOURNALED:
            self._forget_before(version)
            return True
        rows = [{"version": version, "item": number} for number in sorted(self._changed)]
        for batch in batches(rows):
            self._connection.execute(sa.insert(JOURNAL), batch)
        if version % KEPT_VERSIONS == 0:
            self._forget_before(version - KEPT_VERSIONS)
        return True

    def _forget_before(self, version: int) -> None:
        """The journal is whole from behind this version on, or from behind a later one."""
        self._connection.execute(sa.delete(JOURNAL).where(JOURNAL.c.version <= version))
        later = sa.update(STATE).where(STATE.c.journal_start < version)
        self._connection.execute(later.values(journal_start=version))

    def _count(self, entries: Iterable[Entry], sign: int) -> None:
        for entry in entries:
            self._changed.add(entry.number)
            for fact in entry.facts:
                self._deltas[fact] += sign

    def _write_facts(self, entries: Iterable[Entry]) -> None:
        rows = [{**fact._asdict(), "id": each.id, "item": each.number} for each in entries for fact in each.facts]
        if rows:
            self._connection.execute(sa.insert(FACTS), rows)

    def _delete_facts(self, entries: Iterable[Entry]) -> None:
        rows = [{**_bound(fact), "of_id": each.id} for each in entries for fact in each.facts]
        if rows:
            self._connection.execute(sa.delete(FACTS).where(_same(FACTS), FACTS.c.id == sa.bindparam("of_id")), rows)

    def _write_counts(self) -> None:
        deltas = {fact: delta for fact, delta in self._deltas.items() if delta}
        before = read_counts(self._connection, list(deltas))
        counts = {fact: before.get(fact, 0) + delta for fact, delta in deltas.items()}
        removed_facts = [_bound(fact) for fact, count in counts.items() if not count]
        rows = [{**fact._asdict(), "held": count} for fact, count in counts.items() if count]
        if removed_facts:
            self._connection.execute(sa.delete(COUNTS).where(_same(COUNTS)), removed_facts)
        self._upsert(rows)
        added_facts = [fact for fact, count in counts.items() if count and fact not in before]
        change_completions(self._connection, added_facts, [fact for fact, count in counts.items() if not count])
        different: Counter[tuple[str, int]] = Counter()
        more: Counter[tuple[str, int]] = Counter()
        for fact, count in counts.items():
            key = fact.name, kind_of_name(fact.kind)
            different[key] += bool(count) - (fact in before)
            more[key] += deltas[fact]
        self._change_names(
            [{"name": key[0], "kind": key[1], "different": different[key], "held": more[key]} for key in more]
        )

    def _change_names(self, changes: Sequence[dict[str, Any]]) -> None:
        statement = insert(NAMES, self._dialect)
        added = {column: NAMES.c[column] + statement.excluded[column] for column in ("different", "held")}
        statement = statement.on_conflict_do_update(index_elements=["name", "kind"], set_=added)
        if changes:
            self._connection.execute(statement, changes)
            self._connection.execute(sa.delete(NAMES).where(NAMES.c.held == 0))

    def _upsert(self, rows: Sequence[dict[str, Any]]) -> None:
        if rows:
            statement = insert(COUNTS, self._dialect)
            key = ["name", "kind", "number", "text"]
            statement = statement.on_conflict_do_update(index_elements=key, set_={"held": statement.excluded.held})
            self._connection.execute(statement, rows)


def read_counts(connection: sa.Connection, facts: Sequence[Fact]) -> dict[Fact, int]:
    """How many items have each of these facts; those that nobody has are left out."""
    if connection.dialect.name == "sqlite":  # which looks at every row for a list of several columns
        rows = ((fact, connection.execute(_COUNT, _bound(fact)).scalar_one_or_none()) for fact in facts)
        return {fact: count for fact, count in rows if count is not None}
    columns = (COUNTS.c.name, COUNTS.c.kind, COUNTS.c.number, COUNTS.c.text)
    counts: dict[Fact, int] = {}
    for batch in batches(facts, BATCH // len(columns)):
        query = sa.select(*columns, COUNTS.c.held).where(sa.tuple_(*columns).in_([tuple(fact) for fact in batch]))
        counts.update((Fact(*row[:4]), row.held) for row in connection.execute(query))
    return counts


def batches(values: Sequence[Any], size: int = BATCH) -> Iterator[Sequence[Any]]:
    """The values, some at a time."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _same(table: sa.Table) -> sa.ColumnElement[bool]:
    columns = ("name", "kind", "number", "text")
    return sa.and_(*(table.c[name] == sa.bindparam(f"of_{name}") for name in columns))


def _bound(fact: Fact) -> dict[str, Any]:
    return {f"of_{name}": value for name, value in fact._asdict().items()}


_COUNT = sa.select(COUNTS.c.held).where(_same(COUNTS))
