"""The rows that one search meets in Milvus, as far as its transaction's ledger knows them: with bounds of distances."""

import math
import time
from collections.abc import Sequence

import numpy as np

from retrieval.clusters import Doubles, Metric, Numbers, Vectors, directions_of, lengths_of, product_error
from retrieval.errors import VectorsUnavailable
from retrieval.vectors.base import Members, distances_of
from retrieval.vectors.milvus import ledger
from retrieval.vectors.milvus.allowed import Allowed
from retrieval.vectors.milvus.collections import MAX_ROWS, ROWS_TOGETHER, Collections
from retrieval.vectors.postgresql.tables import Rows, Tables
from retrieval.vectors.probe import exact_measures
from retrieval.vectors.rounds import NOTHING, Answer, Measured

SPARE = 16
"""Rows that a round asks for beyond k, so that distances in float32 rarely leave open which are the nearest."""
MARGIN = 4
"""How many times its error a distance of Milvus is taken to be wrong."""
ROUNDED = 2.5e-7
"""More than a distance changes when it is rounded to float32."""
SNAPSHOT_SECONDS = 25.0
"""A search that takes longer ends with an error: what it has seen may have been removed from Milvus meanwhile."""
GROWTH = 4
"""How many times more rows are asked for where too few of them may be found."""

_KNOWN = "SELECT row, item, cluster FROM {vectors} WHERE row = ANY(%s)"
_ITEMS = "SELECT row, item, cluster FROM {vectors} WHERE item = ANY(%s)"
_CLUSTERS = "SELECT row, item, cluster FROM {vectors} WHERE cluster = ANY(%s)"


