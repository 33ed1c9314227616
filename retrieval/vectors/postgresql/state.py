"""What the clusters of a store hold, as one transaction sees it; read again only where it has changed."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Lock

import numpy as np
from psycopg import IsolationLevel
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from retrieval.clusters import Clusters, Numbers, Reach
from retrieval.errors import VectorStoreError, VectorsUnavailable
from retrieval.vectors.base import Note
from retrieval.vectors.postgresql import tables as schema
from retrieval.vectors.postgresql.tables import Rows, Tables, reported

_REACH = "SELECT cluster, members, version, radius, angle, shortest, longest FROM {reach} WHERE version > %s"


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What the clusters hold at one version of the store."""

    version: int
    size: int
    members: Numbers
    """Vectors in each cluster, int64 [C]."""
    stamps: Numbers
    """The version at which each cluster was changed last, int64 [C]."""
    reach: Reach


class StateTables:
    """The tables of one store, and what was read of them last. Safe to use from many threads."""

    def __init__(self, pool: ConnectionPool[Rows], bundle: str, tables: Tables, clusters: Clusters) -> None:
        self.bundle = bundle
        self.tables = tables
        self._pool = pool
        self._clusters = clusters
        self._lock = Lock()
        nothing = np.zeros(len(clusters), np.int64)
        self._state = State(-1, 0, nothing, nothing, Reach.nowhere(clusters))
        self.refresh()

    def __len__(self) -> int:
        return self._state.size

    @contextmanager
    def snapshot(self) -> Iterator[Rows]:
        """A transaction that only reads, and sees the database as it is at one moment."""
        with reported(self.bundle, VectorsUnavailable), self._pool.connection() as connection:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            with connection.transaction():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Rows]:
        """A transaction that writes."""
        with reported(self.bundle), self._pool.connection() as connection:
            connection.isolation_level = IsolationLevel.READ_COMMITTED
            connection.read_only = False
            with connection.transaction():
                yield connection

    @contextmanager
    def change(self) -> Iterator[tuple[Rows, int]]:
        """A transaction that changes the store, and the version that it leads to; one at a time."""
        with self.writing() as connection:
            yield connection, schema.change(connection, self.tables)
        with suppress(VectorsUnavailable):  # it was written; the next search reads it
            self.refresh()

    def refresh(self) -> State:
        """The clusters' state as it is now."""
        with self.snapshot() as connection:
            return self.read(connection)

    def read(self, connection: Rows) -> State:
        """The clusters' state in this transaction; only what has changed since the last one that was read."""
        statement = self.tables.of("SELECT version, size FROM {stores} WHERE bundle = %s AND number = %s")
        row = connection.execute(statement, [self.bundle, self.tables.number]).fetchone()
        if row is None:
            raise VectorStoreError(f"the vector store of {self.bundle} is not in the database any more")
        version, size = row
        known = self._state
        if known.version > version:  # another search has read a later one meanwhile; a wider reach is safe
            return State(version, size, known.members, known.stamps, known.reach)
        if known.version < version:
            known = self._updated(connection, known, version, size)
            with self._lock:
                if self._state.version < version:
                    self._state = known
        return known

    def note(self) -> Note | None:
        """What `keep_note` kept, until a change."""
        statement = self.tables.of("SELECT note FROM {stores} WHERE number = %s AND note_version = version")
        with self.snapshot() as connection:
            row = connection.execute(statement, [self.tables.number]).fetchone()
        return None if row is None else Note(row[0][0], row[0][1], tuple(row[0][2]))

    def keep_note(self, note: Note) -> None:
        """Remember it, until a change."""
        content = Jsonb([note.catalogue, note.version, list(note.without)])
        statement = self.tables.of("UPDATE {stores} SET note = %s, note_version = version WHERE number = %s")
        with self.writing() as connection:
            connection.execute(statement, [content, self.tables.number])

    def held(self) -> dict[str, str | None]:
        """Every id that has a vector, with the digest of its file."""
        with self.snapshot() as connection:
            return dict(connection.execute(self.tables.of("SELECT item, sha256 FROM {vectors}")).fetchall())

    def close(self) -> None:
        """Let go of the connections."""
        self._pool.close()

    def _updated(self, connection: Rows, known: State, version: int, size: int) -> State:
        rows = connection.execute(self.tables.of(_REACH), [known.version]).fetchall()
        table = np.array(rows, np.float64).reshape(len(rows), 7)
        numbers = table[:, 0].astype(np.int64)
        members, stamps, reach = known.members.copy(), known.stamps.copy(), known.reach
        columns = [column.copy() for column in (reach.radii, reach.angles, reach.shortest, reach.longest)]
        members[numbers], stamps[numbers] = table[:, 1], table[:, 2]
        for column, values in zip(columns, table.T[3:], strict=True):
            column[numbers] = values
        return State(version, size, members, stamps, Reach(self._clusters, *columns))
