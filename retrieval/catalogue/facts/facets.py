"""Facets: the attributes that items have, each with its most frequent values; and the values that facts stand for."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from retrieval.catalogue.facts.keys import is_short, key_of
from retrieval.catalogue.facts.tables import COUNTS, FACTS, LABEL, NAMES, NUMBER, TRUTH, Fact
from retrieval.catalogue.item import Attribute
from retrieval.catalogue.table import ITEMS


@dataclass(frozen=True, slots=True)
class Facet:
    """An attribute, its most frequent values with how many items have them, and what there is besides."""

    name: str
    values: tuple[tuple[Attribute, int], ...]
    distinct: int
    """How many different values there are, also beyond `values`."""
    least: float | None
    """The smallest number among all values; None if there is none."""
    most: float | None


def value_of(connection: sa.Connection, fact: Fact) -> Attribute:
    """The value that a fact stands for. A whole number is an int, always."""
    if fact.kind == TRUTH:
        return bool(fact.number)
    if fact.kind == NUMBER:
        number = fact.number
        return int(number) if number == int(number) else number
    return fact.text if is_short(fact.text) else _long_text(connection, fact)


def facets_of_all(connection: sa.Connection, limit: int) -> list[Facet]:
    """Of all items, from the counts."""
    facets = []
    names = sa.select(NAMES.c.name, NAMES.c.different).where(NAMES.c.kind == NUMBER)
    for name, different in connection.execute(names).all():
        of_name = (COUNTS.c.name == name, COUNTS.c.kind < LABEL)
        best = sa.select(COUNTS).where(*of_name).limit(limit)
        best = best.order_by(COUNTS.c.held.desc(), COUNTS.c.kind, COUNTS.c.number, COUNTS.c.text)
        counts = {Fact(*row[:4]): row.held for row in connection.execute(best)}
        numbers = sa.select(COUNTS.c.number).where(COUNTS.c.name == name, COUNTS.c.kind == NUMBER).limit(1)
        key = (COUNTS.c.number, COUNTS.c.text)
        least = connection.execute(numbers.order_by(*key)).scalar_one_or_none()
        most = connection.execute(numbers.order_by(*(column.desc() for column in key))).scalar_one_or_none()
        facets.append(_facet(connection, name, counts, different, least, most))
    return sorted(facets, key=lambda facet: facet.name)


def facets_of_some(connection: sa.Connection, counted: Mapping[str, Mapping[Fact, int]], limit: int) -> list[Facet]:
    """Of some items, whose counts are by name and fact."""
    facets = []
    for name, counts in counted.items():
        best = dict(sorted(counts.items(), key=_most_frequent_first)[:limit])
        numbers = [fact.number for fact in counts if fact.kind == NUMBER]
        least, most = min(numbers, default=None), max(numbers, default=None)
        facets.append(_facet(connection, name, best, len(counts), least, most))
    return sorted(facets, key=lambda facet: facet.name)


def _most_frequent_first(entry: tuple[Fact, int]) -> tuple[int, Fact]:
    return -entry[1], entry[0]


def _facet(
    connection: sa.Connection,
    key: str,
    counts: Mapping[Fact, int],
    different: int,
    least: float | None,
    most: float | None,
) -> Facet:
    name = key if is_short(key) else _long_name(connection, key)
    values = tuple((value_of(connection, fact), count) for fact, count in counts.items())
    return Facet(name, values, different, least, most)


def _long_text(connection: sa.Connection, fact: Fact) -> str:
    """The whole text, from an item that has it."""
    statement = sa.select(ITEMS.c.label, ITEMS.c.attributes).join(FACTS, FACTS.c.item == ITEMS.c.number).limit(1)
    statement = statement.where(*(FACTS.c[name] == value for name, value in fact._asdict().items()))
    label, attributes = connection.execute(statement).one()
    if fact.kind == LABEL:
        return str(label)
    dialect = connection.dialect.name
    texts = (value for name, value in attributes.items() if key_of(name, dialect) == fact.name)
    return str(next(texts))


def _long_name(connection: sa.Connection, key: str) -> str:
    """The whole name, from an item that has the attribute."""
    statement = sa.select(ITEMS.c.attributes).join(FACTS, FACTS.c.item == ITEMS.c.number)
    statement = statement.where(FACTS.c.name == key, FACTS.c.kind <= TRUTH).limit(1)
    attributes = connection.execute(statement).scalar_one()
    return str(next(name for name in attributes if key_of(name, connection.dialect.name) == key))
