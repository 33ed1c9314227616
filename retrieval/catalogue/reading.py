"""What can be asked of the catalogue: items by id, by filter and in order, and how many there are of what."""

from collections.abc import Collection, Iterable, Iterator, Sequence

import sqlalchemy as sa
from pyroaring import BitMap64

from retrieval.catalogue.changes import Reply, read_unnamed
from retrieval.catalogue.database import Database
from retrieval.catalogue.facts.counting import (
    Columns,
    Counts,
    different_of_all,
    read_facts,
    read_labels,
    tally_of_all,
)
from retrieval.catalogue.facts.facets import Facet, facets_of_all, facets_of_some, value_of
from retrieval.catalogue.facts.ledger import batches, read_counts
from retrieval.catalogue.facts.listing import list_page
from retrieval.catalogue.facts.matching import (
    NOTHING_CHANGED,
    Selections,
    State,
    read_changed,
    read_state,
    read_version,
)
from retrieval.catalogue.facts.people import PeoplePlace, Person, count_people, list_people
from retrieval.catalogue.facts.rebuild import differences
from retrieval.catalogue.facts.tables import ITEM_FACT, LABEL, LABEL_NAME, fact_of_value, name_key
from retrieval.catalogue.item import Attribute, Item, Origin, is_id
from retrieval.catalogue.ordering import Order, Place
from retrieval.catalogue.table import AMONG, BATCH, BY_ID, ITEM, ITEMS, REPLIES
from retrieval.catalogue.word_reading import WordReader
from retrieval.errors import CatalogueError, ItemMissing
from retrieval.filters import EVERYTHING, Filter, OneOf
from retrieval.selection import Selection

FIRST_BY_ID = Order()
MEND = "Restore it from a backup, or publish the bundle again."


def read_digests(connection: sa.Connection, ids: Sequence[str]) -> dict[str, str]:
    """What `CatalogueReader.digests_of` answers, within a transaction."""
    query = sa.select(ITEMS.c.id, ITEMS.c.sha256).where(AMONG)
    digests: dict[str, str] = {}
    for start in range(0, len(ids), BATCH):
        rows = connection.execute(query, {"ids": ids[start : start + BATCH]})
        digests.update((row.id, row.sha256) for row in rows)
    return digests