class SearchRows:
    """One search in one transaction: the rows that it has seen so far, by number."""

    def __init__(
        self,
        connection: Rows,
        tables: Tables,
        collections: Collections,
        query: Vectors,
        *,
        metric: Metric,
        k: int,
        allowed: Allowed,
        size: int,
    ) -> None:
        self.query = query
        self.metric: Metric = metric
        self.k = k
        self.selective = allowed.selective
        self._connection = connection
        self._tables = tables
        self._collections = collections
        self._allowed = allowed
        self._written = ledger.read_written(connection, tables)
        self._begun = time.monotonic()
        self._known: dict[int, tuple[str, int] | None] = {}
        """Of each row that was met its item and cluster; None where it may not be found."""
        self._vectors: dict[int, Vectors] = {}
        doubles = query.astype(np.float64)[None]
        self._length = float(lengths_of(doubles)[0])
        self._point: Vectors = directions_of(doubles)[0] if metric == "cosine" else query
        self._error = MARGIN * float(product_error(len(query)))
        share = len(allowed) / size if allowed.selective and size else 1.0
        wanted = (k + SPARE) / min(max(share, 1e-6), 1) + len(allowed.excluded)
        self._limit = min(math.ceil(wanted), MAX_ROWS)

    def compare(self, items: Sequence[str]) -> Answer:
        """Compare the vectors of these items."""
        rows = self._read(_ITEMS, list(items))
        clusters = np.array([self._cluster(row) for row in rows.tolist()], np.int64)
        return Answer(self._measure(rows).rows, np.unique(clusters))

    def scan(self, opened: Numbers, rim: float) -> Measured:
        """Of the rows in these clusters at least all that may be among the k nearest and lie within `rim`."""
        if not len(opened):
            return NOTHING
        limit = self._limit
        while True:
            measured, last = self._nearest(limit, None if len(opened) == self._tables.clusters else opened)
            beyond = min(rim, measured.rim(self.k))
            if last is None or last > beyond:
                return measured
            if limit == MAX_ROWS:
                return self._measure(self._read(_CLUSTERS, opened.tolist()))
            limit = min(limit * GROWTH, MAX_ROWS)

    def approximate(self) -> Answer:
        """What an index holds for the nearest rows, more of them until k may be found; never certified."""
        limit = self._limit
        while True:
            measured, last = self._nearest(limit, None)
            if len(measured.rows) >= self.k or last is None:
                break
            if limit == MAX_ROWS:
                if self.selective:
                    measured = self._measure(self._read(_ITEMS, self._allowed.ids()))
                break
            limit = min(limit * GROWTH, MAX_ROWS)
        return Answer(measured.rows, np.empty(0, np.int64), margin=0.0)

    def members(self, rows: Numbers) -> Members:
        """Ids, vectors and clusters of rows that were seen, in this order."""
        self._fetch(rows)
        known = [self._known[row] or ("", 0) for row in rows.tolist()]
        return Members(
            tuple(item for item, _ in known),
            np.array([self._vectors[row] for row in rows.tolist()], np.float32).reshape(len(rows), len(self.query)),
            np.array([cluster for _, cluster in known], np.int64),
        )

    def _nearest(self, limit: int, opened: Numbers | None) -> tuple[Measured, float | None]:
        """Rows that may be found, and what the distance of all others is at least; None where there are no others."""
        self._check_time()
        rows, values = self._collections.nearest(self.metric, self._point, limit, opened=opened, written=self._written)
        lower, upper = self._bounds(values.astype(np.float64))
        last = float(lower.max()) if len(rows) == limit else None
        self._look_up(rows)
        found = np.array([self._known[row] is not None for row in rows.tolist()], bool)
        if not found.any():
            return NOTHING, last
        return Measured(rows[found], lower[found].astype(np.float32), upper[found].astype(np.float32)), last

    def _bounds(self, values: Doubles) -> tuple[Doubles, Doubles]:
        """Between which two values the distance lies that Milvus computes in float32, each a little wider."""
        if self.metric == "cosine":
            distances = 1 - values
            return distances - self._error - ROUNDED, distances + self._error + ROUNDED
        squared = np.maximum(values, 0)
        spans = self._error * (2 * self._length + np.sqrt(squared)) ** 2 + 1e-35
        lower = np.sqrt(np.maximum(squared - spans, 0)) * (1 - ROUNDED)
        return lower, np.sqrt(squared + spans) * (1 + ROUNDED)

    def _look_up(self, rows: Numbers) -> None:
        """Ask the ledger for rows that were not met before."""
        new = [row for row in rows.tolist() if row not in self._known]
        if new:
            self._known.update(dict.fromkeys(new))
            self._read(_KNOWN, new)

    def _read(self, statement: str, values: Sequence[object]) -> Numbers:
        """The rows of the ledger that may be found."""
        listed = self._connection.execute(self._tables.of(statement), [values]).fetchall()
        allowed = self._allowed.of([item for _, item, _ in listed])
        found = {row: (item, cluster) for row, item, cluster in listed if item in allowed}
        self._known.update(found)
        return np.array(list(found), np.int64)

    def _measure(self, rows: Numbers) -> Measured:
        """Compare rows of the ledger one by one."""
        if not len(rows):
            return NOTHING
        members = self.members(rows)
        cosine, euclidean = exact_measures(self.query, members.vectors)
        distances = distances_of(cosine, euclidean, self.metric)
        slack = ROUNDED * (1 + distances)
        return Measured(rows, (distances - slack).astype(np.float32), (distances + slack).astype(np.float32))

    def _fetch(self, rows: Numbers) -> None:
        missing = np.array([row for row in rows.tolist() if row not in self._vectors], np.int64)
        for start in range(0, len(missing), ROWS_TOGETHER):
            self._check_time()
            self._vectors |= self._collections.vectors(missing[start : start + ROWS_TOGETHER], self._written)

    def _cluster(self, row: int) -> int:
        known = self._known[row]
        return -1 if known is None else known[1]

    def _check_time(self) -> None:
        if time.monotonic() - self._begun > SNAPSHOT_SECONDS:
            raise VectorsUnavailable(f"Milvus took too long to search the vectors of {self._collections.bundle}")
