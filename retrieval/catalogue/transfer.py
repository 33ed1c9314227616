"""A whole catalogue copied into another database: from a file into PostgreSQL, or back. All of it, or nothing."""

import json
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256

import sqlalchemy as sa

from retrieval.catalogue.database import Database
from retrieval.catalogue.facts.rebuild import differences, rebuild
from retrieval.catalogue.facts.tables import STATE
from retrieval.catalogue.schema import open_database
from retrieval.catalogue.table import BATCH, BIN, CORRECTIONS, DISMISSALS, FEEDBACK, HISTORY, ITEMS, REPLIES
from retrieval.errors import CatalogueError

TABLES = (ITEMS, BIN, HISTORY, CORRECTIONS, FEEDBACK, DISMISSALS, REPLIES)
"""What is copied. What is derived from the items is made anew; leases and jobs are of the servers of one database."""

Sums = dict[str, tuple[int, int]]
"""By table: how many rows there are, and the sum of their checksums."""


def transfer(source_url: str, target_url: str) -> tuple[dict[str, int], bool]:
    """Copy a catalogue into an empty database, and compare both. Returns how many rows of each table there are, and
    whether they were copied: False where all of them had been there.

    Raises CatalogueError where the target has items of its own, StorageError where it cannot be written.
    """
    with closing(open_database(source_url)) as source, closing(open_database(target_url)) as target:
        with source.transaction() as reading, target.transaction(writing=True) as writing:
            expected, before = _sums(reading), _sums(writing)
            is_empty = not any(count for count, _ in before.values())
            if not is_empty and before != expected:
                raise CatalogueError(f"{target.name} has items already, and others: name an empty database.")
            if is_empty:
                _copy(reading, writing)
                _check(target, writing, expected)
        return {name: count for name, (count, _) in expected.items()}, is_empty


def _copy(reading: sa.Connection, writing: sa.Connection) -> None:
    for table in TABLES:
        for rows in _batches(reading, table):
            writing.execute(sa.insert(table), rows)
    next_number = reading.execute(sa.select(STATE.c.next_number)).scalar_one()
    writing.execute(sa.update(STATE).values(next_number=next_number))
    rebuild(writing)


def _check(target: Database, writing: sa.Connection, expected: Sums) -> None:
    """Raises CatalogueError, so that nothing was copied."""
    actual = _sums(writing)
    different = [name for name in expected if actual[name] != expected[name]]
    if different or differences(writing):
        raise CatalogueError(f"{target.name} does not keep {', '.join(different) or 'facts'} as they are: report this.")


def _sums(connection: sa.Connection) -> Sums:
    """In no order: databases sort texts differently."""
    sums = {}
    for table in TABLES:
        count = total = 0
        for rows in _batches(connection, table):
            count += len(rows)
            for row in rows:
                text = json.dumps(row, sort_keys=True, default=str).encode()
                total = (total + int.from_bytes(sha256(text).digest())) % 2**256
        sums[table.name] = count, total
    return sums


def _batches(connection: sa.Connection, table: sa.Table) -> Iterator[list[dict[str, object]]]:
    """All rows, some at a time."""
    query = sa.select(table).execution_options(yield_per=BATCH)
    for rows in connection.execute(query).mappings().partitions():
        yield [dict(row) for row in rows]
