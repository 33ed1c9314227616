"""The tables by which a search knows what the clusters hold, and how they change, each function in a transaction.

    vector_stores           one row for each store: its number, its shape, and a version that every change counts up
    vectors_<number>        one row for each vector; what is in it, each engine says for itself
    reach_<number>          one row for each cluster: how far its members reach, and how many they are

A change widens the reach of its clusters in the transaction that brings the vectors, so no search ever sees a vector
that lies outside. Each engine has a family of such tables, so that several share a database.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from retrieval.clusters import Clusters, Numbers, Reach, Vectors
from retrieval.errors import LookalikeError, StorageBusy, StorageError, VectorStoreError

LOCK = 0x100C_A11E  # of the transaction that creates the tables

_STORES = """
CREATE TABLE IF NOT EXISTS {stores} (
    bundle text PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    dims integer NOT NULL,
    clusters integer NOT NULL,
    size bigint NOT NULL,
    version bigint NOT NULL,
    note jsonb,
    note_version bigint
)
"""
_REACH = """
CREATE TABLE {reach} (
    cluster integer PRIMARY KEY,
    members bigint NOT NULL,
    radius float8 NOT NULL,
    angle float8 NOT NULL,
    shortest float8 NOT NULL,
    longest float8 NOT NULL,
    version bigint NOT NULL
)
"""
_REGISTER = "INSERT INTO {stores} (bundle, dims, clusters, size, version) VALUES (%s, %s, %s, 0, 0) RETURNING number"
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
_COUNTS = """
SELECT (SELECT size FROM {stores} WHERE bundle = %s), (SELECT sum(members) FROM {reach}),
    (SELECT count(*) FROM {vectors})
"""

Rows = Connection[TupleRow]


@dataclass(frozen=True, slots=True)
class Family:
    """How the tables of an engine are called."""

    prefix: str = ""
    kinds: tuple[str, ...] = ("vectors", "reach")
    """The tables that each store has for itself."""

    def of(self, statement: str) -> sql.Composed:
        """A statement with the name of the table of all stores in the place of {stores}."""
        return sql.SQL(statement).format(stores=sql.Identifier(f"{self.prefix}vector_stores"))


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one store."""

    family: Family
    number: int
    dims: int
    clusters: int

    def names(self) -> dict[str, str]:
        """Of the tables that belong to this store alone, by kind."""
        return {kind: f"{self.family.prefix}{kind}_{self.number}" for kind in self.family.kinds}

    def of(self, statement: str) -> sql.Composed:
        """A statement with the names of the tables in the places of {stores}, {vectors}, {reach} and other kinds."""
        names = {kind: sql.Identifier(name) for kind, name in self.names().items()}
        stores = sql.Identifier(f"{self.family.prefix}vector_stores")
        return sql.SQL(statement).format(stores=stores, dims=sql.Literal(self.dims), **names)


@contextmanager
def reported(bundle: str, unreachable: type[LookalikeError] = StorageError) -> Iterator[None]:
    """Turn what the driver raises into the errors of this package; `unreachable` where the database does not answer."""
    try:
        yield
    except psycopg.errors.LockNotAvailable as error:
        raise StorageBusy(f"the vectors of {bundle} are being changed by another process") from error
    except (psycopg.OperationalError, psycopg.errors.InsufficientResources) as error:
        raise unreachable(f"the vectors of {bundle} cannot be reached: {error}") from error
    except psycopg.Error as error:
        raise VectorStoreError(f"the vectors of {bundle} cannot be used: {error}") from error


def create_shared(connection: Rows, family: Family) -> None:
    """Make the table of all stores, if it is not there. Several processes may try at the same time."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    connection.execute(family.of(_STORES))


def register(connection: Rows, family: Family, bundle: str, clusters: Clusters) -> Tables:
    """Make a new store and its table of reaches. Raises psycopg's UniqueViolation if the bundle has one."""
    inserted = connection.execute(family.of(_REGISTER), [bundle, clusters.dims, len(clusters)])
    tables = Tables(family, value_of(inserted.fetchone()), clusters.dims, len(clusters))
    connection.execute(tables.of(_REACH))
    return tables


def find(connection: Rows, family: Family, bundle: str) -> Tables | None:
    """The tables of a bundle's store, if there is one."""
    statement = family.of("SELECT number, dims, clusters FROM {stores} WHERE bundle = %s")
    row = connection.execute(statement, [bundle]).fetchone()
    return None if row is None else Tables(family, *row)


def check_shape(tables: Tables, bundle: str, clusters: Clusters) -> None:
    """Raise VectorStoreError unless the store is one of these clusters."""
    if (tables.dims, tables.clusters) != (clusters.dims, len(clusters)):
        raise VectorStoreError(
            f"the vectors of {bundle} have {tables.dims} numbers and {tables.clusters} clusters; "
            f"the bundle has {clusters.dims} and {len(clusters)}"
        )


def check_counts(connection: Rows, tables: Tables, bundle: str) -> None:
    """Raise VectorStoreError if the counts that changes keep are not those of the rows."""
    size, members, rows = connection.execute(tables.of(_COUNTS), [bundle]).fetchall()[0]
    if not size == (members or 0) == rows:
        raise VectorStoreError(f"{bundle} has {rows} vectors; {size} and {members} were counted")


def size_bytes(connection: Rows, tables: Tables) -> int:
    """How much room the tables of a store take."""
    statement = "SELECT sum(pg_total_relation_size(n::regclass)) FROM unnest(%s::text[]) AS n"
    return value_of(connection.execute(statement, [list(tables.names().values())]).fetchone())


def drop(connection: Rows, tables: Tables) -> None:
    """Remove a store and its tables."""
    connection.execute(tables.of("DELETE FROM {stores} WHERE number = %s"), [tables.number])
    for name in tables.names().values():
        connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))


def change(connection: Rows, tables: Tables) -> int:
    """Begin a change: its version. Changes of one store wait here for each other."""
    statement = tables.of("UPDATE {stores} SET version = version + 1 WHERE number = %s RETURNING version")
    return value_of(connection.execute(statement, [tables.number]).fetchone())


def widen(
    connection: Rows, tables: Tables, clusters: Clusters, vectors: Vectors, assigned: Numbers, version: int
) -> None:
    """Let the clusters reach to new members, vectors [n, d] in the clusters [n], and count them."""
    reach = Reach.nowhere(clusters).widened(vectors, assigned)
    numbers, members = np.unique(assigned, return_counts=True)
    columns = (reach.radii, reach.angles, reach.shortest, reach.longest)
    values = [numbers.tolist(), members.tolist(), *(column[numbers].tolist() for column in columns)]
    connection.execute(tables.of(_WIDEN), [version, *values])
    resize(connection, tables, len(assigned))


def resize(connection: Rows, tables: Tables, by: int) -> None:
    """Count vectors that have come, or below zero, gone."""
    connection.execute(tables.of("UPDATE {stores} SET size = size + %s WHERE number = %s"), [by, tables.number])


def value_of(row: TupleRow | None) -> int:
    """The number that a statement returned. Raises VectorStoreError where it returned none."""
    if row is None:
        raise VectorStoreError("the vector store is not in the database any more")
    return int(row[0])
