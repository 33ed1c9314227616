"""What can be done to the items in one transaction; `Catalogue.writing` begins and commits it."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from retrieval.catalogue.facts.ledger import Entry, Ledger, batches, entry_of
from retrieval.catalogue.facts.matching import matching_numbers
from retrieval.catalogue.item import Item
from retrieval.catalogue.records.bin import BinChanges
from retrieval.catalogue.records.feedback import FeedbackChanges
from retrieval.catalogue.records.history import HistoryChanges
from retrieval.catalogue.records.jobs import JobChanges
from retrieval.catalogue.table import BIN, ITEM, ITEMS, NUMBERED, REPLIES, insert, row
from retrieval.errors import ItemMissing
from retrieval.filters import Filter

KEPT_SECONDS = 7 * 24 * 3600
"""How long a reply is remembered at least."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request to write was answered, so that the same one sent again is answered alike and does nothing."""

    key: str
    """1 to 128 characters, chosen by who asks."""
    request: str
    """The SHA-256 of what was asked, hexadecimal."""
    status: int
    body: str


class Changes:
    """Seen by others, all of it at once, when the transaction is committed."""

    def __init__(self, connection: sa.Connection, ledger: Ledger) -> None:
        self._connection = connection
        self._dialect = connection.dialect.name
        self.bin = BinChanges(connection)
        self.feedback = FeedbackChanges(connection)
        self.history = HistoryChanges(connection)
        self.jobs = JobChanges(connection)
        self._ledger = ledger

    def insert(self, items: Sequence[Item]) -> set[str]:
        """Add those whose id is new, of whichever origin they are, and say which. Waits for others who add the same."""
        statement = insert(ITEMS, self._dialect).on_conflict_do_nothing(index_elements=["id"])
        statement = statement.returning(ITEMS.c.id, ITEMS.c.number)
        added: set[str] = set()
        for batch in batches(items):
            numbers = self._ledger.take_numbers(len(batch))
            rows = [row(item, item.origin) | {"number": number} for item, number in zip(batch, numbers, strict=True)]
            by_number = dict(zip(numbers, batch, strict=True))
            new = self._connection.execute(statement, rows).all()
            entries = [Entry.of(number, by_number[number], self._dialect) for _, number in new]
            self._ledger.add(entries)
            added.update(entry.id for entry in entries)
        return added

    def get(self, id_: str) -> Item:
        """An item that nobody else changes until the end. Raises ItemMissing."""
        row = self._connection.execute(ITEM.where(ITEMS.c.id == id_).with_for_update()).one_or_none()
        if row is None:
            raise ItemMissing("there is no item of that id in the catalogue")
        return Item(*row)

    def get_all(self, ids: Collection[str]) -> list[Item]:
        """The items of these ids that there are, each of which nobody else changes until the end."""
        return self._read(ITEMS.c.id, list(ids))

    def get_matching(self, filter_: Filter, limit: int) -> list[Item]:
        """The items that a filter lets through, `limit` of them at most."""
        return self._read(ITEMS.c.number, list(matching_numbers(self._connection, filter_))[:limit])

    def _read(self, column: sa.ColumnElement[Any], values: Sequence[Any]) -> list[Item]:
        query = ITEM.where(column.in_(sa.bindparam("values", expanding=True))).with_for_update()
        return [
            Item(*row) for batch in batches(values) for row in self._connection.execute(query, {"values": batch}).all()
        ]

    def describe(self, item: Item) -> None:
        """Write an item's label and attributes, and nothing else of it."""
        before = self._connection.execute(NUMBERED.where(ITEMS.c.id == item.id)).one_or_none()
        if before is None:
            return
        values = {name: row(item, item.origin)[name] for name in ("label", "attributes")}
        self._connection.execute(sa.update(ITEMS).where(ITEMS.c.id == item.id).values(values))
        entry = entry_of(before, self._dialect)
        self._ledger.change(entry, Entry.of(entry.number, item, self._dialect))

    def delete(self, ids: Collection[str]) -> list[Item]:
        """Delete items, and say which there were."""
        return self._delete(ITEMS.c.id, list(ids))

    def delete_matching(self, filter_: Filter) -> list[Item]:
        """Delete the items that a filter lets through, and say which there were."""
        return self._delete(ITEMS.c.number, list(matching_numbers(self._connection, filter_)))

    def _delete(self, column: sa.ColumnElement[Any], values: Sequence[Any]) -> list[Item]:
        among = column.in_(sa.bindparam("values", expanding=True))
        deleting: Any = sa.delete(ITEMS).where(among).returning(ITEMS.c.number, *ITEM.selected_columns)
        deleted: list[Item] = []
        for batch in batches(values):
            rows = self._connection.execute(deleting, {"values": batch}).all()
            self._ledger.remove([entry_of(each, self._dialect) for each in rows])
            deleted += [Item(*each[1:]) for each in rows]
        return deleted

    def remember(self, reply: Reply) -> bool:
        """Keep a reply; False if there is one of this key already, which then stays. Forgets what is a week old."""
        now = int(time.time())
        self._connection.execute(sa.delete(REPLIES).where(REPLIES.c.created < now - KEPT_SECONDS))
        statement = insert(REPLIES, self._dialect).on_conflict_do_nothing(index_elements=["key"])
        values = {"key": reply.key, "request": reply.request, "status": reply.status, "body": reply.body}
        inserted = self._connection.execute(statement.values(**values, created=now).returning(REPLIES.c.key))
        return inserted.scalar_one_or_none() is not None

    def unnamed(self, locations: Collection[str]) -> set[str]:
        """Which of these files are no item's, deleted or not. Nobody can make them one's until the transaction ends."""
        return read_unnamed(self._connection, locations)

    def absent(self, ids: Collection[str]) -> set[str]:
        """Which of these ids are no item's. Nobody can make them one's until the transaction ends."""
        return set(ids) - read_existing(self._connection, ITEMS.c.id, ids)


def read_unnamed(connection: sa.Connection, locations: Collection[str]) -> set[str]:
    """Which of these files are no item's, deleted or not, within a transaction."""
    rest = set(locations) - read_existing(connection, ITEMS.c.location, locations)
    return rest - read_existing(connection, BIN.c.location, rest)


def read_existing(connection: sa.Connection, column: sa.ColumnElement[str], values: Collection[str]) -> set[str]:
    """Which of these values a column has, within a transaction."""
    query = sa.select(column).where(column.in_(sa.bindparam("values", expanding=True)))
    present: set[str] = set()
    for batch in batches(list(values)):
        present.update(connection.execute(query, {"values": batch}).scalars())
    return present
