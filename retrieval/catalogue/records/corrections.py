"""Corrections: what people changed of the source's items, and how it stays when the source is read again.

One rule, for the label and for each attribute on its own: as long as the source says what it said when a person changed
it, the person's word counts; once the source says something else, the source's does. For that, the first correction of
an item keeps what the source said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from retrieval.catalogue.database import Database
from retrieval.catalogue.item import Attribute, Description, Item
from retrieval.catalogue.table import CORRECTIONS, ITEMS, insert


@dataclass(frozen=True, slots=True)
class Corrected:
    """An item that a person changed: what the source said of it before, and what is known of it now."""

    source: Description
    now: Description

    def over(self, source: Description) -> Description:
        """What is known once the source says this: the person's word where the source has not changed."""
        if source == self.source:
            return self.now
        label = self.now.label if source.label == self.source.label else source.label
        attributes: dict[str, Attribute] = {}
        for name in (*source.attributes, *(name for name in self.now.attributes if name not in source.attributes)):
            same = source.attributes.get(name) == self.source.attributes.get(name)
            value = (self.now if same else source).attributes.get(name)
            if value is not None:
                attributes[name] = value
        return Description(label, attributes)


class CorrectionReader:
    """What can be asked of the corrections. Every method raises CatalogueError where the database cannot answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, Corrected]:
        """All items that people changed and that are there, by id."""
        with self._database.transaction() as connection:
            return {row.item: _corrected(row) for row in connection.execute(CORRECTED)}


CORRECTED: sa.Select[Any] = sa.select(
    CORRECTIONS.c.item,
    CORRECTIONS.c.label.label("source_label"),
    CORRECTIONS.c.attributes.label("source_attributes"),
    ITEMS.c.label,
    ITEMS.c.attributes,
).join(ITEMS, ITEMS.c.id == CORRECTIONS.c.item)
AMONG = CORRECTIONS.c.item.in_(sa.bindparam("ids", expanding=True))


def keep_source(connection: sa.Connection, item: Item) -> None:
    """Keep what the source says of one of its items, which a person is about to change; once only."""
    statement = insert(CORRECTIONS, connection.dialect.name).on_conflict_do_nothing(index_elements=["item"])
    values = {"item": item.id, "label": item.label, "attributes": dict(item.attributes)}
    connection.execute(statement.values(values))


def correct(connection: sa.Connection, items: Sequence[Item]) -> list[Item]:
    """These items of the source, at most BATCH of different ids, with what people corrected; and keep what it says now.

    Corrections that the source has overruled, or whose items are gone, are forgotten.
    """
    ids = [item.id for item in items]
    stored = set(connection.execute(sa.select(CORRECTIONS.c.item).where(AMONG), {"ids": ids}).scalars())
    if not stored:
        return list(items)
    known = {row.item: _corrected(row) for row in connection.execute(CORRECTED.where(AMONG), {"ids": ids})}
    corrected = {item.id: known[item.id].over(Description.of(item)) for item in items if item.id in known}
    over = [item for item in items if corrected.get(item.id, Description.of(item)) != Description.of(item)]
    connection.execute(sa.delete(CORRECTIONS).where(AMONG), {"ids": list(stored)})
    for item in over:
        keep_source(connection, item)
    return [corrected[item.id].on(item) if item.id in corrected else item for item in items]


def _corrected(row: sa.Row[Any]) -> Corrected:
    source = Description(row.source_label, row.source_attributes)
    return Corrected(source, Description(row.label, row.attributes))
