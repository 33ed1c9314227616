"""Which items a filter lets through, as a set of their numbers.

Each part of a filter is read from the facts once. While the catalogue changes, what was read is kept up to date by the
journal: the items that came, changed or went since are looked at again, and no others.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import itemgetter
from threading import Lock
from typing import Any, TypeAlias

import numpy as np
import sqlalchemy as sa
from pyroaring import BitMap64

from retrieval.catalogue.facts.ledger import MAX_JOURNALED, batches, entry_of
from retrieval.catalogue.facts.tables import FACTS, JOURNAL, STATE, Facts
from retrieval.catalogue.facts.terms import Term, terms_of_any, terms_of_range, terms_of_values
from retrieval.catalogue.table import ITEMS, NUMBERED
from retrieval.filters import EVERYTHING, Condition, Filter, Not, OneOf, Period, Range
from retrieval.selection import Selection

MAX_PARTS = 256
"""Parts of filters that are kept: at most 125 kB each for a million items."""

MAX_SELECTIONS = 16
"""Selections that are kept: each a byte for every item where it is searched among."""

Part: TypeAlias = Term | Period | None
"""None: every item."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Items that came, changed or went since a version: their numbers, and what those that are here are like now."""

    numbers: BitMap64
    items: dict[int, tuple[Facts, Any]]
    """By number: facts, and when the item came."""


NOTHING_CHANGED = Changed(BitMap64(), {})


def matching_numbers(connection: sa.Connection, filter_: Filter) -> BitMap64:
    """The numbers of the items that a filter lets through, read within a transaction."""
    return _combine(filter_, connection.dialect.name, lambda part: read_part(connection, part))


def read_part(connection: sa.Connection, part: Part) -> BitMap64:
    """The numbers of the items that a part of a filter lets through."""
    if isinstance(part, Term):
        return read_numbers(connection, FACTS.c.item, part.clause())
    return read_numbers(connection, ITEMS.c.number, _within(part or Period()))


def read_numbers(connection: sa.Connection, column: sa.ColumnElement[int], clause: sa.ColumnElement[bool]) -> BitMap64:
    """The numbers in the rows of a condition: as one text, which is several times as fast as a row for each."""
    if connection.dialect.name == "sqlite":
        listed = sa.func.group_concat(column)
    else:
        listed = sa.func.string_agg(sa.cast(column, sa.Text), ",")
    return numbers_in(connection.execute(sa.select(listed).where(clause)).scalar_one())


def numbers_in(text: str | None) -> BitMap64:
    """The set of the numbers in a text, with commas between them."""
    return BitMap64(np.fromstring(text, np.uint64, sep=",")) if text else BitMap64()


class Matcher:
    """Remembers what was read of the facts. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._parts: OrderedDict[str, tuple[int, BitMap64]] = OrderedDict()

    def numbers(self, connection: sa.Connection, filter_: Filter, version: int) -> BitMap64:
        """The numbers of the items that a filter lets through, in the version that the transaction sees."""
        changes: dict[int, Changed | None] = {}

        def read(part: Part) -> BitMap64:
            key = part.key if isinstance(part, Term) else repr(part)
            with self._lock:
                latest = self._parts.get(key)
            if latest is not None and latest[0] == version:
                return latest[1]
            if latest is not None and latest[0] not in changes:
                changes[latest[0]] = read_changed(connection, latest[0], version)
            changed = None if latest is None else changes[latest[0]]
            if latest is None or changed is None:
                numbers = read_part(connection, part)
            else:
                numbers = (latest[1] - changed.numbers) | BitMap64(
                    number for number, of_item in changed.items.items() if _lets_through(part, *of_item)
                )
            self._keep(key, version, numbers)
            return numbers

        return _combine(filter_, connection.dialect.name, read)

    def _keep(self, key: str, version: int, numbers: BitMap64) -> None:
        with self._lock:
            if key not in self._parts or self._parts[key][0] <= version:
                self._parts[key] = version, numbers
            self._parts.move_to_end(key)
            while len(self._parts) > MAX_PARTS:
                self._parts.popitem(last=False)


class Selections:
    """The latest selections, so that whoever searches among one again need not prepare it again."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._latest: OrderedDict[str, tuple[int, Selection]] = OrderedDict()

    def get(self, filter_: Filter, version: int) -> Selection | None:
        """The selection by a filter in this version, if it is here."""
        with self._lock:
            entry = self._latest.get(_name_of(filter_))
        return entry[1] if entry is not None and entry[0] == version else None

    def keep(self, version: int, selection: Selection) -> Selection:
        """Remember one."""
        with self._lock:
            self._latest[_name_of(selection.filter)] = version, selection
            self._latest.move_to_end(_name_of(selection.filter))
            while len(self._latest) > MAX_SELECTIONS:
                self._latest.popitem(last=False)
        return selection


