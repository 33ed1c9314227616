"""How many items have which values: of all items from the counts that every write keeps, of some of them by a look at
their facts.

An attribute, or the label, of many items is held as a column: a code for each item, by its number. So the values of
half a million items are counted in milliseconds.
"""

from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeAlias

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from pyroaring import BitMap64

from retrieval.catalogue.facts.ledger import batches, entry_of, read_counts
from retrieval.catalogue.facts.matching import Changed, numbers_in, read_changed
from retrieval.catalogue.facts.tables import (
    COUNTS,
    FACTS,
    ITEM_FACT,
    LABEL,
    LABEL_NAME,
    NAMES,
    NUMBER,
    Fact,
    Facts,
    kind_of_name,
)
from retrieval.catalogue.item import is_id
from retrieval.catalogue.table import AMONG, ITEMS, NUMBERED

FEW = 500
"""Items that are read one by one: faster than to make a column of all items."""
MAX_BYTES = 64_000_000
"""Of the columns that are kept."""
BYTES_OF_VALUE = 200

Counts: TypeAlias = Counter[Fact]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """The values that items have under one name, in one version of the catalogue."""

    version: int
    facts: tuple[Fact, ...]
    codes: NDArray[np.int32]
    """By an item's number: 0 for no value, or 1 more than its fact's place."""

    @property
    def size_bytes(self) -> int:
        """Roughly what it takes in memory."""
        return self.codes.nbytes + BYTES_OF_VALUE * len(self.facts)

    def counts(self, numbers: BitMap64) -> Counts:
        """How many of these items have which value."""
        rows = np.asarray(numbers.to_array(), np.int64)
        rows = rows[: int(np.searchsorted(rows, len(self.codes)))]  # items behind the last one with a value
        code_counts = np.bincount(self.codes[rows], minlength=1)
        code_counts[0] = 0
        return Counter({self.facts[code - 1]: int(code_counts[code]) for code in np.flatnonzero(code_counts).tolist()})

    def changed(self, version: int, changed: Changed, name: str, kind: int) -> "Column":
        """The column after some items have changed."""
        facts, places = list(self.facts), {fact: place for place, fact in enumerate(self.facts, start=1)}
        last = int(changed.numbers.max()) if changed.numbers else 0
        codes = np.zeros(max(len(self.codes), last + 1), np.int32)
        codes[: len(self.codes)] = self.codes
        codes[np.asarray(changed.numbers.to_array(), np.int64)] = 0
        for number, (of_item, _) in changed.items.items():
            for fact in _facts_of_name(of_item, name, kind):
                if fact not in places:
                    facts.append(fact)
                    places[fact] = len(facts)
                codes[number] = places[fact]
        return Column(version, tuple(facts), codes)


