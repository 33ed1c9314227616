"""The vector stores of a PostgreSQL database, one for each bundle."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import psycopg
from pgvector.psycopg import register_vector

from retrieval.clusters import Clusters, Vectors
from retrieval.errors import VectorStoreError
from retrieval.vectors.auto import Auto
from retrieval.vectors.base import VectorStore, latest_vectors
from retrieval.vectors.codes import Kind
from retrieval.vectors.margins import Margins
from retrieval.vectors.pgvector import schema
from retrieval.vectors.pgvector.store import PgvectorStore
from retrieval.vectors.postgresql import tables as shared
from retrieval.vectors.postgresql.connections import CONNECT_SECONDS, driver_url, open_pool
from retrieval.vectors.postgresql.state import StateTables
from retrieval.vectors.postgresql.tables import Rows, Tables, reported


class PgvectorStores:
    """Vector stores in a database with the extension `vector`: postgresql://user@host:port/name."""

    def __init__(self, url: str, index: str = "flat") -> None:
        """`index`: `hnsw` lets new stores be searched by such an index, whose answers nothing certifies."""
        self._url = driver_url(url)
        self._index = index
        self._has_tables = False  # those that all stores share, as far as is known

    def exists(self, bundle_id: str) -> bool:
        with self._transaction(bundle_id) as connection:
            return shared.find(connection, schema.FAMILY, bundle_id) is not None

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
            if shared.find(connection, schema.FAMILY, bundle_id) is not None:
                raise VectorStoreError(f"the vectors of {bundle_id} are in the database already")
            tables = schema.create_tables(connection, bundle_id, clusters)
            version = shared.change(connection, tables)
            if ids:
                schema.insert(connection, tables, clusters, ids, vectors, digests, version)
            schema.create_indexes(connection, tables, self._index)

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
        pool = open_pool(self._url, bundle_id, busy_seconds=busy_seconds, prepare=register_vector)
        try:
            states = StateTables(pool, bundle_id, tables, clusters)
        except BaseException:
            pool.close()
            raise
        return PgvectorStore(states, clusters, Auto(margins, auto_probes))

    def held(self, bundle_id: str, clusters: Clusters) -> dict[str, str | None]:
        with closing(self.open(bundle_id, clusters)) as store:
            return store.held()

    def is_open(self, bundle_id: str) -> bool:  # noqa: ARG002
        return False  # a database may be used by many

    def delete(self, bundle_id: str) -> None:
        with self._transaction(bundle_id) as connection:
            tables = shared.find(connection, schema.FAMILY, bundle_id)
            if tables is not None:
                shared.drop(connection, tables)

    def verify(self, bundle_id: str) -> None:
        """Compare the counts that changes keep with the vectors. Raises VectorStoreError if they differ."""
        with self._transaction(bundle_id) as connection:
            tables = shared.find(connection, schema.FAMILY, bundle_id)
            if tables is None:
                raise VectorStoreError(f"the vectors of {bundle_id} are not in the database")
            shared.check_counts(connection, tables, bundle_id)

    def size_bytes(self, bundle_id: str) -> int:
        with self._transaction(bundle_id) as connection:
            tables = shared.find(connection, schema.FAMILY, bundle_id)
            if tables is None:
                return 0
            return shared.size_bytes(connection, tables)

    @contextmanager
    def _transaction(self, bundle_id: str) -> Iterator[Rows]:
        with reported(bundle_id), psycopg.connect(self._url, connect_timeout=int(CONNECT_SECONDS)) as connection:
            if not self._has_tables:
                shared.create_shared(connection, schema.FAMILY)
                connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
                connection.commit()
                self._has_tables = True
            register_vector(connection)
            yield connection

    def _checked_tables(self, bundle_id: str, clusters: Clusters) -> Tables:
        with self._transaction(bundle_id) as connection:
            tables = shared.find(connection, schema.FAMILY, bundle_id)
        if tables is None:
            raise VectorStoreError(
                f"the vectors of {bundle_id} are not in the database: move them there with lookalike migrate"
            )
        shared.check_shape(tables, bundle_id, clusters)
        return tables
