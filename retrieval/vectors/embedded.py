"""The embedded vector store: durable in files, searched in memory around its clusters.

A change is committed to the file first and shown to searches second, under a lock that searches share. Opening maps the
block of vectors from its file, so that a million of them are there at once; see generations.py.
"""

import logging
import math
from collections.abc import Collection, Sequence
from pathlib import Path
from threading import Lock
from typing import Self

import numpy as np

from retrieval.clusters import Clusters, Metric, Numbers, Vectors
from retrieval.errors import StorageError, VectorMissing
from retrieval.vectors import auto, generations
from retrieval.vectors.auto import Auto
from retrieval.vectors.base import Hits, Members, Probes, checked_vectors, distances_of, latest_rows
from retrieval.vectors.block import Block
from retrieval.vectors.compaction import Compaction
from retrieval.vectors.index import ClusterIndex
from retrieval.vectors.locks import SharedLock
from retrieval.vectors.margins import Margins
from retrieval.vectors.probe import Probe, exact_measures
from retrieval.vectors.rounds import Answer, search_rounds
from retrieval.vectors.rows import BUSY_SECONDS, Batch, Shape, VectorFile

FEW_ROWS = 2_000
"""Rows that are compared one by one where only these may be hits: faster than to open the clusters they lie in."""
FIRST_ROUND = 8
"""Clusters opened before the first look at the bounds, in a store that is not small."""

logger = logging.getLogger(__name__)