class Columns:
    """Columns by name, read when they are wanted first. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._columns: OrderedDict[tuple[str, int], Column] = OrderedDict()

    def counts(self, connection: sa.Connection, name: str, kind: int, numbers: BitMap64, version: int) -> Counts:
        """How many of these items have which value under a name (see NAMES)."""
        if len(numbers) <= FEW:
            rows = _items(connection, numbers)
            return Counter(fact for facts in rows.values() for fact in _facts_of_name(facts, name, kind))
        return self._column(connection, name, kind, version).counts(numbers)

    def all_counts(self, connection: sa.Connection, numbers: BitMap64, version: int) -> dict[str, Counts]:
        """How many of these items have which value, for each attribute that one of them has."""
        counts_by_name: dict[str, Counts] = {}
        if len(numbers) <= FEW:
            for facts in _items(connection, numbers).values():
                for fact in facts:
                    if fact.kind < LABEL:
                        counts_by_name.setdefault(fact.name, Counter())[fact] += 1
            return counts_by_name
        for name in connection.execute(sa.select(NAMES.c.name).where(NAMES.c.kind == NUMBER)).scalars().all():
            if counts := self._column(connection, name, NUMBER, version).counts(numbers):
                counts_by_name[name] = counts
        return counts_by_name

    def _column(self, connection: sa.Connection, name: str, kind: int, version: int) -> Column:
        with self._lock:
            column = self._columns.get((name, kind))
        if column is None or column.version != version:
            changed = None if column is None else read_changed(connection, column.version, version)
            if column is None or changed is None:
                column = read_column(connection, name, kind, version)
            else:
                column = column.changed(version, changed, name, kind)
        with self._lock:
            self._columns[name, kind] = column
            self._columns.move_to_end((name, kind))
            while len(self._columns) > 1 and sum(each.size_bytes for each in self._columns.values()) > MAX_BYTES:
                self._columns.popitem(last=False)
        return column


def read_column(connection: sa.Connection, name: str, kind: int, version: int) -> Column:
    """The column of a name (see NAMES), from the facts."""
    value = (FACTS.c.name, FACTS.c.kind, FACTS.c.number, FACTS.c.text)
    if connection.dialect.name == "sqlite":
        listed = sa.func.group_concat(FACTS.c.item)
    else:
        listed = sa.func.string_agg(sa.cast(FACTS.c.item, sa.Text), ",")
    of_kind = FACTS.c.kind == kind if kind == LABEL else FACTS.c.kind < LABEL
    query = sa.select(*value, listed).where(FACTS.c.name == name, of_kind).group_by(*value)
    facts, numbers = [], []
    for *fact, text in connection.execute(query):
        facts.append(Fact(*fact))
        numbers.append(np.asarray(numbers_in(text).to_array(), np.int64))
    codes = np.zeros(1 + max((int(each[-1]) for each in numbers), default=0), np.int32)
    for place, each in enumerate(numbers, start=1):
        codes[each] = place
    return Column(version, tuple(facts), codes)


def read_labels(connection: sa.Connection) -> Counts:
    """How many of all items have which label."""
    rows = connection.execute(sa.select(COUNTS).where(COUNTS.c.name == LABEL_NAME, COUNTS.c.kind == LABEL))
    return Counter({Fact(*row[:4]): row.held for row in rows})


def read_facts(connection: sa.Connection, ids: Collection[str]) -> dict[int, Facts]:
    """The facts of those of these items that exist, by number."""
    possible = [id_ for id_ in ids if is_id(id_)]
    return _facts(connection, NUMBERED.where(AMONG), "ids", possible)


def tally_of_all(
    connection: sa.Connection, name: str, kind: int, facts: Sequence[Fact], excluded: Mapping[int, Facts]
) -> tuple[Counts, int]:
    """How many of all items but the excluded ones have each of these facts; how many have none under their name."""
    counts = Counter(read_counts(connection, facts))
    counts.subtract(fact for of_item in excluded.values() for fact in of_item if fact in counts)
    _, with_value = _of_name(connection, name, kind)
    without_value_excluded = sum(not _facts_of_name(of_item, name, kind) for of_item in excluded.values())
    return counts, read_counts(connection, [ITEM_FACT]).get(ITEM_FACT, 0) - with_value - without_value_excluded


def different_of_all(connection: sa.Connection, name: str, kind: int, excluded: Mapping[int, Facts]) -> int:
    """How many different values all items but the excluded ones have, none at all being one of them."""
    excluded_counts = Counter(fact for of_item in excluded.values() for fact in _facts_of_name(of_item, name, kind))
    counts, without_value = tally_of_all(connection, name, kind, list(excluded_counts), excluded)
    different, _ = _of_name(connection, name, kind)
    return different - sum(counts[fact] == 0 for fact in excluded_counts) + (without_value > 0)


def _of_name(connection: sa.Connection, name: str, kind: int) -> tuple[int, int]:
    """How many different values there are, and how many items have one."""
    query = sa.select(NAMES.c.different, NAMES.c.held).where(NAMES.c.name == name, NAMES.c.kind == kind)
    row = connection.execute(query).one_or_none()
    return (0, 0) if row is None else (row.different, row.held)


def _items(connection: sa.Connection, numbers: BitMap64) -> dict[int, Facts]:
    among = NUMBERED.where(ITEMS.c.number.in_(sa.bindparam("numbers", expanding=True)))
    return _facts(connection, among, "numbers", list(numbers))


def _facts(connection: sa.Connection, query: Any, parameter: str, values: Sequence[Any]) -> dict[int, Facts]:
    rows = (connection.execute(query, {parameter: batch}) for batch in batches(values))
    return {row.number: entry_of(row, connection.dialect.name).facts for batch in rows for row in batch}


def _facts_of_name(facts: Iterable[Fact], name: str, kind: int) -> Facts:
    return [fact for fact in facts if fact.name == name and kind_of_name(fact.kind) == kind]
