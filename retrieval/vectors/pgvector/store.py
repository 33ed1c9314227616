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
import psycopg
from psycopg import IsolationLevel
from psycopg_pool import ConnectionPool

from retrieval.clusters import Clusters, Metric, Numbers, Reach, Vectors, directions_of, product_error
from retrieval.errors import StorageBusy, StorageError, VectorMissing, VectorStoreError
from retrieval.selection import Selection
from retrieval.vectors.auto import Auto
from retrieval.vectors.base import Hits, Members, Probes, checked_vectors, distances_of, latest_rows
from retrieval.vectors.pgvector import schema
from retrieval.vectors.pgvector.schema import Rows, Tables
from retrieval.vectors.probe import exact_measures
from retrieval.vectors.rounds import NOTHING, Answer, Measured, search_rounds

SPARE = 16
"""Rows that a round asks for beyond k, so that distances in float32 rarely leave open which are the nearest."""
MARGIN = 4
"""How many times its error a distance of pgvector is taken to be wrong."""
ROUNDED = 2.5e-7
"""More than a distance changes when it is rounded to float32."""
FEW_ROWS = 2_000
"""Ids whose vectors are compared one by one where only these may be hits."""

DISTANCES = {
    "cosine": "CASE WHEN short THEN NULL ELSE vector <=> %(query)s END",
    "euclidean": "vector <-> %(query)s",
}
_ROWS = """
SELECT row, item, cluster, vector, {distance} AS distance FROM {{vectors}}
WHERE {condition} ORDER BY distance NULLS FIRST, item {limit}
"""  # from parts that stand in this file
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
        if k < 1 or (isinstance(probes, int) and probes < 1):
            raise ValueError(f"a search needs k and probes of at least 1; found k={k}, probes={probes}")
        query = checked_vectors(query[None], self._clusters.dims, rows=1)[0]
        selected = None if only is None else set(only.ids() if isinstance(only, Selection) else only)
        with self._snapshot() as connection:
            state = self._read_state(connection)
            search = _Search(connection, self._tables, query, metric, k)
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
        rows = latest_rows(ids)
        vectors = checked_vectors(vectors, self._clusters.dims, rows=len(ids))[rows]
        names = [ids[row] for row in rows]
        sources = [digests[row] if digests else None for row in rows]
        if names:
            with self._change() as (connection, version):
                schema.delete(connection, self._tables, names, version)
                schema.insert(connection, self._tables, self._clusters, names, vectors, sources, version)

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
        with reported(self._bundle), self._pool.connection() as connection:
            connection.isolation_level = IsolationLevel.READ_COMMITTED
            connection.read_only = False
            with connection.transaction():
                yield connection, schema.change(connection, self._tables)
        with self._snapshot() as connection:
            self._read_state(connection)

    def _read_state(self, connection: Rows) -> State:
        """The clusters' state in this transaction; only what has changed since the last one that was read."""
        found = connection.execute("SELECT version, size FROM vector_stores WHERE bundle = %s", [self._bundle])
        row = found.fetchone()
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

    def _rounds(self, state: State, search: "_Search", probes: Probes, within: float) -> Answer:
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

    def _hits(self, state: State, search: "_Search", answer: Answer, probes: Probes, within: float) -> Hits:
        """The k best of the answer's rows, ranked as every store ranks them."""
        rows = answer.rows.tolist()
        found = [search.found[row] for row in rows]
        vectors = np.stack([each.vector for each in found]) if found else np.empty((0, self._clusters.dims), np.float32)
        cosine, euclidean = exact_measures(search.query, vectors)
        ranked = (-cosine if search.metric == "cosine" else euclidean).tolist()
        near = np.flatnonzero(distances_of(cosine, euclidean, search.metric) <= within).tolist()
        best = sorted(near, key=lambda row: (ranked[row], found[row].item))[: search.k]
        return Hits(
            ids=tuple(found[row].item for row in best),
            cosine=cosine[best],
            euclidean=euclidean[best],
            clusters=np.array([found[row].cluster for row in best], np.int32),
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


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    item: str
    cluster: int
    vector: Vectors


class _Search:
    """One search in one transaction: the rows that it has seen so far, by number."""

    def __init__(self, connection: Rows, tables: Tables, query: Vectors, metric: Metric, k: int) -> None:
        self.query = query
        self.metric: Metric = metric
        self.k = k
        self.found: dict[int, _Row] = {}
        self.selective = False
        self._connection = connection
        self._tables = tables
        self._condition, self._ids = "", list[str]()
        direction = directions_of(query.astype(np.float64)[None])[0]
        self._point = direction if metric == "cosine" else query
        self._error = MARGIN * float(product_error(len(query)))

    def leave_out(self, ids: Collection[str]) -> None:
        """Leave these ids out."""
        if ids:
            self._condition, self._ids = "AND item <> ALL(%(ids)s)", list(ids)

    def keep_to(self, ids: Collection[str]) -> None:
        """Leave all ids out but these."""
        self._condition, self._ids, self.selective = "AND item = ANY(%(ids)s)", list(ids), True

    def compare_all(self) -> Answer:
        """Compare every row that passes the condition."""
        measured, _ = self._fetch("true " + self._condition, {})
        clusters = np.array([self.found[row].cluster for row in measured.rows.tolist()], np.int64)
        return Answer(measured.rows, np.unique(clusters))

    def scan(self, opened: Numbers, rim: float) -> Measured:
        """Of the rows in these clusters at least all that may be among the k nearest and lie within `rim`."""
        if not len(opened):
            return NOTHING
        limit = self.k + SPARE
        while True:
            condition = f"cluster = ANY(%(clusters)s) {self._condition}"
            measured, last = self._fetch(condition, {"clusters": opened.tolist(), "limit": limit})
            beyond = min(rim, measured.rim(self.k))
            if len(measured.rows) < limit or (last is not None and self._least(last) > beyond):
                return measured
            limit *= 4

    def _least(self, distance: float) -> float:
        """What the true distance of a row is at least, of which pgvector computes this distance."""
        if self.metric == "cosine":
            return distance - self._error
        return distance * (1 - self._error) - 1e-18

    def _fetch(self, condition: str, values: dict[str, object]) -> tuple[Measured, float | None]:
        """Rows that pass the condition, nearest first, and the distance of the last one as pgvector computes it."""
        limit = "LIMIT %(limit)s" if "limit" in values else ""
        distance = DISTANCES[self.metric] if self._point.any() or self.metric == "euclidean" else "NULL::float8"
        statement = self._tables.of(_ROWS.format(distance=distance, condition=condition, limit=limit))
        values |= {"query": self._point, "ids": self._ids}
        rows = self._connection.execute(statement, values, binary=True).fetchall()
        if not rows:
            return NOTHING, None
        vectors = np.stack([vector.to_numpy() for _, _, _, vector, _ in rows])
        self.found.update(
            (row, _Row(item, cluster, vector)) for (row, item, cluster, _, _), vector in zip(rows, vectors, strict=True)
        )
        cosine, euclidean = exact_measures(self.query, vectors)
        distances = distances_of(cosine, euclidean, self.metric)
        slack = ROUNDED if self.metric == "cosine" else ROUNDED * distances
        numbers = np.array([row[0] for row in rows], np.int64)
        lower, upper = (distances - slack).astype(np.float32), (distances + slack).astype(np.float32)
        return Measured(numbers, lower, upper), rows[-1][-1]


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