class EmbeddedStore:
    """A VectorStore (see there for what each method promises) for one process of many threads."""

    def __init__(self, file: VectorFile, clusters: Clusters, auto_: Auto) -> None:
        """For `open`, which see."""
        self._file = file
        self._clusters = clusters
        self._auto = auto_
        self._reading = SharedLock()
        self._changing = Lock()
        block, removed, batches = generations.read(file, clusters)
        self._compaction = Compaction()
        changes = len(removed) + sum(len(batch.ids) for batch in batches)
        if self._compaction.is_due(changes, len(block)):
            # Where the disk takes no new block, the vectors can be searched all the same.
            compacted = self._compact()
            block = compacted if compacted is not None else generations.merged(block, clusters, removed, batches)
            removed, batches = set(), []
        self._load(block, removed, batches)

    @classmethod
    def create(
        cls,
        path: Path,
        clusters: Clusters,
        *,
        bundle: str,
        ids: Sequence[str],
        vectors: Vectors,
        digests: Sequence[str] | None = None,
    ) -> None:
        """Writes a new store with these vectors [n, d], all or nothing. Of an id that occurs twice, the last counts.

        `digests` as in `upsert`. Raises VectorStoreError if the vectors do not fit the clusters, or `path` exists, and
        StorageError if it cannot be written.
        """
        vectors = checked_vectors(vectors, clusters.dims, rows=len(ids))
        rows = latest_rows(ids)
        if len(rows) < len(ids):
            ids, vectors = [ids[row] for row in rows], vectors[rows]
            digests = digests and [digests[row] for row in rows]
        generations.create(path, clusters, Shape(bundle, clusters.dims, len(clusters)), ids, vectors, digests)

    @classmethod
    def open(
        cls,
        path: Path,
        clusters: Clusters,
        *,
        bundle: str,
        auto_probes: int | None = None,
        margins: Margins | None = None,
        busy_seconds: float = BUSY_SECONDS,
    ) -> Self:
        """Opens the store that was created for this bundle and these clusters.

        How many clusters a search with `probes="auto"` opens beyond 20,000 vectors: those within the margin of 99 % of
        the true hits; without `margins`, at most `auto_probes`.
        `busy_seconds`: how long a change waits for another process's before it is given up (StorageBusy).
        Raises VectorStoreError if the file is missing, damaged, or of another bundle.
        """
        file = VectorFile(path, Shape(bundle, clusters.dims, len(clusters)), busy_seconds=busy_seconds)
        try:
            return cls(file, clusters, Auto(margins, auto_probes))
        except BaseException:
            file.close()
            raise

    def __len__(self) -> int:
        return len(self._index)

    def search(
        self,
        query: Vectors,
        *,
        k: int,
        metric: Metric,
        probes: Probes = "auto",
        exclude: Collection[str] = (),
        only: Collection[str] | None = None,
        within: float = math.inf,
    ) -> Hits:
        if k < 1 or (isinstance(probes, int) and probes < 1):
            raise ValueError(f"a search needs k and probes of at least 1; found k={k}, probes={probes}")
        query = checked_vectors(query[None], self._clusters.dims, rows=1)[0]
        with self._reading.shared():
            if only is None:
                answer = self._search(query, k, metric, probes, within, exclude=self._rows_of(exclude))
            else:
                chosen = self._rows_of(set(only).difference(exclude))
                answer = self._search(query, k, metric, probes, within, exclude=chosen[:0], only=chosen)
            return self._hits(query, answer, k, metric, probes, within)

    def upsert(self, ids: Sequence[str], vectors: Vectors, digests: Sequence[str] | None = None) -> None:
        rows = latest_rows(ids)
        vectors = checked_vectors(vectors, self._clusters.dims, rows=len(ids))
        if len(rows) < len(ids):
            ids, vectors = [ids[row] for row in rows], vectors[rows]
            digests = digests and [digests[row] for row in rows]
        assigned = self._clusters.assign(vectors)
        with self._changing:
            self._file.upsert(ids, assigned, vectors, digests)
            with self._reading.alone():
                self._hide(self._rows_of(ids))
                self._show(ids, vectors, assigned)
            self._tidy()

    def delete(self, ids: Collection[str]) -> None:
        with self._changing:
            self._file.delete(ids)
            with self._reading.alone():
                self._hide(self._rows_of(ids))

    def get(self, item_id: str) -> Vectors:
        with self._reading.shared():
            row = self._row_of(item_id)
            if row is None:
                raise VectorMissing(f"there is no vector of the id {item_id!r}")
            vector: Vectors = self._index.vectors(np.array([row]))[0]
            return vector

    def get_many(self, ids: Sequence[str]) -> Members:
        with self._reading.shared():
            return self._members(self._rows_of(ids))

    def members(self, cluster: int) -> Members:
        with self._reading.shared():
            return self._members(self._index.members(cluster))

    def ids(self) -> tuple[str, ...]:
        with self._reading.shared():
            names = [*self._block.ids.names(), *self._late_names]
            return tuple(names[row] for row in self._index.rows().tolist())

    def held(self) -> dict[str, str | None]:
        with self._changing:
            return generations.held(self._file, self._clusters)

    def changed_elsewhere(self) -> bool:
        with self._changing:
            return self._file.changed_elsewhere()

    def close(self) -> None:
        with self._changing:
            self._file.close()

    def _load(self, block: Block, removed: Collection[str], batches: Sequence[Batch]) -> None:
        self._block = block
        self._index = ClusterIndex(self._clusters, block)
        self._reach = block.reach
        self._late_rows: dict[str, int] = {}
        self._late_names: list[str] = []
        self._hide(self._rows_of(removed))
        for batch in batches:
            self._hide(self._rows_of(batch.ids))
            self._show(batch.ids, batch.vectors, batch.clusters)

    def _tidy(self) -> None:
        """Put all vectors into a new block once so many have changed that searches become slower."""
        if not self._compaction.is_due(self._index.change_count, len(self._block)):
            return
        block = self._compact()
        if block is not None:
            with self._reading.alone():
                self._load(block, (), ())

    def _compact(self) -> Block | None:
        """The new block; None where the disk does not take it."""
        try:
            block = generations.compact(self._file, self._clusters)
        except StorageError as error:
            wait = self._compaction.refused()
            logger.warning("the vectors stay as they are on disk, for %.0f seconds at least: %s", wait, error)
            return None
        self._compaction.done()
        return block

    def _row_of(self, item_id: str) -> int | None:
        row = self._late_rows.get(item_id)
        if row is None:
            row = self._block.ids.row(item_id)
        return row if row is not None and self._index.has(row) else None

    def _rows_of(self, ids: Collection[str]) -> Numbers:
        """The rows of those of these ids that are here, each once."""
        rows = (self._row_of(item) for item in set(ids))
        return np.array([row for row in rows if row is not None], np.int64)

    def _name_of(self, row: int) -> str:
        late = row - len(self._block)
        return self._late_names[late] if late >= 0 else self._block.ids.name(row)

    def _names_of(self, rows: Numbers) -> list[str]:
        if self._late_names:
            return [self._name_of(row) for row in rows.tolist()]
        return self._block.ids.names_of(rows)

    def _members(self, rows: Numbers) -> Members:
        return Members(tuple(self._names_of(rows)), self._index.vectors(rows), self._index.clusters(rows))

    def _show(self, ids: Sequence[str], vectors: Vectors, clusters: Numbers) -> None:
        """Lets searches find vectors whose ids are not in use."""
        rows = self._index.add(vectors, clusters)
        self._reach = self._reach.widened(vectors, clusters)
        self._late_names += ids
        self._late_rows.update(zip(ids, rows.tolist(), strict=True))

    def _hide(self, rows: Numbers) -> None:
        """Hides rows from searches. The clusters' reach stays: too wide is safe."""
        self._index.remove(rows)
        for row in rows.tolist():
            self._late_rows.pop(self._name_of(row), None)

    def _search(
        self,
        query: Vectors,
        k: int,
        metric: Metric,
        probes: Probes,
        within: float,
        *,
        exclude: Numbers,
        only: Numbers | None = None,
    ) -> Answer:
        probe = Probe(query, metric)
        if only is not None and len(only) <= FEW_ROWS and probes != "all":
            rows = self._index.measure(only, probe, k).rows
            return Answer(rows, np.unique(self._index.clusters(only)))
        mask = None if only is None else self._index.mask(only)
        if probes == "all":
            opened = np.arange(len(self._clusters) if within > -math.inf else 0)
            found = self._index.nearest(opened, probe, k=k, exclude=exclude, only=mask)
            return Answer(found.rows, opened)
        limit, margin = self._auto.limits(probes, metric, len(self._index))
        return search_rounds(
            self._reach.view(query, metric),
            lambda opened, rim: self._index.nearest(opened, probe, k=k, rim=rim, exclude=exclude, only=mask),
            k=k,
            limit=limit,
            margin=margin,
            short=isinstance(probes, int) and only is None,
            within=within,
            **({"first": FIRST_ROUND} if len(self._index) > auto.SMALL else {}),
        )

    def _hits(self, query: Vectors, answer: Answer, k: int, metric: Metric, probes: Probes, within: float) -> Hits:
        """The k best of the answer's rows, ranked and cut by what is reported: the true values, rounded to float32."""
        cosine, euclidean = exact_measures(query, self._index.vectors(answer.rows))
        ids = self._names_of(answer.rows)
        ranked = (-cosine if metric == "cosine" else euclidean).tolist()
        reached = np.flatnonzero(distances_of(cosine, euclidean, metric) <= within).tolist()
        best = sorted(reached, key=lambda row: (ranked[row], ids[row]))[:k]
        return Hits(
            ids=tuple(ids[row] for row in best),
            cosine=cosine[best],
            euclidean=euclidean[best],
            clusters=self._index.clusters(answer.rows[best]).astype(np.int32),
            exact=answer.certified,
            clusters_opened=len(answer.opened),
            clusters_total=len(self._clusters),
            vectors_read=int(self._index.sizes[answer.opened].sum()),
            recall_estimate=self._auto.recall(answer, probes, metric),
        )
