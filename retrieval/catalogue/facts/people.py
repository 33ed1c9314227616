"""People: items of one label, and groups of faces that have no label yet, those of most items first.

Both are read from the counts, so a page costs the same however many items there are.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import NamedTuple

import sqlalchemy as sa

from retrieval.catalogue.facts.facets import value_of
from retrieval.catalogue.facts.keys import key_of
from retrieval.catalogue.facts.tables import COUNTS, FACTS, LABEL, LABEL_NAME, NAMES, TEXT, Fact, kind_of_name
from retrieval.catalogue.item import Attribute

FACE_GROUP = "face_group"
"""The attribute of an item without a label that tells its group: `group-7`."""
SAMPLE = 5
"""Ids that are told of each."""

BY_LABEL, BY_GROUP = 0, 1
"""The two kinds of people, in the order in which they are listed where they have as many items."""


class PeoplePlace(NamedTuple):
    """Where somebody stands in the list: of how many items, which kind of people, and the key of the name."""

    held: int
    kind: int
    key: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody: a label, or a group (the other one is None); of how many items; the first of their ids."""

    label: str | None
    group: str | None
    count: int
    sample: tuple[str, ...]


def ungrouped(label: str | None, attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """The attributes of an item of this label: who has a name is in no group."""
    return {name: value for name, value in attributes.items() if label is None or name != FACE_GROUP}


def list_people(
    connection: sa.Connection, kinds: Collection[int], *, limit: int, after: PeoplePlace | None
) -> list[tuple[Person, PeoplePlace]]:
    """The first people of these kinds, or those behind a place, each with their own place."""
    sections = [_section(connection, kind, limit, after) for kind in kinds]
    page = islice(merge(*sections, key=lambda place: (-place.held, place.kind, place.key)), limit)
    return [(_person(connection, place), place) for place in page]


def count_people(connection: sa.Connection, kinds: Collection[int]) -> int:
    """How many people of these kinds there are."""
    total = 0
    for kind in kinds:
        name, fact_kind = _of_kind(connection, kind)
        of_name = (NAMES.c.name == name, NAMES.c.kind == kind_of_name(fact_kind))
        total += connection.execute(sa.select(NAMES.c.different).where(*of_name)).scalar_one_or_none() or 0
    return total


def _of_kind(connection: sa.Connection, kind: int) -> tuple[str, int]:
    """The name and the kind of the facts of these people."""
    return (LABEL_NAME, LABEL) if kind == BY_LABEL else (key_of(FACE_GROUP, connection.dialect.name), TEXT)


def _section(connection: sa.Connection, kind: int, limit: int, after: PeoplePlace | None) -> list[PeoplePlace]:
    """The first people of one kind behind a place, as an index has them."""
    name, fact_kind = _of_kind(connection, kind)
    query = sa.select(COUNTS.c.held, COUNTS.c.text).where(COUNTS.c.name == name, COUNTS.c.kind == fact_kind)
    query = query.order_by(COUNTS.c.held.desc(), COUNTS.c.kind, COUNTS.c.number, COUNTS.c.text).limit(limit)
    parts = [query]
    if after is not None:
        parts = [query.where(COUNTS.c.held < after.held)]
        if kind >= after.kind:  # of as many items, some may still come
            equal = query.where(COUNTS.c.held == after.held)
            parts.insert(0, equal if kind > after.kind else equal.where(COUNTS.c.text > after.key))
    rows = (row for part in parts for row in connection.execute(part))
    return [PeoplePlace(row.held, kind, row.text) for row in islice(rows, limit)]


def _person(connection: sa.Connection, place: PeoplePlace) -> Person:
    name, fact_kind = _of_kind(connection, place.kind)
    fact = Fact(name, fact_kind, 0, place.key)
    value = str(value_of(connection, fact))
    key = (FACTS.c.name == name, FACTS.c.kind == fact_kind, FACTS.c.number == 0, FACTS.c.text == place.key)
    ids = connection.execute(sa.select(FACTS.c.id).where(*key).order_by(FACTS.c.id).limit(SAMPLE)).scalars()
    label, group = (value, None) if place.kind == BY_LABEL else (None, value)
    return Person(label, group, place.held, tuple(ids))
