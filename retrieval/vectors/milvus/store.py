"""A vector store in Milvus, whose ledger in PostgreSQL says what is in it.

A search reads the ledger in one transaction, and drops what Milvus returns beyond it. So it sees all of a change or
nothing of it, and the clusters' reach that it reads holds every vector that it may find: `exact` is as true as in the
embedded store. Milvus keeps what has gone until no search can still see it.
"""

import logging
import math
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from retrieval.clusters import Clusters, Metric, Vectors
from retrieval.errors import StorageError
from retrieval.selection import Selection
from retrieval.vectors.auto import Auto
from retrieval.vectors.base import Hits, Members, Probes, checked_query, latest_vectors
from retrieval.vectors.milvus import ledger
from retrieval.vectors.milvus.allowed import FEW_ITEMS, Allowed
from retrieval.vectors.milvus.collections import Collections
from retrieval.vectors.milvus.indexes import INDEXES
from retrieval.vectors.milvus.search_rows import SearchRows
from retrieval.vectors.postgresql.answering import hits_of, search_clusters
from retrieval.vectors.postgresql.state import StateTables
from retrieval.vectors.postgresql.store import StateStore
from retrieval.vectors.postgresql.tables import Rows

LEFT_SECONDS = 60.0
"""How long Milvus keeps what has gone: longer than a search and a write may take together."""

OF_ITEMS = "SELECT row, item, cluster FROM {vectors} WHERE item = ANY(%s)"
OF_CLUSTER = "SELECT row, item, cluster FROM {vectors} WHERE cluster = %s"
SAMPLE = "SELECT row, item, cluster FROM {vectors} ORDER BY hashtextextended(item, 0), item LIMIT %s"

logger = logging.getLogger(__name__)


class MilvusStore(StateStore):
    """A VectorStore (see there for what each method promises). Every process that opens it sees every change."""

    def __init__(
        self,
        states: StateTables,
        collections: Collections,
        clusters: Clusters,
        auto: Auto,
        *,
        left_seconds: float = LEFT_SECONDS,
    ) -> None:
        super().__init__(states)
        self._collections = collections
        self._clusters = clusters
        self._auto = auto
        self._left_seconds = left_seconds
        self._certified = INDEXES[collections.index].certified
        self._sweep()

    def search(
        self,
        query: Vectors,
        *,
        k: int,
        metric: Metric,
        probes: Probes = "auto",
        exclude: Collection[str] = (),
        only: Selection | Collection[str] | None = None,
        within: float = math.inf,
    ) -> Hits:
        query = checked_query(query, self._clusters.dims, k, probes)
        allowed = Allowed(only, exclude)
        few = None if probes == "all" else allowed.few()
        with self._states.snapshot() as connection:
            state = self._states.read(connection)
            search = SearchRows(
                connection,
                self._tables,
                self._collections,
                query,
                metric=metric,
                k=k,
                allowed=allowed,
                size=state.size,
            )
            if few is not None:
                answer = search.compare(few)
            elif self._certified:
                answer = search_clusters(state, search, self._auto, probes, within)
            else:
                answer = search.approximate()
            exact = self._certified and answer.certified
            recall = self._auto.recall(answer, probes, metric) if self._certified else None
            return hits_of(state, search, answer, within, exact=exact, recall=recall)

    def upsert(self, ids: Sequence[str], vectors: Vectors, digests: Sequence[str | None] | None = None) -> None:
        ids, vectors, digests = latest_vectors(ids, vectors, digests, self._clusters.dims)
        if not ids:
            return
        with self._states.writing() as connection:
            rows = ledger.announce(connection, self._tables, len(ids))
        written = self._collections.insert(rows, self._clusters.assign(vectors), vectors)
        with self._states.change() as (connection, version):
            ledger.keep(connection, self._tables, rows)
            ledger.delete(connection, self._tables, ids, version)
            ledger.insert(
                connection, self._tables, self._clusters, rows, ids, vectors, digests, version=version, written=written
            )
        self._sweep()

    def delete(self, ids: Collection[str]) -> None:
        if ids:
            with self._states.change() as (connection, version):
                ledger.delete(connection, self._tables, ids, version)
            self._sweep()

    def get_many(self, ids: Sequence[str]) -> Members:
        return self._members(OF_ITEMS, list(ids), long=len(ids) > FEW_ITEMS)

    def members(self, cluster: int) -> Members:
        return self._members(OF_CLUSTER, cluster)

    def sample(self, limit: int) -> Members:
        return self._members(SAMPLE, limit)

    def learn(self, selection: Selection) -> None:
        """Nothing: the catalogue is asked for the few items that a search meets."""

    def changed_elsewhere(self) -> bool:
        """Never: every search reads the ledger itself. What is known of it is brought up to date."""
        self._states.refresh()
        self._sweep()
        return False

    def _members(self, statement: str, value: object, *, long: bool = True) -> Members:
        with self._reading() if long else self._states.snapshot() as connection:
            listed = connection.execute(self._tables.of(statement), [value]).fetchall()
            rows = np.array([row for row, _, _ in listed], np.int64)
            vectors = self._collections.vectors(rows, ledger.read_written(connection, self._tables))
        return Members(
            tuple(item for _, item, _ in listed),
            np.array([vectors[row] for row in rows.tolist()], np.float32).reshape(len(rows), self._clusters.dims),
            np.array([cluster for _, _, cluster in listed], np.int64),
        )

    @contextmanager
    def _reading(self) -> Iterator[Rows]:
        """A snapshot whose vectors stay in Milvus however long it takes to read them."""
        with self._states.writing() as lock:
            ledger.keep_leftovers(lock, self._tables)
            with self._states.snapshot() as connection:
                yield connection

    def _sweep(self) -> None:
        """Remove from Milvus what has been no vector for long. What cannot be removed now is removed later."""
        try:
            with self._states.writing() as connection:
                rows = ledger.old_leftovers(connection, self._tables, self._left_seconds)
                if rows:
                    self._collections.delete(rows)
                    ledger.forget(connection, self._tables, rows)
        except StorageError as error:
            logger.warning("vectors that were deleted stay in Milvus for now: %s", error)
