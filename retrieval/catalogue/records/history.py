"""History: how the labels and attributes of items were changed, by whom and when. It stays when items go."""

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from retrieval.catalogue.database import Database
from retrieval.catalogue.item import Description, Item
from retrieval.catalogue.records.corrections import keep_source
from retrieval.catalogue.table import HISTORY, bulk_entry, new_entry

MAX_PLACE = 2**40 - 1  # in a bulk


@dataclass(frozen=True, slots=True)
class Correction:
    """One change of an item's description. `undoes`: the entry that it has undone, if it is such a one.

    `pictures`: the SHA-256 of the item's picture before and after; None for changes from before that was kept.
    """

    entry: str
    item: str
    before: Description
    after: Description
    changed_by: str | None
    undoes: str | None
    created: datetime
    pictures: tuple[str | None, str | None]

    def is_about(self, item: Item) -> bool:
        """Whether the item still has the picture that both descriptions were given to."""
        return set(self.pictures) <= {item.sha256, None}


class HistoryReader:
    """What can be asked of the history. Every method raises CatalogueError where the database cannot answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def listed(self, item: str, *, limit: int, before: str | None = None) -> list[Correction]:
        """The changes of an item, the latest first; or those that come after the entry `before` in this order."""
        with self._database.transaction() as connection:
            return _listed(connection, item, limit, before)


class HistoryChanges:
    """What can be done to the history in one transaction; `Changes.history` has it."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(
        self, before: Item, after: Item, changed_by: str | None, undoes: str | None = None, entry: str | None = None
    ) -> None:
        """Keep that an item was changed now; nothing where its label and attributes are the same.

        `entry`: its name; a new one unless it is part of a bulk.
        """
        old, new = Description.of(before), Description.of(after)
        if old == new:
            return
        if before.origin == "source":
            keep_source(self._connection, before)
        now = datetime.now(UTC)
        self._connection.execute(
            sa.insert(HISTORY).values(
                entry=entry or new_entry(now),
                item=after.id,
                before={"label": old.label, "attributes": old.attributes, "sha256": before.sha256},
                after={"label": new.label, "attributes": new.attributes, "sha256": after.sha256},
                changed_by=changed_by,
                undoes=undoes,
                created=now,
            )
        )

    def get(self, item: str, entry: str | None) -> Correction | None:
        """One change of an item, or the latest one; None where there is none."""
        if entry is None:
            return next(iter(_listed(self._connection, item, 1, None)), None)
        query = sa.select(HISTORY).where(HISTORY.c.entry == entry, HISTORY.c.item == item)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _correction(row)

    def bulk(self, name: str) -> list[Correction]:
        """The changes of a bulk, in their order."""
        first, last = bulk_entry(name, 0), bulk_entry(name, MAX_PLACE)
        query = sa.select(HISTORY).where(HISTORY.c.entry.between(first, last)).order_by(HISTORY.c.entry)
        return [_correction(row) for row in self._connection.execute(query)]


def _listed(connection: sa.Connection, item: str, limit: int, before: str | None) -> list[Correction]:
    query = sa.select(HISTORY).where(HISTORY.c.item == item).order_by(HISTORY.c.entry.desc()).limit(limit)
    if before is not None:
        query = query.where(HISTORY.c.entry < before)
    return [_correction(row) for row in connection.execute(query)]


def _correction(row: sa.Row[tuple[object, ...]]) -> Correction:
    before, after = (Description(state["label"], state["attributes"]) for state in (row.before, row.after))
    pictures = (row.before.get("sha256"), row.after.get("sha256"))
    return Correction(row.entry, row.item, before, after, row.changed_by, row.undoes, row.created, pictures)
