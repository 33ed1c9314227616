"""Filters: which items are meant, by label, attributes and time, as values and in SQL.

A filter is a conjunction: the label, every attribute that it names and the time must satisfy their conditions. `Not` is
the exact opposite of its condition, so an item that lacks an attribute satisfies every `Not` of it but that of None.
Text, numbers and truth values are never equal to one another; 1 and 1.0 are.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

import sqlalchemy as sa

Value: TypeAlias = str | int | float | bool

LARGEST = 2**63 - 1
"""The largest whole number that SQLite compares as one; beyond it, the nearest float is compared."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """Equal to one of these; None: has no value."""

    values: tuple[Value | None, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers, or texts by their code points, within bounds of that kind; None: no bound on this side."""

    gte: str | int | float | None = None
    gt: str | int | float | None = None
    lte: str | int | float | None = None
    lt: str | int | float | None = None

    def __post_init__(self) -> None:
        kinds = {_kind(bound) for bound in self.bounds().values()}
        if len(kinds) != 1 or not kinds <= {"text", "number"}:
            raise ValueError(
                "a range needs at least one of gte, gt, lte and lt, all of them numbers or all of them texts"
            )

    def bounds(self) -> dict[str, str | int | float]:
        """The bounds that are set, by name."""
        named = {"gte": self.gte, "gt": self.gt, "lte": self.lte, "lt": self.lt}
        return {name: bound for name, bound in named.items() if bound is not None}


@dataclass(frozen=True, slots=True)
class Not:
    """Whatever the condition is not true of."""

    condition: "Condition"


Condition: TypeAlias = OneOf | Range | Not


@dataclass(frozen=True, slots=True)
class Period:
    """From one moment on, until before another one; None: without a bound on this side."""

    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions on the label, if any, on attributes by name, and on when an item came; all must hold."""

    label: Condition | None = None
    attributes: Mapping[str, Condition] = field(default_factory=dict)
    created: Period = Period()


EVERYTHING = Filter()
"""Lets every item through."""

Clause: TypeAlias = sa.ColumnElement[bool]


def clause(chosen: Filter, items: sa.Table, dialect: str) -> Clause:
    """The filter as a condition on rows of `items`, which has the columns label, attributes (JSON) and created.

    `dialect`: sqlite or postgresql.
    """
    clauses = [_of_attribute(condition, name, items, dialect) for name, condition in chosen.attributes.items()]
    if chosen.label is not None:
        clauses.append(_of_label(chosen.label, items.c.label))
    if chosen.created.start is not None:
        clauses.append(items.c.created >= chosen.created.start)
    if chosen.created.end is not None:
        clauses.append(items.c.created < chosen.created.end)
    return sa.and_(sa.true(), *clauses)


def members(items: sa.Table, dialect: str) -> "Members":
    """The attributes of each row of `items`, to be joined to it."""
    return _Sqlite(items) if dialect == "sqlite" else _Postgresql(items)


class Members:
    """A row for each attribute: its name, and its value in the column of its kind; the others are NULL."""

    table: Any
    name: sa.ColumnElement[str]
    text: sa.ColumnElement[str | None]
    number: sa.ColumnElement[float | None]
    truth: sa.ColumnElement[int | None]

    def of_kind(self, kind: str) -> sa.ColumnElement[Any]:
        """The column of values of this kind: text, number or truth."""
        column: sa.ColumnElement[Any] = getattr(self, kind)
        return column


class _Sqlite(Members):
    def __init__(self, items: sa.Table) -> None:
        self.table = sa.func.json_each(items.c.attributes).table_valued("key", "value", "type")
        kind, value = self.table.c.type, self.table.c.value
        self.name = self.table.c.key
        self.text = sa.case((kind == "text", value))
        self.number = sa.case((kind.in_(("integer", "real")), value))
        self.truth = sa.case((kind.in_(("true", "false")), value))


class _Postgresql(Members):
    def __init__(self, items: sa.Table) -> None:
        self.table = sa.func.json_each(items.c.attributes).table_valued("key", "value").render_derived()
        kind = sa.func.json_typeof(self.table.c.value)
        # The value without its quotes. CASE keeps PostgreSQL from casting what is of another kind.
        value = sa.cast(self.table.c.value.op("#>>")(sa.literal_column("'{}'")), sa.Text)
        self.name = self.table.c.key
        self.text = sa.case((kind == "string", sa.collate(value, "C")))
        self.number = sa.case((kind == "number", sa.cast(value, sa.Double)))
        self.truth = sa.case((kind == "boolean", sa.cast(sa.cast(value, sa.Boolean), sa.Integer)))


def _of_label(condition: Condition, label: sa.ColumnElement[str]) -> Clause:
    match condition:
        case Not(inner):
            return sa.not_(_of_label(inner, label))
        case OneOf(values):
            texts = [value for value in values if isinstance(value, str)]
            # Written so that it is never NULL, whose opposite would be NULL again.
            among = sa.and_(label.is_not(None), label.in_(texts))
            return sa.or_(among, label.is_(None)) if None in values else among
        case Range():
            return sa.and_(label.is_not(None), *_within(condition, "text", label))


def _of_attribute(condition: Condition, name: str, items: sa.Table, dialect: str) -> Clause:
    match condition:
        case Not(inner):
            return sa.not_(_of_attribute(inner, name, items, dialect))
        case OneOf(values):
            attribute = members(items, dialect)
            equal = [
                attribute.of_kind(kind).in_([_bound(value) for value in values if _kind(value) == kind])
                for kind in ("text", "number", "truth")
                if any(_kind(value) == kind for value in values)
            ]
            among = _exists(attribute, name, sa.or_(sa.false(), *equal))
            return sa.or_(among, sa.not_(_exists(members(items, dialect), name))) if None in values else among
        case Range():
            attribute = members(items, dialect)
            (kind, *_) = (_kind(bound) for bound in condition.bounds().values())
            return _exists(attribute, name, *_within(condition, kind, attribute.of_kind(kind)))


def _exists(attribute: Members, name: str, *clauses: Clause) -> Clause:
    return sa.exists(sa.select(sa.literal(1)).select_from(attribute.table).where(attribute.name == name, *clauses))


def _within(condition: Range, kind: str, column: sa.ColumnElement[Any]) -> list[Clause]:
    bounds = condition.bounds()
    if any(_kind(bound) != kind for bound in bounds.values()):
        return [sa.false()]
    compared = {"gte": column.__ge__, "gt": column.__gt__, "lte": column.__le__, "lt": column.__lt__}
    return [compared[name](_bound(bound)) for name, bound in bounds.items()]


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "nothing"


def _bound(value: Value | None) -> sa.BindParameter[Any]:
    """The value as a parameter of its own kind's type."""
    if isinstance(value, bool):
        return sa.literal(int(value), sa.Integer)
    if isinstance(value, str):
        return sa.literal(value, sa.Text)
    if isinstance(value, int) and abs(value) <= LARGEST:
        return sa.literal(value, sa.BigInteger)
    if value is None:
        return sa.literal(None, sa.Double)
    try:
        return sa.literal(float(value), sa.Double)
    except OverflowError:  # larger than any number of any kind
        return sa.literal(math.inf if value > 0 else -math.inf, sa.Double)
