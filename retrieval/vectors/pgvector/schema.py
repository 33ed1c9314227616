"""The tables of a vector store in PostgreSQL, and how they change. Every function is a part of a transaction.

    vector_stores           one row for each store: its number, its shape, and a version that every change counts up
    vectors_<number>        one row for each vector, its cluster and what it was made of
    reach_<number>          one row for each cluster: how far its members reach, and how many they are

A change widens the reach of its clusters in the transaction that brings the vectors, so no search ever sees a vector
that lies outside.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from retrieval.clusters import Clusters, Numbers, Reach, Vectors
from retrieval.errors import StorageBusy, StorageError, VectorStoreError

MIN_LENGTH = 1e-15
"""A shorter vector has no direction in pgvector, which squares its numbers in float32."""
MAX_DIMS = 2_000
"""More do not fit into a page of PostgreSQL."""
LOCK = 0x100C_A11E  # of the transaction that creates the tables

_SHARED_TABLES = """
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE IF NOT EXISTS vector_stores (
    bundle text PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    dims integer NOT NULL,
    clusters integer NOT NULL,
    size bigint NOT NULL,
    version bigint NOT NULL,
    note jsonb,
    note_version bigint
);
"""
_TABLES = """
CREATE TABLE {vectors} (
    row bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item text COLLATE "C" NOT NULL UNIQUE,
    cluster integer NOT NULL,
    sha256 text,
    short boolean NOT NULL,
    vector vector({dims}) NOT NULL
);
ALTER TABLE {vectors} ALTER COLUMN vector SET STORAGE PLAIN;
CREATE TABLE {reach} (
    cluster integer PRIMARY KEY,
    members bigint NOT NULL,
    radius float8 NOT NULL,
    angle float8 NOT NULL,
    shortest float8 NOT NULL,
    longest float8 NOT NULL,
    version bigint NOT NULL
);
"""
_WIDEN = """
INSERT INTO {reach} AS old (cluster, members, radius, angle, shortest, longest, version)
SELECT *, %s FROM unnest(%s::int[], %s::bigint[], %s::float8[], %s::float8[], %s::float8[], %s::float8[])
ON CONFLICT (cluster) DO UPDATE SET
    members = old.members + excluded.members,
    radius = greatest(old.radius, excluded.radius),
    angle = greatest(old.angle, excluded.angle),
    shortest = least(old.shortest, excluded.shortest),
    longest = greatest(old.longest, excluded.longest),
    version = excluded.version
"""
_DELETE = """
WITH gone AS (DELETE FROM {vectors} WHERE item = ANY(%s) RETURNING cluster),
    counts AS (SELECT cluster, count(*) AS members FROM gone GROUP BY cluster),
    fewer AS (
        UPDATE {reach} AS reach SET members = reach.members - counts.members, version = %s
        FROM counts WHERE reach.cluster = counts.cluster
    )
SELECT coalesce(sum(members), 0)::bigint FROM counts
"""

Rows = Connection[TupleRow]


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one store."""

    number: int
    dims: int
    clusters: int

    def of(self, statement: str) -> sql.Composed:
        """A statement with the names of the tables in the places of {vectors} and {reach}."""
        return sql.SQL(statement).format(
            vectors=sql.Identifier(f"vectors_{self.number}"),
            reach=sql.Identifier(f"reach_{self.number}"),
            dims=sql.Literal(self.dims),
        )


@contextmanager
def reported(bundle: str) -> Iterator[None]:
    """Turn what the driver raises into the errors of this package."""
    try:
        yield
    except psycopg.errors.LockNotAvailable as error:
        raise StorageBusy(f"the vectors of {bundle} are being changed by another process") from error
    except (psycopg.OperationalError, psycopg.errors.InsufficientResources) as error:
        raise StorageError(f"the vectors of {bundle} cannot be reached: {error}") from error
    except psycopg.Error as error:
        raise VectorStoreError(f"the vectors of {bundle} cannot be used: {error}") from error


