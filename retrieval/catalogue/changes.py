"""What can be done to the items in one transaction; `Catalogue.writing` begins and commits it."""

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from retrieval import facets
from retrieval.catalogue.bin import BinChanges
from retrieval.catalogue.item import Item
from retrieval.catalogue.table import AMONG, BATCH, BIN, ITEM, ITEMS, REPLIES, insert, row
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

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._dialect = connection.dialect.name
        self.bin = BinChanges(connection)

    def insert(self, items: Sequence[Item]) -> set[str]:
        """Add those whose id is new, of whichever origin they are, and say which. Waits for others who add the same."""
        statement = insert(ITEMS, self._dialect).on_conflict_do_nothing(index_elements=["id"]).returning(ITEMS.c.id)
        added: set[str] = set()
        for batch in _batches(items):
            added.update(self._connection.execute(statement, [row(item, item.origin) for item in batch]).scalars())
        return added

    def get(self, id_: str) -> Item:
        """An item that nobody else changes until the end. Raises ItemMissing."""
        found = self._connection.execute(ITEM.where(ITEMS.c.id == id_).with_for_update()).one_or_none()
        if found is None:
            raise ItemMissing("there is no item of that id in the catalogue")
        return Item(*found)

    def describe(self, item: Item) -> None:
        """Write an item's label and attributes, and nothing else of it."""
        values = {name: row(item, item.origin)[name] for name in ("label", "attributes")}
        self._connection.execute(sa.update(ITEMS).where(ITEMS.c.id == item.id).values(values))

    def delete(self, ids: Collection[str]) -> list[Item]:
        """Delete items, and say which there were."""
        deleting: Any = sa.delete(ITEMS).where(AMONG).returning(*ITEM.selected_columns)
        rows = (self._connection.execute(deleting, {"ids": batch}) for batch in _batches(list(ids)))
        return [Item(*found) for batch in rows for found in batch]

    def delete_matching(self, chosen: Filter) -> list[Item]:
        """Delete the items that a filter lets through, and say which there were."""
        passes = facets.matching(ITEMS, self._dialect, chosen)
        deleting: Any = sa.delete(ITEMS).where(passes).returning(*ITEM.selected_columns)
        return [Item(*found) for found in self._connection.execute(deleting)]

    def remember(self, reply: Reply) -> bool:
        """Keep a reply; False if there is one of this key already, which then stays. Forgets what is a week old."""
        now = int(time.time())
        self._connection.execute(sa.delete(REPLIES).where(REPLIES.c.created < now - KEPT_SECONDS))
        statement = insert(REPLIES, self._dialect).on_conflict_do_nothing(index_elements=["key"])
        values = {"key": reply.key, "request": reply.request, "status": reply.status, "body": reply.body}
        kept = self._connection.execute(statement.values(**values, created=now).returning(REPLIES.c.key))
        return kept.scalar_one_or_none() is not None

    def unnamed(self, locations: Collection[str]) -> set[str]:
        """Which of these files are no item's, deleted or not. Nobody can make them one's until the transaction ends."""
        rest = set(locations) - self._held(ITEMS.c.location, locations)
        return rest - self._held(BIN.c.location, rest)

    def absent(self, ids: Collection[str]) -> set[str]:
        """Which of these ids are no item's. Nobody can make them one's until the transaction ends."""
        return set(ids) - self._held(ITEMS.c.id, ids)

    def _held(self, column: sa.ColumnElement[str], values: Collection[str]) -> set[str]:
        if self._dialect == "postgresql":  # with SQLite, nobody else can have begun to write
            self._connection.execute(sa.text("LOCK TABLE items, bin IN SHARE MODE"))
        asked = sa.select(column).where(column.in_(sa.bindparam("values", expanding=True)))
        held: set[str] = set()
        for batch in _batches(list(values)):
            held.update(self._connection.execute(asked, {"values": batch}).scalars())
        return held


def _batches(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]
