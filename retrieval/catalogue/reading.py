"""What can be asked of the catalogue: items by id, by filter and in order, and how many there are of what."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields

import sqlalchemy as sa

from retrieval import facets
from retrieval.catalogue.changes import Reply
from retrieval.catalogue.database import Database
from retrieval.catalogue.item import Attribute, Item, Origin, is_id
from retrieval.catalogue.ordering import Order, Place, page
from retrieval.catalogue.table import AMONG, BATCH, BY_ID, ITEM, ITEMS, REPLIES
from retrieval.errors import ItemMissing
from retrieval.facets import Facet
from retrieval.filters import EVERYTHING, Filter

FIRST_BY_ID = Order()


def read_digests(connection: sa.Connection, ids: Sequence[str]) -> dict[str, str]:
    """What `CatalogueReader.digests_of` answers, within a transaction."""
    query = sa.select(ITEMS.c.id, ITEMS.c.sha256).where(AMONG)
    digests: dict[str, str] = {}
    for start in range(0, len(ids), BATCH):
        rows = connection.execute(query, {"ids": ids[start : start + BATCH]})
        digests.update((row.id, row.sha256) for row in rows)
    return digests


class CatalogueReader:
    """The reading half of `Catalogue`, which see."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, id_: str) -> Item:
        """Raises ItemMissing."""
        item = self.get_many([id_]).get(id_)
        if item is None:
            raise ItemMissing("there is no item of that id in the catalogue")
        return item

    def get_many(self, ids: Sequence[str]) -> dict[str, Item]:
        """The items of these ids, by id; those that do not exist are left out."""
        possible = [id_ for id_ in ids if is_id(id_)]
        found: dict[str, Item] = {}
        with self._database.transaction() as connection:
            for start in range(0, len(possible), BATCH):
                rows = connection.execute(BY_ID, {"ids": possible[start : start + BATCH]})
                found.update((row.id, Item(*row)) for row in rows)
        return found

    def count(self) -> int:
        with self._database.transaction() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(ITEMS)).scalar_one()

    def ids(self) -> list[str]:
        """All ids, in the order of `items`."""
        with self._database.transaction() as connection:
            return list(connection.execute(sa.select(ITEMS.c.id).order_by(ITEMS.c.id)).scalars())

    def items(self) -> Iterator[Item]:
        """All items by ascending id, as they were at the first `next`; held in memory a batch at a time."""
        with self._database.transaction() as connection:
            streaming = connection.execution_options(yield_per=BATCH)
            for row in streaming.execute(ITEM.order_by(ITEMS.c.id)):
                yield Item(*row)

    def listed(
        self, chosen: Filter = EVERYTHING, order: Order = FIRST_BY_ID, *, limit: int, after: Place | None = None
    ) -> list[tuple[Item, Place]]:
        """The first items that a filter lets through, or those behind a place, each with its own place in the order."""
        asked = page(order, self._database.dialect, self._passes(chosen), after).limit(limit)
        width = len(fields(Item))
        with self._database.transaction() as connection:
            return [(Item(*row[:width]), tuple(row[width:])) for row in connection.execute(asked)]

    def matching(self, chosen: Filter, without: Collection[str] = ()) -> list[str]:
        """The ids of the items that a filter lets through, except these, in the order of `items`."""
        asked = sa.select(ITEMS.c.id).where(self._passes(chosen, without)).order_by(ITEMS.c.id)
        with self._database.transaction() as connection:
            return list(connection.execute(asked).scalars())

    def count_matching(self, chosen: Filter = EVERYTHING, without: Collection[str] = ()) -> int:
        """How many ids `matching` has."""
        asked = sa.select(sa.func.count()).select_from(ITEMS).where(self._passes(chosen, without))
        with self._database.transaction() as connection:
            return connection.execute(asked).scalar_one()

    def labels(self, chosen: Filter = EVERYTHING) -> dict[str, int]:
        """How many items carry each label, by label, of those that a filter lets through."""
        label = ITEMS.c.label
        counted = sa.select(label, sa.func.count()).where(label.is_not(None), self._passes(chosen))
        with self._database.transaction() as connection:
            return dict(connection.execute(counted.group_by(label).order_by(label)).all())

    def each_label(self) -> Iterator[tuple[str, str | None]]:
        """Every item's id and label, in no particular order; held in memory a batch at a time."""
        with self._database.transaction() as connection:
            streaming = connection.execution_options(yield_per=BATCH)
            for row in streaming.execute(sa.select(ITEMS.c.id, ITEMS.c.label)):
                yield row.id, row.label

    def facets(self, chosen: Filter = EVERYTHING, *, limit: int) -> list[Facet]:
        """The attributes of the items that a filter lets through, each with its `limit` most frequent values."""
        asked = facets.most_frequent(ITEMS, self._database.dialect, chosen, limit)
        with self._database.transaction() as connection:
            return facets.read_facets(connection.execute(asked))

    def tally(
        self,
        name: str | None,
        values: Collection[Attribute | None],
        chosen: Filter = EVERYTHING,
        without: Collection[str] = (),
    ) -> list[tuple[Attribute | None, int]]:
        """How many of the items of `matching` have each of these values of an attribute, or of the label (name None).

        None among the values: how many have none.
        """
        asked = facets.tallies(ITEMS, self._database.dialect, name, values, self._passes(chosen, without))
        with self._database.transaction() as connection:
            return [(facets.value_of(row), row.held) for row in connection.execute(asked)]

    def count_values(self, name: str | None, chosen: Filter = EVERYTHING, without: Collection[str] = ()) -> int:
        """How many different values the items of `matching` have, as in `tally`; having none is one of them."""
        asked = facets.distinct(ITEMS, self._database.dialect, name, self._passes(chosen, without))
        with self._database.transaction() as connection:
            return int(connection.execute(asked).scalar_one())

    def digests(self, origin: Origin | None = None) -> dict[str, str]:
        """The SHA-256 of every item's file by id, of all items or those of one origin."""
        asked = sa.select(ITEMS.c.id, ITEMS.c.sha256)
        if origin is not None:
            asked = asked.where(ITEMS.c.origin == origin)
        with self._database.transaction() as connection:
            return {row.id: row.sha256 for row in connection.execute(asked)}

    def digests_of(self, ids: Sequence[str]) -> dict[str, str]:
        """The SHA-256 of the files of these items, by id; those that do not exist are left out."""
        with self._database.transaction() as connection:
            return read_digests(connection, ids)

    def reply(self, key: str) -> Reply | None:
        """What the request that was sent with this key was answered, if it is remembered."""
        with self._database.transaction() as connection:
            row = connection.execute(sa.select(REPLIES).where(REPLIES.c.key == key)).one_or_none()
        return None if row is None else Reply(row.key, row.request, row.status, row.body)

    def _passes(self, chosen: Filter, without: Collection[str] = ()) -> sa.ColumnElement[bool]:
        return facets.matching(ITEMS, self._database.dialect, chosen, without)
