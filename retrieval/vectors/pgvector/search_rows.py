"""The rows that one search reads from PostgreSQL, in one transaction: nearest first, with bounds of their distances."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from psycopg import sql

from retrieval.clusters import Metric, Numbers, Vectors, directions_of, product_error
from retrieval.vectors.base import Members, distances_of
from retrieval.vectors.postgresql.tables import Rows, Tables
from retrieval.vectors.probe import exact_measures
from retrieval.vectors.rounds import NOTHING, Answer, Measured

SPARE = 16
"""Rows that a round asks for beyond k, so that distances in float32 rarely leave open which are the nearest."""
MARGIN = 4
"""How many times its error a distance of pgvector is taken to be wrong."""
ROUNDED = 2.5e-7
"""More than a distance changes when it is rounded to float32."""

DISTANCES = {
    "cosine": "CASE WHEN short THEN NULL ELSE vector <=> %(query)s END",
    "euclidean": "vector <-> %(query)s",
}
_ROWS = """
SELECT row, item, cluster, vector, {distance} AS distance FROM {{vectors}}
WHERE {condition} ORDER BY distance NULLS FIRST, item {limit}
"""  # from parts that stand in this file


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    item: str
    cluster: int
    vector: Vectors


_HNSW = "SET LOCAL hnsw.iterative_scan = strict_order; SET LOCAL hnsw.ef_search = {}"
_NEAREST = "SELECT row, item, cluster, vector FROM {{vectors}} WHERE true {condition} ORDER BY {order} LIMIT %(limit)s"
MIN_EF, MAX_EF = 100, 1_000
"""Rows that HNSW looks at, at least and at most as pgvector takes them, before it looks for more of them."""


class SearchRows:
    """One search in one transaction: the rows that it has seen so far, by number."""

    def __init__(self, connection: Rows, tables: Tables, query: Vectors, metric: Metric, k: int) -> None:
        self.query = query
        self.metric: Metric = metric
        self.k = k
        self.found: dict[int, Row] = {}
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

    def approximate(self) -> Answer:
        """The nearest rows as HNSW knows them, never certified; all rows where it knows too few of a selection."""
        self._connection.execute(sql.SQL(_HNSW).format(min(max(self.k + SPARE, MIN_EF), MAX_EF)))
        order = f"vector {'<=>' if self.metric == 'cosine' else '<->'} %(query)s"
        statement = self._tables.of(_NEAREST.format(condition=self._condition, order=order))
        values = {"query": self._point, "ids": self._ids, "limit": self.k + SPARE}
        rows = self._connection.execute(statement, values, binary=True).fetchall()
        if self.selective and len(rows) < self.k:
            found = self.compare_all().rows
        else:
            self.found.update((row, Row(item, cluster, vector.to_numpy())) for row, item, cluster, vector in rows)
            found = np.array([row for row, _, _, _ in rows], np.int64)
        return Answer(found, np.empty(0, np.int64), margin=0.0)

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

    def members(self, rows: Numbers) -> Members:
        """Ids, vectors and clusters of rows that were seen, in this order."""
        some = [self.found[row] for row in rows.tolist()]
        return Members(
            tuple(each.item for each in some),
            np.array([each.vector for each in some], np.float32).reshape(len(some), len(self.query)),
            np.array([each.cluster for each in some], np.int64),
        )

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
            (row, Row(item, cluster, vector)) for (row, item, cluster, _, _), vector in zip(rows, vectors, strict=True)
        )
        cosine, euclidean = exact_measures(self.query, vectors)
        distances = distances_of(cosine, euclidean, self.metric)
        slack = ROUNDED if self.metric == "cosine" else ROUNDED * distances
        numbers = np.array([row[0] for row in rows], np.int64)
        lower, upper = (distances - slack).astype(np.float32), (distances + slack).astype(np.float32)
        return Measured(numbers, lower, upper), rows[-1][-1]
