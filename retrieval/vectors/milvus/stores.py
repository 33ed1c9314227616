"""The vector stores of a Milvus server, one for each bundle, with their ledgers in a PostgreSQL database."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cached_property

import psycopg
from pymilvus import MilvusClient

from retrieval.clusters import Clusters, Vectors
from retrieval.errors import LookalikeError, StorageBusy, VectorStoreError
from retrieval.vectors.address import VectorsAddress
from retrieval.vectors.auto import Auto
from retrieval.vectors.base import VectorStore, latest_vectors
from retrieval.vectors.codes import Kind
from retrieval.vectors.margins import Margins
from retrieval.vectors.milvus import ledger
from retrieval.vectors.milvus.collections import MAX_ROWS, Collections, check, connect
from retrieval.vectors.milvus.indexes import INDEXES
from retrieval.vectors.milvus.ledger import Place
from retrieval.vectors.milvus.store import LEFT_SECONDS, MilvusStore
from retrieval.vectors.postgresql import tables as shared
from retrieval.vectors.postgresql.connections import CONNECT_SECONDS, driver_url, open_pool
from retrieval.vectors.postgresql.state import StateTables
from retrieval.vectors.postgresql.tables import Rows, Tables, reported

FLUSHED = 10_000
"""Vectors of a new store from which on Milvus is told to write them into segments at once."""


class MilvusStores:
    """Vector stores in Milvus beside PostgreSQL."""

    def __init__(self, address: VectorsAddress, ledger_url: str, *, left_seconds: float = LEFT_SECONDS) -> None:
        """`ledger_url`: postgresql://user@host:port/name. `left_seconds`: see `milvus/store.py`."""
        self._address = address
        self._url = driver_url(ledger_url)
        self._left_seconds = left_seconds
        self._has_tables = False  # those that all stores share, as far as is known

    def exists(self, bundle_id: str) -> bool:
        with self._transaction(bundle_id) as connection:
            found = ledger.find(connection, bundle_id)
        check(self._client)
        return found is not None and found[1].ready

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
            raise VectorStoreError(f'vectors in Milvus have no codes: set codes = "none", not "{codes}"')
        ids, vectors, digests = latest_vectors(ids, vectors, digests, clusters.dims)
        place = Place(f"lookalike_{secrets.token_hex(8)}", self._address.index, ready=False)
        with self._alone(bundle_id):
            with self._transaction(bundle_id) as connection:
                found = ledger.find(connection, bundle_id)
            if found is not None and found[1].ready:
                raise VectorStoreError(f"the vectors of {bundle_id} are in Milvus already")
            self._drop(bundle_id)  # what was begun and not ended
            with self._transaction(bundle_id) as connection:
                tables = ledger.register(connection, bundle_id, clusters, place)
                rows = ledger.take_numbers(connection, tables, len(ids))
            try:
                collections = self._collections(bundle_id, place, tables)
                collections.create(clusters.dims)
                collections.load()
                written = collections.insert(rows, clusters.assign(vectors), vectors)
                if len(ids) >= FLUSHED or not INDEXES[place.index].certified:
                    collections.flush()
                with self._transaction(bundle_id) as connection:
                    version = shared.change(connection, tables)
                    ledger.insert(
                        connection, tables, clusters, rows, ids, vectors, digests, version=version, written=written
                    )
                    ledger.create_indexes(connection, tables)
            except BaseException:
                with suppress(LookalikeError):
                    self._drop(bundle_id)
                raise

    def open(
        self,
        bundle_id: str,
        clusters: Clusters,
        *,
        auto_probes: int | None = None,
        margins: Margins | None = None,
        busy_seconds: float = CONNECT_SECONDS,
    ) -> VectorStore:
        tables, place = self._found(bundle_id)
        shared.check_shape(tables, bundle_id, clusters)
        collections = self._collections(bundle_id, place, tables)
        collections.load()
        pool = open_pool(self._url, bundle_id, busy_seconds=busy_seconds)
        try:
            states = StateTables(pool, bundle_id, tables, clusters)
            auto = Auto(margins, auto_probes)
            return MilvusStore(states, collections, clusters, auto, left_seconds=self._left_seconds)
        except BaseException:
            pool.close()
            raise

    def held(self, bundle_id: str, clusters: Clusters) -> dict[str, str | None]:
        with closing(self.open(bundle_id, clusters)) as store:
            return store.held()

    def is_open(self, bundle_id: str) -> bool:  # noqa: ARG002
        return False  # a server may be used by many

    def delete(self, bundle_id: str) -> None:
        with self._alone(bundle_id):
            self._drop(bundle_id)

    def verify(self, bundle_id: str) -> None:
        """Compare the ledger with its counts, and with what Milvus holds. Raises VectorStoreError if they differ."""
        tables, place = self._found(bundle_id)
        collections = self._collections(bundle_id, place, tables)
        with self._transaction(bundle_id) as connection:
            shared.check_counts(connection, tables, bundle_id)
            written = ledger.read_written(connection, tables)
            listed = connection.execute(tables.of("SELECT row FROM {vectors} ORDER BY row")).fetchall()
        rows = [row for (row,) in listed]
        for start in range(0, len(rows), MAX_ROWS // 2):
            some = rows[start : start + MAX_ROWS // 2]
            while some:
                last = min(some[-1], some[0] + MAX_ROWS - 1)
                wanted = {row for row in some if row <= last}
                for metric in collections.names():
                    lost = wanted - collections.rows_between(some[0], last, metric, written)
                    if lost and self._still_there(bundle_id, tables, lost):
                        raise VectorStoreError(f"Milvus has lost {len(lost)} vectors of {bundle_id}")
                some = [row for row in some if row > last]

    def size_bytes(self, bundle_id: str) -> int:
        """How much room the ledger and the vectors take, without Milvus's indexes and its log."""
        with self._transaction(bundle_id) as connection:
            found = ledger.find(connection, bundle_id)
            if found is None:
                return 0
            tables, _ = found
            (size,) = connection.execute(tables.of("SELECT count(*) FROM {vectors}")).fetchall()[0]
            return shared.size_bytes(connection, tables) + 2 * 4 * int(size) * tables.dims

    @cached_property
    def _client(self) -> MilvusClient:
        return connect(self._address)

    def _collections(self, bundle_id: str, place: Place, tables: Tables) -> Collections:
        return Collections(self._client, bundle_id, place.name, place.index, tables.clusters)

    def _found(self, bundle_id: str) -> tuple[Tables, Place]:
        with self._transaction(bundle_id) as connection:
            found = ledger.find(connection, bundle_id)
        if found is None or not found[1].ready:
            raise VectorStoreError(
                f"the vectors of {bundle_id} are not in Milvus: move them there with lookalike migrate"
            )
        return found

    def _drop(self, bundle_id: str) -> None:
        """Remove a store: from Milvus first, so that what is left can be removed again."""
        with self._transaction(bundle_id) as connection:
            found = ledger.find(connection, bundle_id)
            if found is None:
                return
            tables, place = found
            connection.execute("UPDATE milvus_collections SET ready = false WHERE store = %s", [tables.number])
        self._collections(bundle_id, place, tables).drop()
        with self._transaction(bundle_id) as connection:
            shared.drop(connection, tables)

    def _still_there(self, bundle_id: str, tables: Tables, rows: set[int]) -> bool:
        """Whether the ledger still has one of these rows."""
        statement = tables.of("SELECT 1 FROM {vectors} WHERE row = ANY(%s) LIMIT 1")
        with self._transaction(bundle_id) as connection:
            return connection.execute(statement, [sorted(rows)]).fetchone() is not None

    @contextmanager
    def _alone(self, bundle_id: str) -> Iterator[None]:
        """Keep others from making or removing the store of this bundle. Raises StorageBusy."""
        with self._transaction(bundle_id) as connection:
            key = [f"lookalike milvus {bundle_id}"]
            held = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", key).fetchone()
            if held is None or not held[0]:
                raise StorageBusy(f"the vectors of {bundle_id} are being written into Milvus by another process")
            connection.commit()
            try:
                yield
            finally:  # it would end with the connection, but a moment after others may try
                connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", key)

    @contextmanager
    def _transaction(self, bundle_id: str) -> Iterator[Rows]:
        with reported(bundle_id), psycopg.connect(self._url, connect_timeout=int(CONNECT_SECONDS)) as connection:
            if not self._has_tables:
                ledger.create_shared(connection)
                connection.commit()
                self._has_tables = True
            yield connection
