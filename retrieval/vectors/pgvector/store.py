"""A vector store in PostgreSQL: our clusters as a column, and every search in one transaction.

The transaction of a search is a snapshot, in which the clusters' reach and their vectors agree, so `exact` is as true
as it is in the embedded store, whatever other processes add meanwhile.
"""

import math
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

import numpy as np
from psycopg import IsolationLevel
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from retrieval.clusters import Clusters, Metric, Numbers, Reach, Vectors
from retrieval.errors import VectorMissing, VectorStoreError
from retrieval.selection import Selection
from retrieval.vectors.auto import Auto
from retrieval.vectors.base import Hits, Members, Note, Probes, checked_query, latest_vectors
from retrieval.vectors.pgvector import schema
from retrieval.vectors.pgvector.schema import Rows, Tables, reported
from retrieval.vectors.pgvector.search_rows import SearchRows
from retrieval.vectors.probe import ranked_hits
from retrieval.vectors.rounds import Answer, search_rounds

FEW_ROWS = 2_000
"""Ids whose vectors are compared one by one where only these may be hits."""

_MEMBERS = "SELECT item, cluster, vector FROM {{vectors}} WHERE {condition}"
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


class PgvectorStore:
    """A VectorStore (see there for what each method promises). Every process that opens it sees every change."""

    def __init__(self, pool: ConnectionPool[Rows], bundle: str, tables: Tables, clusters: Clusters, auto: Auto) -> None:
        self._pool = pool
        self._bundle = bundle
        self._tables = tables
        self._clusters = clusters
        self._auto = auto
        self._lock = Lock()
        nothing = np.zeros(len(clusters), np.int64)
        self._state = State(-1, 0, nothing, nothing, Reach.nowhere(clusters))
        with self._snapshot() as connection:
            self._read_state(connection)

    def __len__(self) -> int:
        return self._state.size

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
        with self._snapshot() as connection:
            state = self._read_state(connection)
            search = SearchRows(connection, self._tables, query, metric, k)
            if selected is None:
                search.leave_out(exclude)
            else:
                selected.difference_update(exclude)
                search.keep_to(selected)
                if len(selected) <= FEW_ROWS and probes != "all":
                    answer = search.compare_all()
                    return self._hits(state, search, answer, probes, within)
            return self._hits(state, search, self._rounds(state, search, probes, within), probes, within)

    def upsert(self, ids: Sequence[str], vectors: Vectors, digests: Sequence[str | None] | None = None) -> None:
        ids, vectors, digests = latest_vectors(ids, vectors, digests, self._clusters.dims)
        if ids:
            with self._change() as (connection, version):
                schema.delete(connection, self._tables, ids, version)
                schema.insert(connection, self._tables, self._clusters, ids, vectors, digests, version)

    def delete(self, ids: Collection[str]) -> None:
        if ids:
            with self._change() as (connection, version):
                schema.delete(connection, self._tables, ids, version)

    def get(self, item_id: str) -> Vectors:
        members = self.get_many([item_id])
        if not members.ids:
            raise VectorMissing(f"there is no vector of the id {item_id!r}")
        vector: Vectors = members.vectors[0]
        return vector

    def get_many(self, ids: Sequence[str]) -> Members:
        return self._members("item = ANY(%s)", list(ids))

    def members(self, cluster: int) -> Members:
        return self._members("cluster = %s", cluster)

    def sample(self, limit: int) -> Members:
        return self._members("true ORDER BY hashtextextended(item, 0), item LIMIT %s", limit)

    def cluster_stamps(self) -> Numbers:
        with self._snapshot() as connection:
            return self._read_state(connection).stamps

    def ids(self) -> tuple[str, ...]:
        return tuple(self.held())

    def held(self) -> dict[str, str | None]:
        with self._snapshot() as connection:
            return dict(connection.execute(self._tables.of("SELECT item, sha256 FROM {vectors}")).fetchall())

    def learn(self, selection: Selection) -> None:
        """Nothing: the ids of a selection are read when they are needed."""

    def note(self) -> Note | None:
        with self._snapshot() as connection:
            statement = "SELECT note FROM vector_stores WHERE bundle = %s AND note_version = version"
            row = connection.execute(statement, [self._bundle]).fetchone()
        return None if row is None else Note(row[0][0], row[0][1], tuple(row[0][2]))

    def keep_note(self, note: Note) -> None:
        content = Jsonb([note.catalogue, note.version, list(note.without)])
        statement = "UPDATE vector_stores SET note = %s, note_version = version WHERE bundle = %s"
        with self._writing() as connection:
            connection.execute(statement, [content, self._bundle])

    def changed_elsewhere(self) -> bool:
        """Never: every search reads the database itself. What is known of it is brought up to date."""
        with self._snapshot() as connection:
            self._read_state(connection)
        return False

    def close(self) -> None:
        self._pool.close()

    @contextmanager
    def _snapshot(self) -> Iterator[Rows]:
        """A transaction that only reads, and sees the database as it is at one moment."""
        with reported(self._bundle), self._pool.connection() as connection:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            with connection.transaction():
                yield connection

    @contextmanager
    def _change(self) -> Iterator[tuple[Rows, int]]:
        """A transaction that changes the store, and the version that it leads to; one at a time."""
        with self._writing() as connection:
            yield connection, schema.change(connection, self._tables)
        with self._snapshot() as connection:
            self._read_state(connection)

    @contextmanager
    def _writing(self) -> Iterator[Rows]:
        with reported(self._bundle), self._pool.connection() as connection:
            connection.isolation_level = IsolationLevel.READ_COMMITTED
            connection.read_only = False
            with connection.transaction():
                yield connection

    def _read_state(self, connection: Rows) -> State:
        """The clusters' state in this transaction; only what has changed since the last one that was read."""
        cursor = connection.execute("SELECT version, size FROM vector_stores WHERE bundle = %s", [self._bundle])
        row = cursor.fetchone()
        if row is None:
            raise VectorStoreError(f"the vector store of {self._bundle} is not in the database any more")
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

    def _updated(self, connection: Rows, known: State, version: int, size: int) -> State:
        rows = connection.execute(self._tables.of(_REACH), [known.version]).fetchall()
        table = np.array(rows, np.float64).reshape(len(rows), 7)
        numbers = table[:, 0].astype(np.int64)
        members, stamps, reach = known.members.copy(), known.stamps.copy(), known.reach
        columns = [column.copy() for column in (reach.radii, reach.angles, reach.shortest, reach.longest)]
        members[numbers], stamps[numbers] = table[:, 1], table[:, 2]
        for column, values in zip(columns, table.T[3:], strict=True):
            column[numbers] = values
        return State(version, size, members, stamps, Reach(self._clusters, *columns))

    def _rounds(self, state: State, search: SearchRows, probes: Probes, within: float) -> Answer:
        if probes == "all":
            opened = np.arange(len(self._clusters) if within > -math.inf else 0)
            return Answer(search.scan(opened, math.inf).rows, opened)
        limit, margin = self._auto.limits(probes, search.metric, state.size)
        return search_rounds(
            state.reach.view(search.query, search.metric),
            search.scan,
            k=search.k,
            limit=limit,
            margin=margin,
            short=isinstance(probes, int) and not search.selective,
            within=within,
        )

    def _hits(self, state: State, search: SearchRows, answer: Answer, probes: Probes, within: float) -> Hits:
        """The k best of the answer's rows, ranked as every store ranks them."""
        hits = [search.found[row] for row in answer.rows.tolist()]
        ids = [each.item for each in hits]
        vectors = np.array([each.vector for each in hits], np.float32).reshape(len(hits), self._clusters.dims)
        best, cosine, euclidean = ranked_hits(
            search.query, vectors, ids, k=search.k, metric=search.metric, within=within
        )
        return Hits(
            ids=tuple(ids[row] for row in best),
            cosine=cosine,
            euclidean=euclidean,
            clusters=np.array([hits[row].cluster for row in best], np.int32),
            exact=answer.certified,
            clusters_opened=len(answer.opened),
            clusters_total=len(self._clusters),
            vectors_read=max(int(state.members[answer.opened].sum()), len(best)),
            recall_estimate=self._auto.recall(answer, probes, search.metric),
        )

    def _members(self, condition: str, value: object) -> Members:
        statement = self._tables.of(_MEMBERS.format(condition=condition))
        with self._snapshot() as connection:
            rows = connection.execute(statement, [value], binary=True).fetchall()
        vectors = [vector.to_numpy() for _, _, vector in rows]
        return Members(
            tuple(item for item, _, _ in rows),
            np.array(vectors, np.float32).reshape(len(rows), self._clusters.dims),
            np.array([cluster for _, cluster, _ in rows], np.int64),
        )
