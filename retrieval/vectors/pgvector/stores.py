"""The vector stores of a PostgreSQL database, one for each bundle."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from urllib.parse import urlsplit

import psycopg
from pgvector.psycopg import register_vector
from psycopg_pool import ConnectionPool, PoolTimeout

from retrieval.clusters import Clusters, Vectors
from retrieval.errors import StorageError, VectorStoreError
from retrieval.vectors.auto import Auto
from retrieval.vectors.base import VectorStore, latest_vectors
from retrieval.vectors.codes import Kind
from retrieval.vectors.margins import Margins
from retrieval.vectors.pgvector import schema
from retrieval.vectors.pgvector.schema import Rows, Tables, reported
from retrieval.vectors.pgvector.store import PgvectorStore

POOL_SIZE = 16
"""Connections of one open store, at most: as many searches at once."""
CONNECT_SECONDS = 10.0


class PgvectorStores:
    """Vector stores in a database with the extension `vector`: postgresql://user@host:port/name."""

    def __init__(self, url: str) -> None:
        self._url = _driver_url(url)
        self._has_tables = False  # those that all stores share, as far as is known

    def exists(self, bundle_id: str) -> bool:
        with self._transaction(bundle_id) as connection:
            return self._tables(connection, bundle_id) is not None

    def create(
        self,
        bundle_id: str,
        clusters: Clusters,
        *,
        ids: Sequence[str],
        vectors: Vectors,
        digests: Sequence[str | None] | None = None,
        codes: Kind = "none",
    ) -> None:
        if codes != "none":
            raise VectorStoreError(f'vectors in a database have no codes: set codes = "none", not "{codes}"')
        ids, vectors, digests = latest_vectors(ids, vectors, digests, clusters.dims)
        with self._transaction(bundle_id) as connection:
            if self._tables(connection, bundle_id) is not None:
                raise VectorStoreError(f"the vectors of {bundle_id} are in the database already")
            tables = schema.create_tables(connection, bundle_id, clusters)
            version = schema.change(connection, tables)
            if ids:
                schema.insert(connection, tables, clusters, ids, vectors, digests, version)
            schema.create_indexes(connection, tables)

    def open(
        self,
        bundle_id: str,
        clusters: Clusters,
        *,
        auto_probes: int | None = None,
        margins: Margins | None = None,
        busy_seconds: float = CONNECT_SECONDS,
    ) -> VectorStore:
        tables = self._checked_tables(bundle_id, clusters)
        pool = ConnectionPool[Rows](
            self._url,
            min_size=1,
            max_size=POOL_SIZE,
            open=False,
            timeout=busy_seconds,
            configure=partial(_configure, busy_seconds=busy_seconds),
            check=ConnectionPool.check_connection,
        )
        try:
            pool.open(wait=True, timeout=CONNECT_SECONDS)
            return PgvectorStore(pool, bundle_id, tables, clusters, Auto(margins, auto_probes))
        except PoolTimeout as error:
            pool.close()
            raise StorageError(f"the vectors of {bundle_id} cannot be reached: {error}") from error
        except BaseException:
            pool.close()
            raise

    def held(self, bundle_id: str, clusters: Clusters) -> dict[str, str | None]:
        with closing(self.open(bundle_id, clusters)) as store:
            return store.held()

    def is_open(self, bundle_id: str) -> bool:  # noqa: ARG002
        return False  # a database may be used by many

    def delete(self, bundle_id: str) -> None:
        with self._transaction(bundle_id) as connection:
            schema.drop(connection, bundle_id)

    def verify(self, bundle_id: str) -> None:
        """Compare the counts that changes keep with the vectors. Raises VectorStoreError if they differ."""
        with self._transaction(bundle_id) as connection:
            tables = self._tables(connection, bundle_id)
            if tables is None:
                raise VectorStoreError(f"the vectors of {bundle_id} are not in the database")
            counts = (
                "SELECT (SELECT size FROM vector_stores WHERE bundle = %s), (SELECT sum(members) FROM {reach}),"
                " (SELECT count(*) FROM {vectors})"
            )
            size, members, rows = connection.execute(tables.of(counts), [bundle_id]).fetchall()[0]
            if not size == (members or 0) == rows:
                raise VectorStoreError(f"{bundle_id} has {rows} vectors; {size} and {members} were counted")

    def size_bytes(self, bundle_id: str) -> int:
        with self._transaction(bundle_id) as connection:
            tables = self._tables(connection, bundle_id)
            if tables is None:
                return 0
            names = [[f"vectors_{tables.number}", f"reach_{tables.number}"]]
            cursor = connection.execute(
                "SELECT sum(pg_total_relation_size(n::regclass)) FROM unnest(%s::text[]) AS n", names
            )
            return int(cursor.fetchall()[0][0])

    @contextmanager
    def _transaction(self, bundle_id: str) -> Iterator[Rows]:
        with reported(bundle_id), psycopg.connect(self._url, connect_timeout=int(CONNECT_SECONDS)) as connection:
            if not self._has_tables:
                schema.create_shared_tables(connection)
                connection.commit()
                self._has_tables = True
            register_vector(connection)
            yield connection

    def _tables(self, connection: Rows, bundle_id: str) -> Tables | None:
        statement = "SELECT number, dims, clusters FROM vector_stores WHERE bundle = %s"
        row = connection.execute(statement, [bundle_id]).fetchone()
        return None if row is None else Tables(*row)

    def _checked_tables(self, bundle_id: str, clusters: Clusters) -> Tables:
        with self._transaction(bundle_id) as connection:
            tables = self._tables(connection, bundle_id)
        if tables is None:
            raise VectorStoreError(
                f"the vectors of {bundle_id} are not in the database: move them there with lookalike migrate"
            )
        if (tables.dims, tables.clusters) != (clusters.dims, len(clusters)):
            raise VectorStoreError(
                f"the vectors of {bundle_id} have {tables.dims} numbers and {tables.clusters} clusters; "
                f"the bundle has {clusters.dims} and {len(clusters)}"
            )
        return tables


def _configure(connection: Rows, *, busy_seconds: float) -> None:
    """What every connection of a store needs."""
    register_vector(connection)
    connection.execute("SET jit = off")  # it costs more than these queries take
    connection.execute(f"SET lock_timeout = {max(1, round(1000 * busy_seconds))}")
    connection.commit()


def _driver_url(url: str) -> str:
    """The URL without the driver that SQLAlchemy's form names, as psycopg takes it."""
    scheme = urlsplit(url).scheme
    return "postgresql" + url[len(scheme) :]
