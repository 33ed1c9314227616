"""Facets: how many items have which value, as SQL over the table of items."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa

from retrieval.filters import Filter, OneOf, Value, clause, members

Rows: TypeAlias = sa.Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Facet:
    """An attribute, its most frequent values with how many items have them, and what there is besides."""

    name: str
    values: tuple[tuple[Value | None, int], ...]
    distinct: int
    """How many different values there are, also beyond `values`."""
    least: float | None
    """The smallest number among all values; None if there is none."""
    most: float | None


def matching(items: sa.Table, dialect: str, chosen: Filter, without: Collection[str] = ()) -> sa.ColumnElement[bool]:
    """The condition that a row passes the filter and is none of these ids."""
    passes = clause(chosen, items, dialect)
    return sa.and_(passes, items.c.id.not_in(list(without))) if without else passes


def most_frequent(items: sa.Table, dialect: str, chosen: Filter, limit: int) -> Rows:
    """Rows for `read_facets`: each attribute's `limit` most frequent values among the items that pass the filter."""
    member = members(items, dialect)
    name, text, number, truth = member.name, member.text, member.number, member.truth
    counted = (
        sa.select(
            name.label("name"), text.label("text"), number.label("number"), truth.label("truth"), _COUNT.label("held")
        )
        .select_from(items.join(member.table, sa.true()))
        .where(clause(chosen, items, dialect))
        .group_by(name, text, number, truth)
        .subquery()
    )
    of_name = counted.c.name
    best_first = (counted.c.held.desc(), counted.c.text, counted.c.number, counted.c.truth)
    ranked = sa.select(
        counted,
        sa.func.row_number().over(partition_by=of_name, order_by=best_first).label("row"),
        sa.func.count().over(partition_by=of_name).label("distinct"),
        sa.func.min(counted.c.number).over(partition_by=of_name).label("least"),
        sa.func.max(counted.c.number).over(partition_by=of_name).label("most"),
    ).subquery()
    return sa.select(ranked).where(ranked.c.row <= limit).order_by(ranked.c.name, ranked.c.row)


def read_facets(rows: Iterable[Any]) -> list[Facet]:
    """The facets of what `most_frequent` selects, by name."""
    facets: dict[str, Facet] = {}
    for row in rows:
        before = facets[row.name].values if row.name in facets else ()
        values = (*before, (value_of(row), row.held))
        facets[row.name] = Facet(row.name, values, row.distinct, row.least, row.most)
    return [facets[name] for name in sorted(facets)]


def tallies(
    items: sa.Table, dialect: str, name: str | None, values: Collection[Value | None], passes: sa.ColumnElement[bool]
) -> Rows:
    """How many of the items that pass have each of these values of the attribute `name`, or of the label if it is None.

    Columns text, number, truth and held; all three NULL for those without a value.
    """
    if name is None:
        label, wanted = items.c.label, clause(Filter(label=OneOf(tuple(values))), items, dialect)
        return sa.select(label.label("text"), *_NOTHING, _COUNT.label("held")).where(passes, wanted).group_by(label)
    member = members(items, dialect)
    wanted = clause(Filter(attributes={name: OneOf(tuple(values))}), items, dialect)
    counted: Rows = (
        sa.select(
            member.text.label("text"), member.number.label("number"), member.truth.label("truth"), _COUNT.label("held")
        )
        .select_from(items.outerjoin(member.table, member.name == name))
        .where(passes, wanted)
        .group_by(member.text, member.number, member.truth)
    )
    return counted


def distinct(items: sa.Table, dialect: str, name: str | None, passes: sa.ColumnElement[bool]) -> Rows:
    """How many different values the items that pass have, none at all being one of them; as in `tallies`."""
    if name is None:
        rows: Rows = sa.select(items.c.label).where(passes).distinct()
    else:
        member = members(items, dialect)
        rows = sa.select(member.text, member.number, member.truth).where(passes).distinct()
        rows = rows.select_from(items.outerjoin(member.table, member.name == name))
    return sa.select(sa.func.count()).select_from(rows.subquery())


def value_of(row: Any) -> Value | None:
    """The value in the columns text, number and truth; None if all are NULL. A whole number is an int, always."""
    if row.text is not None:
        return str(row.text)
    if row.truth is not None:
        return bool(row.truth)
    number: int | float | None = row.number
    return int(number) if number is not None and number == int(number) else number


_COUNT = sa.func.count()
_NOTHING = (sa.null().label("number"), sa.null().label("truth"))