def create_shared_tables(connection: Rows) -> None:
    """Make what all stores share, if it is not there. Several processes may try at the same time."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    connection.execute(_SHARED_TABLES)


def create_tables(connection: Rows, bundle: str, clusters: Clusters) -> Tables:
    """Make the tables of a new store. Raises psycopg's UniqueViolation if the bundle has one."""
    if clusters.dims > MAX_DIMS:
        raise VectorStoreError(
            f"PostgreSQL keeps vectors of at most {MAX_DIMS:,} numbers; these have {clusters.dims:,}"
        )
    inserted = connection.execute(
        "INSERT INTO vector_stores (bundle, dims, clusters, size, version) VALUES (%s, %s, %s, 0, 0) RETURNING number",
        [bundle, clusters.dims, len(clusters)],
    )
    tables = Tables(_value(inserted.fetchone()), clusters.dims, len(clusters))
    connection.execute(tables.of(_TABLES))
    return tables


def create_indexes(connection: Rows, tables: Tables) -> None:
    """Make the indexes by cluster, and in an order that has nothing to do with the ids; once the vectors are there."""
    connection.execute(tables.of("CREATE INDEX ON {vectors} (cluster)"))
    connection.execute(tables.of("CREATE INDEX ON {vectors} (hashtextextended(item, 0))"))


def drop(connection: Rows, bundle: str) -> None:
    """Remove a store, if there is one."""
    statement = "DELETE FROM vector_stores WHERE bundle = %s RETURNING number, dims, clusters"
    deleted = connection.execute(statement, [bundle])
    for row in deleted.fetchall():
        connection.execute(Tables(*row).of("DROP TABLE {vectors}, {reach}"))


def change(connection: Rows, tables: Tables) -> int:
    """Begin a change: its version. Changes of one store wait here for each other."""
    updated = connection.execute(
        "UPDATE vector_stores SET version = version + 1 WHERE number = %s RETURNING version", [tables.number]
    )
    return _value(updated.fetchone())


def insert(
    connection: Rows,
    tables: Tables,
    clusters: Clusters,
    ids: Sequence[str],
    vectors: Vectors,
    digests: Sequence[str | None] | None,
    version: int,
) -> None:
    """Insert vectors [n, d] under ids that are not in use, and widen the reach of their clusters."""
    assigned = clusters.assign(vectors)
    _widen(connection, tables, clusters, vectors, assigned, version)
    short = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64) < MIN_LENGTH**2
    with (
        connection.cursor() as cursor,
        cursor.copy(
            tables.of("COPY {vectors} (item, cluster, sha256, short, vector) FROM STDIN (FORMAT BINARY)")
        ) as copy,
    ):
        copy.set_types(["text", "int4", "text", "bool", "vector"])
        for row in np.argsort(assigned, kind="stable").tolist():  # a cluster's vectors lie side by side
            digest = digests[row] if digests else None
            copy.write_row((ids[row], int(assigned[row]), digest, bool(short[row]), vectors[row]))
    _resize(connection, tables, len(ids))


def _widen(
    connection: Rows, tables: Tables, clusters: Clusters, vectors: Vectors, assigned: Numbers, version: int
) -> None:
    """Let the clusters reach to their new members."""
    reach = Reach.nowhere(clusters).widened(vectors, assigned)
    numbers, members = np.unique(assigned, return_counts=True)
    columns = (reach.radii, reach.angles, reach.shortest, reach.longest)
    values = [numbers.tolist(), members.tolist(), *(column[numbers].tolist() for column in columns)]
    connection.execute(tables.of(_WIDEN), [version, *values])


def delete(connection: Rows, tables: Tables, ids: Collection[str], version: int) -> None:
    """Remove the vectors of these ids."""
    deleted = connection.execute(tables.of(_DELETE), [list(ids), version])
    _resize(connection, tables, -_value(deleted.fetchone()))


def _resize(connection: Rows, tables: Tables, by: int) -> None:
    connection.execute("UPDATE vector_stores SET size = size + %s WHERE number = %s", [by, tables.number])


def _value(row: TupleRow | None) -> int:
    if row is None:
        raise VectorStoreError("the vector store is not in the database any more")
    return int(row[0])