class CatalogueReader(WordReader):
    """The reading half of `Catalogue`, which see."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._columns = Columns()
        self._selections = Selections()

    def get(self, id_: str) -> Item:
        """Raises ItemMissing."""
        item = self.get_many([id_]).get(id_)
        if item is None:
            raise ItemMissing("there is no item of that id in the catalogue")
        return item

    def get_many(self, ids: Sequence[str]) -> dict[str, Item]:
        """The items of these ids, by id; those that do not exist are left out."""
        possible = [id_ for id_ in ids if is_id(id_)]
        items: dict[str, Item] = {}
        with self._database.transaction() as connection:
            for start in range(0, len(possible), BATCH):
                rows = connection.execute(BY_ID, {"ids": possible[start : start + BATCH]})
                items.update((row.id, Item(*row)) for row in rows)
        return items

    def count(self) -> int:
        return self.count_matching()

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

    def state(self) -> State:
        """Another one after every change of an item."""
        with self._database.transaction() as connection:
            return read_state(connection)

    def listed(
        self, filter_: Filter = EVERYTHING, order: Order = FIRST_BY_ID, *, limit: int, after: Place | None = None
    ) -> list[tuple[Item, Place]]:
        """The first items that a filter lets through, or those behind a place, each with its own place in the order."""
        with self._database.transaction() as connection:
            version = read_version(connection)

            def numbers_without(name: str | None) -> BitMap64:
                without = OneOf((None,))
                filter_without = Filter(label=without) if name is None else Filter(attributes={name: without})
                return self._matcher.numbers(connection, filter_without, version)

            among = None if filter_ == EVERYTHING else self._matcher.numbers(connection, filter_, version)
            return list_page(connection, order, limit=limit, after=after, among=among, numbers_without=numbers_without)

    def select(self, filter_: Filter) -> Selection:
        """The items that a filter lets through. The same object again until an item has changed."""
        with self._database.transaction() as connection:
            version = read_version(connection)
            selection = self._selections.get(filter_, version)
            if selection is not None:
                return selection
            numbers = self._matcher.numbers(connection, filter_, version)
        return self._selections.keep(version, Selection(filter_, numbers, self.ids_of, self.numbers_of))

    def ids_of(self, numbers: Iterable[int]) -> dict[int, str]:
        """The ids of items by their numbers; those that do not exist are left out."""
        query = sa.select(ITEMS.c.number, ITEMS.c.id).where(ITEMS.c.number.in_(sa.bindparam("some", expanding=True)))
        ids: dict[int, str] = {}
        with self._database.transaction() as connection:
            for batch in batches(list(numbers)):
                ids.update((row.number, row.id) for row in connection.execute(query, {"some": batch}))
        return ids

    def numbers_of(self, ids: Sequence[str]) -> dict[str, int]:
        """The numbers of items by their ids; those that do not exist are left out."""
        query, numbers = sa.select(ITEMS.c.id, ITEMS.c.number).where(AMONG), dict[str, int]()
        with self._database.transaction() as connection:
            for batch in batches(ids):
                numbers.update((row.id, row.number) for row in connection.execute(query, {"ids": batch}))
        return numbers

    def matching(self, filter_: Filter, without: Collection[str] = ()) -> list[str]:
        """The ids of the items that a filter lets through, except these, in the order of `items`."""
        return sorted(set(self.select(filter_).ids()).difference(without))

    def count_matching(self, filter_: Filter = EVERYTHING, without: Collection[str] = ()) -> int:
        """How many ids `matching` has."""
        with self._database.transaction() as connection:
            version, excluded = read_version(connection), read_facts(connection, without)
            if filter_ == EVERYTHING:
                return read_counts(connection, [ITEM_FACT]).get(ITEM_FACT, 0) - len(excluded)
            numbers = self._matcher.numbers(connection, filter_, version)
            return len(numbers) - sum(number in numbers for number in excluded)

    def labels(self, filter_: Filter = EVERYTHING) -> dict[str, int]:
        """How many items carry each label, by label, of those that a filter lets through."""
        with self._database.transaction() as connection:
            if filter_ == EVERYTHING:
                counts = read_labels(connection)
            else:
                version = read_version(connection)
                numbers = self._matcher.numbers(connection, filter_, version)
                counts = self._columns.counts(connection, LABEL_NAME, LABEL, numbers, version)
            return {str(value_of(connection, fact)): count for fact, count in sorted(counts.items())}

    def labels_of(self, ids: Sequence[str]) -> dict[str, str | None]:
        """The labels of these items by id; those that do not exist are left out."""
        labels: dict[str, str | None] = {}
        query = sa.select(ITEMS.c.id, ITEMS.c.label).where(AMONG)
        with self._database.transaction() as connection:
            for batch in batches(ids):
                labels.update((row.id, row.label) for row in connection.execute(query, {"ids": batch}))
        return labels

    def changed_since(self, version: int) -> tuple[int, list[str] | None]:
        """The version now, and the ids of the items that came or changed since another one.

        None in place of the ids where too many have changed, or it is too long ago.
        """
        with self._database.transaction() as connection:
            now = read_version(connection)
            changed = read_changed(connection, version, now) if version != now else NOTHING_CHANGED
        ids = None if changed is None else list(self.ids_of(changed.items).values())
        return now, ids

    def facets(self, filter_: Filter = EVERYTHING, *, limit: int) -> list[Facet]:
        """The attributes of the items that a filter lets through, each with its `limit` most frequent values."""
        with self._database.transaction() as connection:
            if filter_ == EVERYTHING:
                return facets_of_all(connection, limit)
            version = read_version(connection)
            numbers = self._matcher.numbers(connection, filter_, version)
            return facets_of_some(connection, self._columns.all_counts(connection, numbers, version), limit)

    def people(
        self, kinds: Collection[int], *, limit: int, after: PeoplePlace | None = None
    ) -> tuple[list[tuple[Person, PeoplePlace]], int]:
        """A page of labels and of groups of faces, those of most items first, and how many there are in all."""
        with self._database.transaction() as connection:
            page = list_people(connection, kinds, limit=limit, after=after)
            return page, count_people(connection, kinds)

    def tally(
        self,
        name: str | None,
        values: Collection[Attribute | None],
        filter_: Filter = EVERYTHING,
        without: Collection[str] = (),
    ) -> list[tuple[Attribute | None, int]]:
        """How many of the items of `matching` have each of these values of an attribute, or of the label (name None).

        None among the values: how many have none.
        """
        key, kind, dialect = *name_key(name, self._database.dialect), self._database.dialect
        values_by_fact = {fact: value for value in values if (fact := fact_of_value(name, value, dialect)) is not None}
        with self._database.transaction() as connection:
            excluded = read_facts(connection, without)
            if filter_ == EVERYTHING:
                counts, without_value = tally_of_all(connection, key, kind, list(values_by_fact), excluded)
            else:
                counts, without_value = self._tally_of_some(connection, key, kind, filter_, excluded)
        tallied: list[tuple[Attribute | None, int]] = [
            (value, counts[fact]) for fact, value in values_by_fact.items() if counts[fact] > 0
        ]
        return [*tallied, (None, without_value)] if None in values and without_value else tallied

    def count_values(self, name: str | None, filter_: Filter = EVERYTHING, without: Collection[str] = ()) -> int:
        """How many different values the items of `matching` have, as in `tally`; having none is one of them."""
        key, kind = name_key(name, self._database.dialect)
        with self._database.transaction() as connection:
            excluded = read_facts(connection, without)
            if filter_ == EVERYTHING:
                return different_of_all(connection, key, kind, excluded)
            counts, without_value = self._tally_of_some(connection, key, kind, filter_, excluded)
        return len(counts) + (without_value > 0)

    def _tally_of_some(
        self, connection: sa.Connection, name: str, kind: int, filter_: Filter, excluded: Collection[int]
    ) -> tuple[Counts, int]:
        """How many of these items have which value, and how many have none."""
        version = read_version(connection)
        numbers = self._matcher.numbers(connection, filter_, version) - BitMap64(excluded)
        counts = self._columns.counts(connection, name, kind, numbers, version)
        return counts, len(numbers) - counts.total()

    def check(self) -> None:
        """Compare what is derived from the items with the items, all of them. Raises CatalogueError."""
        with self._database.transaction() as connection:
            faults = differences(connection)
        if faults:
            raise CatalogueError(f"{self._database.name} is damaged: {'; '.join(faults)}. {MEND}")

    def digests(self, origin: Origin | None = None) -> dict[str, str]:
        """The SHA-256 of every item's file by id, of all items or those of one origin."""
        statement = sa.select(ITEMS.c.id, ITEMS.c.sha256)
        if origin is not None:
            statement = statement.where(ITEMS.c.origin == origin)
        with self._database.transaction() as connection:
            return {row.id: row.sha256 for row in connection.execute(statement)}

    def digests_of(self, ids: Sequence[str]) -> dict[str, str]:
        """The SHA-256 of the files of these items, by id; those that do not exist are left out."""
        with self._database.transaction() as connection:
            return read_digests(connection, ids)

    def unnamed(self, locations: Collection[str]) -> set[str]:
        """Which of these files are no item's, deleted or not, at the moment."""
        with self._database.transaction() as connection:
            return read_unnamed(connection, locations)

    def reply(self, key: str) -> Reply | None:
        """What the request that was sent with this key was answered, if it is remembered."""
        with self._database.transaction() as connection:
            row = connection.execute(sa.select(REPLIES).where(REPLIES.c.key == key)).one_or_none()
        return None if row is None else Reply(row.key, row.request, row.status, row.body)
