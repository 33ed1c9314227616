"""The ledger of the vectors that a bundle has in Milvus: what is in it is there for searches, whatever Milvus holds.

    milvus_vector_stores    one row for each store, as in `postgresql/tables.py`
    milvus_collections      where each store's vectors are in Milvus, and until when a search has to wait for them
    milvus_vectors_<n>      one row for each vector: its number in Milvus, its item, its cluster, what it was made of
    milvus_reach_<n>        how far the clusters reach
    milvus_leftovers_<n>    numbers that Milvus may hold and that are no vectors: not yet, not any more, or never

A number is a leftover before Milvus sees it, and becomes a vector in the transaction that widens the reach of its
cluster. A vector that goes becomes a leftover, and stays in Milvus for as long as a search may run that still sees it.
So a search sees one state, although Milvus knows of no transactions, and what a crash leaves over is removed later.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.clusters import Clusters, Numbers, Vectors
from retrieval.errors import StorageBusy, VectorStoreError
from retrieval.vectors.postgresql import tables as shared
from retrieval.vectors.postgresql.tables import Family, Rows, Tables

FAMILY = Family("milvus_", ("vectors", "reach", "leftovers"))
READERS = 0x100C_A11F  # of the locks of those who read for long, each with the number of the store
MAX_SWEPT = 10_000
"""Leftovers removed at once."""

_COLLECTIONS = """
CREATE TABLE IF NOT EXISTS milvus_collections (
    store bigint PRIMARY KEY REFERENCES milvus_vector_stores (number) ON DELETE CASCADE,
    name text NOT NULL,
    index text NOT NULL,
    ready boolean NOT NULL,
    next_row bigint NOT NULL,
    written bigint NOT NULL
)
"""
_VECTORS = """
CREATE TABLE {vectors} (
    row bigint PRIMARY KEY,
    item text COLLATE "C" NOT NULL UNIQUE,
    cluster integer NOT NULL,
    sha256 text
);
CREATE TABLE {leftovers} (row bigint PRIMARY KEY, since timestamptz NOT NULL);
CREATE INDEX ON {leftovers} (since);
"""
_DELETE = """
WITH gone AS (DELETE FROM {vectors} WHERE item = ANY(%s) RETURNING row, cluster),
    counts AS (SELECT cluster, count(*) AS members FROM gone GROUP BY cluster),
    fewer AS (
        UPDATE {reach} AS reach SET members = reach.members - counts.members, version = %s
        FROM counts WHERE reach.cluster = counts.cluster
    ),
    leftovers AS (INSERT INTO {leftovers} SELECT row, clock_timestamp() FROM gone)
SELECT coalesce(sum(members), 0)::bigint FROM counts
"""
_OLD = """
SELECT row FROM {leftovers} WHERE since < now() - make_interval(secs => %s) ORDER BY since LIMIT %s
FOR UPDATE SKIP LOCKED
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the vectors of a store are."""

    name: str
    index: str
    ready: bool
    """Whether `create` has come to its end."""


def create_shared(connection: Rows) -> None:
    """Make what all stores share, if it is not there."""
    shared.create_shared(connection, FAMILY)
    connection.execute(_COLLECTIONS)


def register(connection: Rows, bundle: str, clusters: Clusters, place: Place) -> Tables:
    """Make the tables of a new store."""
    tables = shared.register(connection, FAMILY, bundle, clusters)
    connection.execute(tables.of(_VECTORS))
    connection.execute(
        "INSERT INTO milvus_collections (store, name, index, ready, next_row, written) VALUES (%s, %s, %s, %s, 0, 0)",
        [tables.number, place.name, place.index, place.ready],
    )
    return tables


def create_indexes(connection: Rows, tables: Tables) -> None:
    """Make the indexes by cluster, and in an order that has nothing to do with the ids; once the rows are there."""
    connection.execute(tables.of("CREATE INDEX ON {vectors} (cluster)"))
    connection.execute(tables.of("CREATE INDEX ON {vectors} (hashtextextended(item, 0))"))


def find(connection: Rows, bundle: str) -> tuple[Tables, Place] | None:
    """The tables of a bundle's store and where its vectors are, if there is one, ready or not."""
    tables = shared.find(connection, FAMILY, bundle)
    if tables is None:
        return None
    statement = "SELECT name, index, ready FROM milvus_collections WHERE store = %s"
    row = connection.execute(statement, [tables.number]).fetchone()
    if row is None:
        raise VectorStoreError(f"the ledger of the vectors of {bundle} is damaged: delete it and migrate again")
    return tables, Place(*row)


