"""A vector store in PostgreSQL: our clusters as a column, and every search in one transaction.

The transaction of a search is a snapshot, in which the clusters' reach and their vectors agree, so `exact` is as true
as it is in the embedded store, whatever other processes add meanwhile.
"""

import math
from collections.abc import Collection, Sequence

import numpy as np

from retrieval.clusters import Clusters, Metric, Vectors
from retrieval.selection import Selection
from retrieval.vectors.auto import Auto
from retrieval.vectors.base import Hits, Members, Probes, checked_query, latest_vectors
from retrieval.vectors.pgvector import schema
from retrieval.vectors.pgvector.search_rows import SearchRows
from retrieval.vectors.postgresql.answering import hits_of, search_clusters
from retrieval.vectors.postgresql.state import StateTables
from retrieval.vectors.postgresql.store import StateStore

FEW_ROWS = 2_000
"""Ids whose vectors are compared one by one where only these may be hits."""

_MEMBERS = "SELECT item, cluster, vector FROM {{vectors}} WHERE {condition}"


class PgvectorStore(StateStore):
    """A VectorStore (see there for what each method promises). Every process that opens it sees every change."""

    def __init__(self, states: StateTables, clusters: Clusters, auto: Auto) -> None:
        super().__init__(states)
        self._clusters = clusters
        self._auto = auto
        with states.snapshot() as connection:
            self._certified = not schema.has_hnsw(connection, self._tables)

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
        selected = None if only is None else set(only.ids() if isinstance(only, Selection) else only)
        with self._states.snapshot() as connection:
            state = self._states.read(connection)
            search = SearchRows(connection, self._tables, query, metric, k)
            if selected is None:
                search.leave_out(exclude)
            else:
                selected.difference_update(exclude)
                search.keep_to(selected)
                if len(selected) <= FEW_ROWS and probes != "all":
                    answer, recall = search.compare_all(), 1.0 if self._certified else None
                    return hits_of(state, search, answer, within, exact=self._certified, recall=recall)
            if not self._certified:
                return hits_of(state, search, search.approximate(), within, exact=False, recall=None)
            answer = search_clusters(state, search, self._auto, probes, within)
            recall = self._auto.recall(answer, probes, metric)
            return hits_of(state, search, answer, within, exact=answer.certified, recall=recall)

    def upsert(self, ids: Sequence[str], vectors: Vectors, digests: Sequence[str | None] | None = None) -> None:
        ids, vectors, digests = latest_vectors(ids, vectors, digests, self._clusters.dims)
        if ids:
            with self._states.change() as (connection, version):
                schema.delete(connection, self._tables, ids, version)
                schema.insert(connection, self._tables, self._clusters, ids, vectors, digests, version)

    def delete(self, ids: Collection[str]) -> None:
        if ids:
            with self._states.change() as (connection, version):
                schema.delete(connection, self._tables, ids, version)

    def get_many(self, ids: Sequence[str]) -> Members:
        return self._members("item = ANY(%s)", list(ids))

    def members(self, cluster: int) -> Members:
        return self._members("cluster = %s", cluster)

    def sample(self, limit: int) -> Members:
        return self._members("true ORDER BY hashtextextended(item, 0), item LIMIT %s", limit)

    def learn(self, selection: Selection) -> None:
        """Nothing: the ids of a selection are read when they are needed."""

    def changed_elsewhere(self) -> bool:
        """Never: every search reads the database itself. What is known of it is brought up to date."""
        self._states.refresh()
        return False

    def _members(self, condition: str, value: object) -> Members:
        statement = self._tables.of(_MEMBERS.format(condition=condition))
        with self._states.snapshot() as connection:
            rows = connection.execute(statement, [value], binary=True).fetchall()
        vectors = [vector.to_numpy() for _, _, vector in rows]
        return Members(
            tuple(item for item, _, _ in rows),
            np.array(vectors, np.float32).reshape(len(rows), self._clusters.dims),
            np.array([cluster for _, cluster, _ in rows], np.int64),
        )
