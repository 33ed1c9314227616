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
from retrieval.selection import Selection
from retrieval.vectors import auto
from retrieval.vectors.auto import Auto
from retrieval.vectors.base import Hits, Members, Note, Probes, checked_query, latest_vectors
from retrieval.vectors.codes import Kind
from retrieval.vectors.embedded import generations
from retrieval.vectors.embedded.block import Block
from retrieval.vectors.embedded.compaction import Compaction
from retrieval.vectors.embedded.locks import SharedLock
from retrieval.vectors.embedded.rows import BUSY_SECONDS, Batch, Shape, VectorFile
from retrieval.vectors.embedded.store_rows import StoreRows
from retrieval.vectors.margins import Margins
from retrieval.vectors.probe import Probe, ranked_hits
from retrieval.vectors.rounds import Answer, search_rounds
from retrieval.vectors.selecting import UNKNOWN, Allowed

FEW_ROWS = 2_000
"""Rows that are compared one by one where only these may be hits: faster than to open the clusters they lie in."""
LEARNT_TOGETHER = 5_000  # items whose rows are looked for between two moments in which searches may look
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
        self._stamps = np.zeros(len(clusters), np.int64)
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
        digests: Sequence[str | None] | None = None,
        codes: Kind = "none",
    ) -> None:
        """Writes a new store with these vectors [n, d], all or nothing. Of an id that occurs twice, the last counts.

        `digests` as in `upsert`; `codes`: what searches are to go through. Raises VectorStoreError if the vectors do
        not fit the clusters, or `path` exists, and StorageError if it cannot be written.
        """
        ids, vectors, digests = latest_vectors(ids, vectors, digests, clusters.dims)
        generations.create(path, clusters, Shape(bundle, clusters.dims, len(clusters)), ids, vectors, digests, codes)

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
        return len(self._rows.index)

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
        if isinstance(only, Selection):
            self.learn(only)
        with self._reading.shared():
            excluded = self._rows.of_ids(exclude)
            few, allowed = self._rows.allowed(only, excluded, few=-1 if probes == "all" else FEW_ROWS)
            answer = self._search(query, k, metric, probes, within, exclude=excluded, few=few, allowed=allowed)
            return self._hits(query, answer, k, metric, probes, within)

    def upsert(self, ids: Sequence[str], vectors: Vectors, digests: Sequence[str | None] | None = None) -> None:
        ids, vectors, digests = latest_vectors(ids, vectors, digests, self._clusters.dims)
        assigned = self._clusters.assign(vectors)
        with self._changing:
            self._file.upsert(ids, assigned, vectors, digests)
            with self._reading.alone():
                self._rows.replace(ids, vectors, assigned)
            self._tidy()

    def delete(self, ids: Collection[str]) -> None:
        with self._changing:
            self._file.delete(ids)
            with self._reading.alone():
                self._rows.hide(self._rows.of_ids(ids))

    def get(self, item_id: str) -> Vectors:
        with self._reading.shared():
            row = self._rows.of_id(item_id)
            if row is None:
                raise VectorMissing(f"there is no vector of the id {item_id!r}")
            vector: Vectors = self._rows.index.vectors(np.array([row]))[0]
            return vector

    def get_many(self, ids: Sequence[str]) -> Members:
        with self._reading.shared():
            return self._rows.members(self._rows.of_ids(ids))

    def members(self, cluster: int) -> Members:
        with self._reading.shared():
            return self._rows.members(self._rows.index.members(cluster))

    def sample(self, limit: int) -> Members:
        with self._reading.shared():
            return self._rows.members(self._rows.sample(limit))

    def cluster_stamps(self) -> Numbers:
        with self._reading.shared():
            return self._stamps + self._rows.index.change_counts

    def ids(self) -> tuple[str, ...]:
        with self._reading.shared():
            return self._rows.ids()

    def held(self) -> dict[str, str | None]:
        with self._changing:
            return generations.held(self._file, self._clusters)

    def learn(self, selection: Selection) -> None:
        with self._reading.shared():
            unknown = list(self._rows.numbers.unknown(selection.numbers))
        for start in range(0, len(unknown), LEARNT_TOGETHER):
            some = unknown[start : start + LEARNT_TOGETHER]
            ids = selection.ids_of(some)
            with self._reading.alone():
                self._rows.number({item: number for number, item in ids.items()})
                missing_numbers = np.array([number for number in some if number not in ids], np.int64)
                self._rows.numbers.set(missing_numbers, np.full(len(missing_numbers), UNKNOWN))

    def note(self) -> Note | None:
        with self._changing:
            return self._file.note()

    def keep_note(self, note: Note) -> None:
        with self._changing:
            self._file.keep_note(note)

    def changed_elsewhere(self) -> bool:
        with self._changing:
            return self._file.changed_elsewhere()

    def close(self) -> None:
        with self._changing:
            self._file.close()

    def _load(self, block: Block, removed: Collection[str], batches: Sequence[Batch]) -> None:
        self._rows = StoreRows(self._clusters, block)
        self._rows.hide(self._rows.of_ids(removed))
        for batch in batches:
            self._rows.hide(self._rows.of_ids(batch.ids))
            self._rows.show(batch.ids, batch.vectors, batch.clusters)

    def _tidy(self) -> None:
        """Put all vectors into a new block once so many have changed that searches become slower."""
        if not self._compaction.is_due(self._rows.index.change_count, len(self._rows.block)):
            return
        block = self._compact()
        if block is not None:
            rows = self._rows.moved(block)
            with self._reading.alone():
                self._stamps = self._stamps + self._rows.index.change_counts
                self._rows = rows

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

    def _search(
        self,
        query: Vectors,
        k: int,
        metric: Metric,
        probes: Probes,
        within: float,
        *,
        exclude: Numbers,
        few: Numbers | None,
        allowed: Allowed | None,
    ) -> Answer:
        probe = Probe(query, metric)
        if few is not None:
            rows = self._rows.index.measure(few, probe, k).rows
            return Answer(rows, np.unique(self._rows.index.clusters(few)))
        if probes == "all":
            opened = np.arange(len(self._clusters) if within > -math.inf else 0)
            nearest = self._rows.index.nearest(opened, probe, k=k, exclude=exclude, only=allowed)
            return Answer(nearest.rows, opened)
        limit, margin = self._auto.limits(probes, metric, len(self._rows.index))
        return search_rounds(
            self._rows.reach.view(query, metric),
            lambda opened, rim: self._rows.index.nearest(opened, probe, k=k, rim=rim, exclude=exclude, only=allowed),
            k=k,
            limit=limit,
            margin=margin,
            short=isinstance(probes, int) and allowed is None,
            within=within,
            **({"first": FIRST_ROUND} if len(self._rows.index) > auto.SMALL else {}),
        )

    def _hits(self, query: Vectors, answer: Answer, k: int, metric: Metric, probes: Probes, within: float) -> Hits:
        """The k best of the answer's rows, ranked as every store ranks them."""
        ids, vectors = self._rows.names(answer.rows), self._rows.index.vectors(answer.rows)
        best, cosine, euclidean = ranked_hits(query, vectors, ids, k=k, metric=metric, within=within)
        return Hits(
            ids=tuple(ids[row] for row in best),
            cosine=cosine,
            euclidean=euclidean,
            clusters=self._rows.index.clusters(answer.rows[best]).astype(np.int32),
            exact=answer.certified,
            clusters_opened=len(answer.opened),
            clusters_total=len(self._clusters),
            vectors_read=int(self._rows.index.sizes[answer.opened].sum()),
            recall_estimate=self._auto.recall(answer, probes, metric),
        )
