"""What a trainer writes: the items of its source, all in one transaction.

A few changes are noted in the ledger one by one; of many, all that is derived from the items is made anew, in SQL.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa

from retrieval.catalogue.facts.ledger import Entry, Ledger, entry_of
from retrieval.catalogue.facts.rebuild import rebuild
from retrieval.catalogue.facts.tables import STATE
from retrieval.catalogue.item import Item
from retrieval.catalogue.records.corrections import correct
from retrieval.catalogue.table import AMONG, BATCH, ITEMS, NUMBERED, insert, row, upsert

MAX_NOTED = 10_000
"""Items written or deleted beyond which it is faster to make everything anew."""


class SourceWriter:
    """Writes items of origin "source" in one transaction; `close` ends it."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._dialect = connection.dialect.name
        self._ledger = Ledger(connection)
        self._next = int(connection.execute(sa.select(STATE.c.next_number)).scalar_one())
        self._noted = 0

    def add(self, items: Iterable[Item]) -> None:
        """Those whose id is new."""
        statement = insert(ITEMS, self._dialect).on_conflict_do_nothing(index_elements=["id"])
        drawn = iter(items)
        while batch := list(islice(drawn, BATCH)):
            first: dict[str, Item] = {}
            for item in batch:
                first.setdefault(item.id, item)
            there = self._entries(list(first))
            new = [item for name, item in first.items() if name not in there]
            self._write(statement, new, [secrets.token_hex(8) for _ in new], {})

    def replace(self, items: Iterable[Item]) -> None:
        """All of these, in place of those of the same ids; earlier ones of the source that are not among them go.

        What people corrected stays as `corrections` says.
        """
        replacement, statement = secrets.token_hex(8), upsert(self._dialect)
        drawn = iter(items)
        while batch := list(islice(drawn, BATCH)):
            last = correct(self._connection, list({item.id: item for item in batch}.values()))
            there = self._entries([item.id for item in last]) if self._is_noting else {}
            self._write(statement, last, [replacement] * len(last), there)
        earlier = sa.and_(ITEMS.c.origin == "source", ITEMS.c.replacement.is_distinct_from(replacement))
        self._delete(earlier)

    def close(self) -> None:
        """Write what is derived from the items."""
        if not self._is_noting:
            rebuild(self._connection)
            return
        self._connection.execute(sa.update(STATE).values(next_number=self._next))
        self._ledger.close()

    @property
    def _is_noting(self) -> bool:
        return self._noted <= MAX_NOTED

    def _write(
        self, statement: Any, items: Sequence[Item], marks: Sequence[str], there: Mapping[str, tuple[Entry, str]]
    ) -> None:
        if not items:
            return
        rows = [row(item, "source", mark) for item, mark in zip(items, marks, strict=True)]
        for values in rows:
            values["number"], self._next = self._next, self._next + 1
        self._connection.execute(statement, rows)
        if not self._is_noting:
            return
        for item, values in zip(items, rows, strict=True):
            before, digest = there.get(item.id, (None, None))
            number = values["number"] if before is None or digest != item.sha256 else before.number
            self._note(before, Entry.of(number, item, self._dialect))

    def _note(self, before: Entry | None, after: Entry) -> None:
        if before == after:
            return
        self._noted += 1
        if before is None:
            self._ledger.add([after])
        elif before.number == after.number:
            self._ledger.change(before, after)
        else:
            self._ledger.remove([before])
            self._ledger.add([after])

    def _delete(self, which: sa.ColumnElement[bool]) -> None:
        if self._is_noting:
            count = self._connection.execute(sa.select(sa.func.count()).select_from(ITEMS).where(which)).scalar_one()
            self._noted += count
        if self._is_noting:
            removed_rows = self._connection.execute(NUMBERED.where(which)).all()
            self._ledger.remove([entry_of(each, self._dialect) for each in removed_rows])
        self._connection.execute(sa.delete(ITEMS).where(which))

    def _entries(self, ids: Sequence[str]) -> dict[str, tuple[Entry, str]]:
        """The items of these ids that are there, each with the SHA-256 of its file."""
        rows = self._connection.execute(NUMBERED.where(AMONG), {"ids": ids}).all()
        return {row.id: (entry_of(row, self._dialect), row.sha256) for row in rows}