def _name_of(filter_: Filter) -> str:
    """Tells a filter from all others, also one for True from one for 1."""
    return repr((filter_.label, sorted(filter_.attributes.items(), key=itemgetter(0)), filter_.created))


def read_version(connection: sa.Connection) -> int:
    """The version of the catalogue that the transaction sees."""
    return int(connection.execute(_VERSION).scalar_one())


_VERSION = sa.select(STATE.c.version)


@dataclass(frozen=True, slots=True)
class State:
    """What tells the items of one moment from those of another, and of another catalogue."""

    catalogue: str
    version: int


def read_state(connection: sa.Connection) -> State:
    """The state that the transaction sees."""
    return State(*connection.execute(sa.select(STATE.c.catalogue, STATE.c.version)).one())


def read_changed(connection: sa.Connection, since: int, version: int) -> Changed | None:
    """What has changed between two versions; None where it is too much, or not known any more."""
    start = connection.execute(sa.select(STATE.c.journal_start)).scalar_one()
    if since < start or since > version:
        return None
    query = sa.select(JOURNAL.c.item).where(JOURNAL.c.version > since).distinct().limit(MAX_JOURNALED + 1)
    numbers = list(connection.execute(query).scalars())
    if len(numbers) > MAX_JOURNALED:
        return None
    items: dict[int, tuple[Facts, Any]] = {}
    among = NUMBERED.where(ITEMS.c.number.in_(sa.bindparam("numbers", expanding=True)))
    for batch in batches(numbers):
        for row in connection.execute(among, {"numbers": batch}):
            items[row.number] = entry_of(row, connection.dialect.name).facts, row.created
    return Changed(BitMap64(numbers), items)


def _combine(filter_: Filter, dialect: str, read: Callable[[Part], BitMap64]) -> BitMap64:
    """The filter's parts, together."""
    parts = [_of_condition(condition, name, dialect, read) for name, condition in filter_.attributes.items()]
    if filter_.label is not None:
        parts.append(_of_condition(filter_.label, None, dialect, read))
    if filter_.created != EVERYTHING.created:
        parts.append(read(filter_.created))
    if not parts:
        return read(None)
    return BitMap64.intersection(*parts) if len(parts) > 1 else parts[0]


def _of_condition(condition: Condition, name: str | None, dialect: str, read: Callable[[Part], BitMap64]) -> BitMap64:
    match condition:
        case Not(inner):
            return read(None) - _of_condition(inner, name, dialect, read)
        case OneOf():
            numbers = _union(read(term) for term in terms_of_values(name, condition, dialect))
            if None not in condition.values:
                return numbers
            return numbers | (read(None) - _union(read(term) for term in terms_of_any(name, dialect)))
        case Range():
            return _union(read(term) for term in terms_of_range(name, condition, dialect))


def _union(sets: Iterable[BitMap64]) -> BitMap64:
    several = list(sets)
    return BitMap64.union(*several) if len(several) > 1 else several[0] if several else BitMap64()


def _lets_through(part: Part, facts: Facts, created: Any) -> bool:
    if part is None:
        return True
    if isinstance(part, Term):
        return part.holds(facts)
    return (part.start is None or created >= part.start) and (part.end is None or created < part.end)


def _within(period: Period) -> sa.ColumnElement[bool]:
    clauses = []
    if period.start is not None:
        clauses.append(ITEMS.c.created >= period.start)
    if period.end is not None:
        clauses.append(ITEMS.c.created < period.end)
    return sa.and_(sa.true(), *clauses)
