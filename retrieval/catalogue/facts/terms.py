"""The parts that a condition is made of: each is one stretch of the facts, or a few values among them.

What a term says in SQL, of facts as they are kept, it also says in Python, of the facts of one item.
"""

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from retrieval.catalogue.facts.keys import key_of
from retrieval.catalogue.facts.tables import (
    FACTS,
    LABEL,
    LABEL_NAME,
    NUMBER,
    TEXT,
    TRUTH,
    Fact,
    comparable_number,
    fact_of,
    label_fact,
)
from retrieval.filters import OneOf, Range, Value

COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "gte": operator.ge,
    "gt": operator.gt,
    "lte": operator.le,
    "lt": operator.lt,
}


@dataclass(frozen=True, slots=True)
class Term:
    """Facts of one name and kind: those of some values, those within bounds, or with neither, all of them."""

    name: str
    kind: int
    values: frozenset[int | float | str] | None = None
    bounds: tuple[tuple[str, int | float | str], ...] = ()

    @property
    def key(self) -> str:
        """Tells this term from all others, also True from 1."""
        values = None if self.values is None else sorted(self.values)
        return repr((self.name, self.kind, values, self.bounds))

    def clause(self) -> sa.ColumnElement[bool]:
        """The condition on rows of FACTS."""
        column = FACTS.c.text if self.kind in (TEXT, LABEL) else FACTS.c.number
        clauses = [FACTS.c.name == self.name, FACTS.c.kind == self.kind]
        if column is FACTS.c.text:
            clauses.append(FACTS.c.number == 0)  # so that the index leads to the texts
        if self.values is not None:
            clauses.append(column.in_([_bound(value) for value in sorted(self.values)]))
        clauses += [COMPARED[name](column, _bound(value)) for name, value in self.bounds]
        return sa.and_(*clauses)

    def holds(self, facts: Iterable[Fact]) -> bool:
        """Whether one of an item's facts is meant."""
        return any(self._means(fact) for fact in facts)

    def _means(self, fact: Fact) -> bool:
        if (fact.name, fact.kind) != (self.name, self.kind):
            return False
        value: Any = fact.text if self.kind in (TEXT, LABEL) else fact.number
        if self.values is not None and value not in self.values:
            return False
        return all(COMPARED[name](value, bound) for name, bound in self.bounds)


def terms_of_values(name: str | None, among: OneOf, dialect: str) -> list[Term]:
    """An attribute, or the label where `name` is None, has one of these values; None among them is not looked at."""
    by_kind: dict[tuple[str, int], set[int | float | str]] = {}
    for value in among.values:
        if value is None or (name is None and not isinstance(value, str)):
            continue
        fact = label_fact(str(value), dialect) if name is None else fact_of(name, value, dialect)
        by_kind.setdefault((fact.name, fact.kind), set()).add(fact.text if fact.kind in (TEXT, LABEL) else fact.number)
    return [Term(name, kind, frozenset(values)) for (name, kind), values in by_kind.items()]


def terms_of_range(name: str | None, within: Range, dialect: str) -> list[Term]:
    """An attribute, or the label where `name` is None, has a value within these bounds."""
    bounds = within.bounds()
    is_text = all(isinstance(bound, str) for bound in bounds.values())
    if name is None and not is_text:
        return []  # a label is a text
    kind = (LABEL if name is None else TEXT) if is_text else NUMBER
    key = LABEL_NAME if name is None else key_of(name, dialect)
    return [Term(key, kind, bounds=tuple((each, _limit(value, dialect)) for each, value in bounds.items()))]


def terms_of_any(name: str | None, dialect: str) -> list[Term]:
    """An attribute, or the label where `name` is None, has some value."""
    if name is None:
        return [Term(LABEL_NAME, LABEL)]
    return [Term(key_of(name, dialect), kind) for kind in (NUMBER, TEXT, TRUTH)]


def _limit(value: Value, dialect: str) -> int | float | str:
    return key_of(value, dialect) if isinstance(value, str) else comparable_number(value, dialect)


def _bound(value: int | float | str) -> sa.BindParameter[Any]:
    """The value as a parameter of its own type."""
    if isinstance(value, str):
        return sa.literal(value, sa.Text)
    return sa.literal(value, sa.BigInteger if isinstance(value, int) else sa.Double)