def take_numbers(connection: Rows, tables: Tables, count: int) -> Numbers:
    """Numbers int64 [count] that no vector has had."""
    statement = "UPDATE milvus_collections SET next_row = next_row + %s WHERE store = %s RETURNING next_row"
    last = shared.value_of(connection.execute(statement, [count, tables.number]).fetchone())
    return np.arange(last - count + 1, last + 1)


def announce(connection: Rows, tables: Tables, count: int) -> Numbers:
    """Numbers for vectors that are to be written into Milvus; leftovers until `insert`."""
    rows = take_numbers(connection, tables, count)
    statement = tables.of("INSERT INTO {leftovers} SELECT row, clock_timestamp() FROM unnest(%s::bigint[]) AS row")
    connection.execute(statement, [rows.tolist()])
    return rows


def keep(connection: Rows, tables: Tables, rows: Numbers) -> None:
    """Let announced numbers be leftovers no longer. Raises StorageBusy where it took so long that they were removed."""
    statement = tables.of("DELETE FROM {leftovers} WHERE row = ANY(%s)")
    if connection.execute(statement, [rows.tolist()]).rowcount < len(rows):
        raise StorageBusy("Milvus took too long to write the vectors; nothing has changed")


def insert(
    connection: Rows,
    tables: Tables,
    clusters: Clusters,
    rows: Numbers,
    ids: Sequence[str],
    vectors: Vectors,
    digests: Sequence[str | None] | None,
    *,
    version: int,
    written: int,
) -> None:
    """Let vectors [n, d], which are in Milvus, be found, under ids that are not in use; widen their clusters."""
    assigned = clusters.assign(vectors)
    shared.widen(connection, tables, clusters, vectors, assigned, version)
    statement = tables.of("COPY {vectors} (row, item, cluster, sha256) FROM STDIN (FORMAT BINARY)")
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(["int8", "text", "int4", "text"])
        for place, row in enumerate(rows.tolist()):
            copy.write_row((row, ids[place], int(assigned[place]), digests[place] if digests else None))
    connection.execute(
        "UPDATE milvus_collections SET ready = true, written = greatest(written, %s) WHERE store = %s",
        [written, tables.number],
    )


def delete(connection: Rows, tables: Tables, ids: Collection[str], version: int) -> None:
    """Let the vectors of these ids be found no more."""
    deleted = connection.execute(tables.of(_DELETE), [list(ids), version])
    shared.resize(connection, tables, -shared.value_of(deleted.fetchone()))


def read_written(connection: Rows, tables: Tables) -> int:
    """The timestamp of Milvus at which a search sees all vectors of this transaction."""
    statement = "SELECT written FROM milvus_collections WHERE store = %s"
    return shared.value_of(connection.execute(statement, [tables.number]).fetchone())


def old_leftovers(connection: Rows, tables: Tables, seconds: float) -> list[int]:
    """Some of the numbers that have been leftovers for so long, locked; none while somebody reads for long."""
    held = connection.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [READERS, tables.number % 2**31]).fetchone()
    if held is None or not held[0]:
        return []
    return [row for (row,) in connection.execute(tables.of(_OLD), [seconds, MAX_SWEPT]).fetchall()]


def forget(connection: Rows, tables: Tables, rows: Sequence[int]) -> None:
    """Let these numbers, which Milvus does not hold any more, be no leftovers."""
    connection.execute(tables.of("DELETE FROM {leftovers} WHERE row = ANY(%s)"), [list(rows)])


def keep_leftovers(connection: Rows, tables: Tables) -> None:
    """Let no leftovers be removed until the end of this transaction, for a snapshot that is taken after this."""
    connection.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [READERS, tables.number % 2**31])
