"""The bin: deleted items as they were, with their pictures, until they are restored, ended, or their time is over.

An entry has a name of its own, as an id may be deleted, given to another item, and deleted again. Names are in the
order of deletion.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from retrieval.catalogue.database import Database
from retrieval.catalogue.item import Item
from retrieval.catalogue.table import BATCH, BIN, first_entry, new_entry, row

BESIDE = {"id", "location", "created"}
"""Fields of an item that have a column of their own."""
NEWEST_FIRST = BIN.c.entry.desc()


@dataclass(frozen=True, slots=True)
class BinEntry:
    """A deleted item. `deleted_by`: the name of the key that deleted it; None where there are no keys."""

    name: str
    item: Item
    deleted: datetime
    deleted_by: str | None


class Bin:
    """What can be asked of the bin. Every method raises CatalogueError where the database cannot answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def listed(self, *, since: datetime, limit: int, before: str | None = None) -> list[BinEntry]:
        """The entries since a time, the latest first, or those that come after the entry `before` in this order."""
        query = sa.select(BIN).where(BIN.c.entry >= first_entry(since)).order_by(NEWEST_FIRST).limit(limit)
        if before is not None:
            query = query.where(BIN.c.entry < before)
        with self._database.transaction() as connection:
            return [_entry(each) for each in connection.execute(query)]

    def count(self, since: datetime) -> int:
        """How many entries there are since a time."""
        query = sa.select(sa.func.count()).select_from(BIN).where(BIN.c.entry >= first_entry(since))
        with self._database.transaction() as connection:
            return connection.execute(query).scalar_one()

    def get_many(self, names: Sequence[str], *, since: datetime) -> dict[str, BinEntry]:
        """The entries of these names by name; those that do not exist are left out."""
        return {entry.name: entry for entry in self._matching(BIN.c.entry, names, since)}

    def of_items(self, ids: Sequence[str], *, since: datetime) -> dict[str, BinEntry]:
        """The latest entry of each of these items by the item's id; ids that are in no entry are left out."""
        entries = sorted(self._matching(BIN.c.item, ids, since), key=lambda entry: entry.name)
        return {entry.item.id: entry for entry in entries}

    def _matching(self, column: sa.ColumnElement[str], values: Sequence[str], since: datetime) -> list[BinEntry]:
        among = column.in_(sa.bindparam("values", expanding=True))
        query = sa.select(BIN).where(among, BIN.c.entry >= first_entry(since))
        with self._database.transaction() as connection:
            batches = (values[start : start + BATCH] for start in range(0, len(values), BATCH))
            return [_entry(each) for batch in batches for each in connection.execute(query, {"values": batch})]


class BinChanges:
    """What can be done to the bin in one transaction; `Changes.bin` has it."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def put(self, items: Collection[Item], deleted_by: str | None) -> None:
        """Keep items that are deleted in this transaction."""
        now = datetime.now(UTC)
        rows = (_row(item, now, deleted_by) for item in items)
        for batch in _batches(rows):
            self._connection.execute(sa.insert(BIN), batch)

    def take(self, names: Collection[str]) -> list[Item]:
        """Remove the entries of these names, and return their items."""
        return self._removed(*(BIN.c.entry.in_(batch) for batch in _batches(iter(names))))

    def take_all(self) -> list[Item]:
        """Remove all entries, and return their items."""
        return self._removed(sa.true())

    def take_older(self, time: datetime) -> list[Item]:
        """Remove the entries from before a time, and return their items."""
        return self._removed(BIN.c.entry < first_entry(time))

    def _removed(self, *conditions: sa.ColumnElement[bool]) -> list[Item]:
        statements = (sa.delete(BIN).where(condition).returning(*BIN.columns) for condition in conditions)
        return [_entry(each).item for statement in statements for each in self._connection.execute(statement)]


def _row(item: Item, now: datetime, deleted_by: str | None) -> dict[str, Any]:
    values = row(item, item.origin)
    content = {name: values[name] for name in (field.name for field in fields(Item)) if name not in BESIDE}
    return {
        "entry": new_entry(now),
        "item": item.id,
        "location": item.location,
        "content": content,
        "created": item.created,
        "deleted": now,
        "deleted_by": deleted_by,
    }


def _entry(row: sa.Row[Any]) -> BinEntry:
    content: Mapping[str, Any] = row.content
    item = Item(id=row.item, location=row.location, created=row.created, **content)
    return BinEntry(row.entry, item, row.deleted, row.deleted_by)


def _batches(values: Iterator[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for value in values:
        batch.append(value)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def oldest(days: int) -> datetime:
    """The time of the oldest entry that is kept where entries are kept for so many days."""
    return datetime.now(UTC) - timedelta(days=days)
