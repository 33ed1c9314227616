"""A page of the items in an order, of all of them or of a set of them.

Items that have the attribute (or the label) come in the order of their facts, straight from the index; those without it
come behind, by id. Of a set, the page is found by walking along the index; where that takes long, or the set is small,
by sorting the set.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa
from pyroaring import BitMap64

from retrieval.catalogue.facts.keys import key_of
from retrieval.catalogue.facts.ledger import batches
from retrieval.catalogue.facts.tables import FACTS, LABEL, LABEL_NAME, Fact, facts_of, kind_of_name
from retrieval.catalogue.item import Item
from retrieval.catalogue.ordering import Order, Place
from retrieval.catalogue.table import ITEMS, NUMBERED, microseconds

FEW = 1_000
"""Items that are sorted at once: faster than to walk along the index until one after the other turns up."""
MIN_STEP, MAX_STEP = 200, 10_000
"""Rows of the index that are looked at together."""
MAX_WALK = 20_000
"""Rows of the index that are looked at before the set is sorted instead, unless that is much larger."""
MUCH = 10
"""Times as many items in the set as rows have been looked at: then the walk goes on."""

Key: TypeAlias = tuple[Any, ...]
Numbered: TypeAlias = tuple[int, Key]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a list: rows of one table, in the order of some of its columns, the item's id last."""

    number: sa.ColumnElement[int]
    columns: tuple[sa.ColumnElement[Any], ...]
    descending: bool
    clause: sa.ColumnElement[bool]
    key_of_item: Callable[[Item], Key | None]
    """None for an item that is not in this section."""

    def statement(self, after: Key | None, limit: int) -> sa.Select[Any]:
        """Numbers and keys behind a key, in order."""
        query = sa.select(self.number, *self.columns).where(self.clause)
        if after is not None:
            # A form for which the databases go straight to it in an index.
            columns, values = sa.tuple_(*self.columns), sa.tuple_(*map(_bound, after))
            query = query.where(columns < values if self.descending else columns > values)
        order = (column.desc() if self.descending else column for column in self.columns)
        return query.order_by(*order).limit(limit)


def list_page(
    connection: sa.Connection,
    order: Order,
    *,
    limit: int,
    after: Place | None,
    among: BitMap64 | None,
    numbers_without: Callable[[str | None], BitMap64],
) -> list[tuple[Item, Place]]:
    """The items behind a place, each with its own; only those `among` these numbers, if they are given.

    `numbers_without`: the numbers of all items without an attribute, or without a label (None).
    """
    section = section_of(order, connection.dialect.name)
    if order.by in ("id", "created"):
        page = _read(connection, section, after, limit, among)
        return _with_items(connection, page)
    rows: list[tuple[int, Place]] = []
    missing = _missing_place(order)
    if after is None or not after[0]:
        page = _read(connection, section, None if after is None else after[1:], limit, among)
        rows = [(number, (0, *key)) for number, key in page]
    if len(rows) < limit:
        without = numbers_without(order.name if order.by == "attribute" else None)
        rest = without if among is None else without & among
        last = after[-1:] if after is not None and after[0] else None
        by_id = section_of(Order(descending=order.descending), connection.dialect.name)
        page = _read(connection, by_id, last, limit - len(rows), rest)
        rows += [(number, (*missing, *key)) for number, key in page]
    return _with_items(connection, rows)


def section_of(order: Order, dialect: str) -> Section:
    """The items that have what they are ordered by."""
    if order.by == "id":
        return Section(ITEMS.c.number, (ITEMS.c.id,), order.descending, sa.true(), lambda item: (item.id,))
    if order.by == "created":
        created = sa.type_coerce(ITEMS.c.created, sa.BigInteger)
        return Section(
            ITEMS.c.number,
            (created, ITEMS.c.id),
            order.descending,
            sa.true(),
            lambda item: (microseconds(item.created), item.id),
        )
    name, kind = (LABEL_NAME, LABEL) if order.by == "label" else (key_of(order.name, dialect), 0)
    clause = sa.and_(FACTS.c.name == name, FACTS.c.kind == LABEL if kind else FACTS.c.kind < LABEL)
    key = _label_key if order.by == "label" else _value_key

    def key_of_item(item: Item) -> Key | None:
        for fact in facts_of(item, dialect):
            if (fact.name, kind_of_name(fact.kind)) == (name, kind):
                return key(fact, item.id)
        return None

    columns: tuple[sa.ColumnElement[Any], ...] = (FACTS.c.kind, FACTS.c.number, FACTS.c.text, FACTS.c.id)
    if order.by == "label":
        clause, columns = sa.and_(clause, FACTS.c.number == 0), columns[2:]
    return Section(FACTS.c.item, columns, order.descending, clause, key_of_item)


def _label_key(fact: Fact, id_: str) -> Key:
    return fact.text, id_


def _value_key(fact: Fact, id_: str) -> Key:
    return fact.kind, fact.number, fact.text, id_


def _missing_place(order: Order) -> Place:
    """The beginning of the place of an item without the attribute, or without a label."""
    return (1, "") if order.by == "label" else (1, 0, 0, "")


def _read(
    connection: sa.Connection, section: Section, after: Key | None, limit: int, among: BitMap64 | None
) -> list[Numbered]:
    if among is None:
        return _walk(connection, section, after, limit)
    if len(among) <= FEW:
        return _sorted(connection, section, after, limit, among)
    page: list[Numbered] = []
    walked, step = 0, max(MIN_STEP, 2 * limit)
    while len(page) < limit:
        if walked >= MAX_WALK and len(among) < MUCH * walked:
            return page + _sorted(connection, section, after, limit - len(page), among)
        rows = _walk(connection, section, after, step)
        page += [row for row in rows if row[0] in among]
        if len(rows) < step:
            break
        after = rows[-1][1]
        walked, step = walked + step, min(2 * step, MAX_STEP)
    return page[:limit]


def _walk(connection: sa.Connection, section: Section, after: Key | None, limit: int) -> list[Numbered]:
    return [(row[0], tuple(row[1:])) for row in connection.execute(section.statement(after, limit))]


def _sorted(
    connection: sa.Connection, section: Section, after: Key | None, limit: int, among: BitMap64
) -> list[Numbered]:
    keys = [(number, section.key_of_item(item)) for number, item in _items(connection, list(among)).items()]
    page = [(number, key) for number, key in keys if key is not None and _is_behind(key, after, section.descending)]
    return sorted(page, key=lambda row: row[1], reverse=section.descending)[:limit]


def _is_behind(key: Key, after: Key | None, descending: bool) -> bool:
    return after is None or (key < after if descending else key > after)


def _with_items(connection: sa.Connection, rows: Sequence[tuple[int, Place]]) -> list[tuple[Item, Place]]:
    items = _items(connection, [number for number, _ in rows])
    return [(items[number], place) for number, place in rows if number in items]


def _items(connection: sa.Connection, numbers: Sequence[int]) -> dict[int, Item]:
    among = NUMBERED.where(ITEMS.c.number.in_(sa.bindparam("numbers", expanding=True)))
    rows = (connection.execute(among, {"numbers": batch}) for batch in batches(numbers))
    return {row[0]: Item(*row[1:]) for batch in rows for row in batch}


def _bound(value: str | int | float) -> sa.BindParameter[Any]:
    return sa.literal(value, sa.BigInteger) if isinstance(value, int) else sa.literal(value)
