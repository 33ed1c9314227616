"""The embedded vector store: vectors durable in one SQLite file, searched in memory by FAISS around its clusters.

A change is committed to the file first and shown to searches second, under a lock that searches share.
"""

import math
from collections.abc import Collection, Sequence
from pathlib import Path
from threading import Lock
from typing import Self

import numpy as np

from retrieval.clusters import Clusters, Doubles, Metric, Numbers, Reach, Vectors, View, cosines_of, lengths_of
from retrieval.errors import VectorMissing, VectorStoreError
from retrieval.vectors.base import Hits, Members, Probes, comparable, distances_of
from retrieval.vectors.index import ClusterIndex, Selector
from retrieval.vectors.locks import SharedLock
from retrieval.vectors.rounds import Answer, search_rounds
from retrieval.vectors.rows import BUSY_SECONDS, Batch, Shape, VectorFile

SMALL = 20_000
"""Vectors up to which `probes="auto"` always goes on until the answer is certified: a few milliseconds at worst."""


class EmbeddedStore:
    """A VectorStore (see there for what each method promises) for one process of many threads."""

    def __init__(self, file: VectorFile, clusters: Clusters, auto_probes: int | None) -> None:
        """For `open`, which see."""
        self._file = file
        self._clusters = clusters
        self._auto_probes = auto_probes
        self._index = ClusterIndex(clusters)
        self._reach = Reach.nowhere(clusters)
        self._keys: dict[str, int] = {}
        self._ids: dict[int, str] = {}
        self._reading = SharedLock()
        self._changing = Lock()
        for batch in file.read():
            self._show(batch)

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
        """Writes a new file with these vectors [n, d]: all of it or nothing. Of an id given twice, the last one counts.

        `digests` as in `upsert`. Raises VectorStoreError if the vectors do not fit the clusters, or `path` exists, and
        StorageError if it cannot be written.
        """
        vectors = _fitting(vectors, clusters.dims, rows=len(ids))
        rows = _latest_rows(ids)
        if len(rows) < len(ids):
            ids, vectors = [ids[row] for row in rows], vectors[rows]
            digests = digests and [digests[row] for row in rows]
        batch = Batch(np.arange(len(ids)), ids, clusters.assign(vectors), vectors)
        VectorFile.create(path, Shape(bundle, clusters.dims, len(clusters)), batch, digests)

    @classmethod
    def open(
        cls,
        path: Path,
        clusters: Clusters,
        *,
        bundle: str,
        auto_probes: int | None = None,
        busy_seconds: float = BUSY_SECONDS,
    ) -> Self:
        """Opens the file that was created for this bundle and these clusters, and loads its vectors into memory.

        `auto_probes`: the most clusters that a search with `probes="auto"` opens beyond 20,000 vectors.
        `busy_seconds`: how long a change waits for another process's before it is given up (StorageBusy).
        Raises VectorStoreError if the file is missing, damaged, or of another bundle.
        """
        file = VectorFile(path, Shape(bundle, clusters.dims, len(clusters)), busy_seconds=busy_seconds)
        try:
            return cls(file, clusters, auto_probes)
        except BaseException:
            file.close()
            raise

    def __len__(self) -> int:
        return len(self._keys)

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
        query = _fitting(query[None], self._clusters.dims, rows=1)[0]
        with self._reading.shared():
            if only is None:
                selector, excluded_keys = None, self._keys_of(exclude)
            else:
                selector, excluded_keys = Selector(self._keys_of(set(only).difference(exclude))), self._keys_of(())
            answer = self._probe(query, k, metric, probes, excluded_keys, selector, within)
            return self._hits(query, answer, k, metric, within)

    def upsert(self, ids: Sequence[str], vectors: Vectors, digests: Sequence[str] | None = None) -> None:
        rows = _latest_rows(ids)
        vectors = _fitting(vectors, self._clusters.dims, rows=len(ids))
        if len(rows) < len(ids):
            ids, vectors = [ids[row] for row in rows], vectors[rows]
            digests = digests and [digests[row] for row in rows]
        assigned = self._clusters.assign(vectors)
        with self._changing:
            batch = self._file.upsert(ids, assigned, vectors, digests)
            with self._reading.alone():
                # Another process may have changed in the file what memory still has under these ids or these keys.
                self._hide(np.union1d(self._keys_of(ids), batch.keys))
                self._show(batch)

    def delete(self, ids: Collection[str]) -> None:
        with self._changing:
            self._file.delete(ids)
            with self._reading.alone():
                self._hide(self._keys_of(ids))

    def get(self, item_id: str) -> Vectors:
        with self._reading.shared():
            if item_id not in self._keys:
                raise VectorMissing(f"there is no vector of the id {item_id!r}")
            vector: Vectors = self._index.vectors(np.array([self._keys[item_id]]))[0]
            return vector

    def get_many(self, ids: Sequence[str]) -> Members:
        with self._reading.shared():
            keys = self._keys_of(ids)
            return Members(self._names(keys), self._index.vectors(keys), self._index.clusters(keys))

    def members(self, cluster: int) -> Members:
        with self._reading.shared():
            keys, vectors = self._index.members(cluster)
            return Members(self._names(keys), vectors, np.full(len(keys), cluster))

    def ids(self) -> tuple[str, ...]:
        with self._reading.shared():
            return tuple(self._keys)

    def held(self) -> dict[str, str | None]:
        with self._changing:
            return self._file.held()

    def changed_elsewhere(self) -> bool:
        with self._changing:
            return self._file.changed_elsewhere()

    def close(self) -> None:
        with self._changing:
            self._file.close()

    def _names(self, keys: Numbers) -> tuple[str, ...]:
        return tuple(self._ids[key] for key in keys.tolist())

    def _keys_of(self, ids: Collection[str]) -> Numbers:
        """The keys of those of these ids that are here."""
        return np.array([self._keys[item] for item in set(ids) if item in self._keys], np.int64)

    def _show(self, batch: Batch) -> None:
        """Lets searches find vectors whose keys are not in use."""
        self._index.add(batch.keys, batch.vectors, batch.clusters)
        self._reach = self._reach.widened(batch.vectors, batch.clusters)
        keys = batch.keys.tolist()
        self._keys.update(zip(batch.ids, keys, strict=True))
        self._ids.update(zip(keys, batch.ids, strict=True))

    def _hide(self, keys: Numbers) -> None:
        """Hides those of these keys that are in use from searches. The clusters' reach stays: too wide is safe."""
        used = [key for key in keys.tolist() if key in self._ids]
        self._index.remove(np.array(used, np.int64))
        for key in used:
            del self._keys[self._ids.pop(key)]

    def _probe(
        self,
        query: Vectors,
        k: int,
        metric: Metric,
        probes: Probes,
        without: Numbers,
        only: Selector | None,
        within: float,
    ) -> Answer:
        view = self._reach.view(query, metric)
        limit = probes if isinstance(probes, int) else None
        if probes == "auto" and len(self._keys) > SMALL:
            limit = self._auto_probes
        if probes == "all":
            view = View(view.order, np.zeros_like(view.bounds))
        return search_rounds(
            view,
            lambda opened: self._index.nearest(opened, query, metric, k=k, without=without, only=only),
            lambda distance: self._index.horizon(metric, distance),
            k=k,
            limit=limit,
            short=isinstance(probes, int) and only is None,
            within=within,
        )

    def _hits(self, query: Vectors, answer: Answer, k: int, metric: Metric, within: float) -> Hits:
        """The k best of the answer's keys, ranked and cut by what is reported: the true values, rounded to float32."""
        cosine, euclidean = _measured(query, self._index.vectors(answer.keys))
        ids = [self._ids[key] for key in answer.keys.tolist()]
        ranked = (-cosine if metric == "cosine" else euclidean).tolist()
        reached = np.flatnonzero(distances_of(cosine, euclidean, metric) <= within).tolist()
        best = sorted(reached, key=lambda row: (ranked[row], ids[row]))[:k]
        return Hits(
            ids=tuple(ids[row] for row in best),
            cosine=cosine[best],
            euclidean=euclidean[best],
            clusters=self._index.clusters(answer.keys[best]).astype(np.int32),
            exact=answer.certified,
            clusters_opened=len(answer.opened),
            clusters_total=len(self._clusters),
            vectors_read=int(self._index.sizes[answer.opened].sum()),
        )


def _measured(query: Vectors, vectors: Vectors) -> tuple[Vectors, Vectors]:
    """Cosine [n] and Euclidean distance [n] of a query [d] and vectors [n, d], each the true value rounded once."""
    point, members = query.astype(np.float64), vectors.astype(np.float64)
    products: Doubles = np.einsum("nd,d->n", members, point)
    lengths = lengths_of(members) * lengths_of(point[None])
    return cosines_of(products, lengths).astype(np.float32), lengths_of(members - point).astype(np.float32)


def _fitting(vectors: Vectors, dims: int, *, rows: int) -> Vectors:
    """The vectors as float32 [rows, dims], contiguous as FAISS reads them; VectorStoreError if they are not that."""
    if vectors.shape != (rows, dims):
        raise VectorStoreError(f"vectors of the shape {(rows, dims)} are wanted; found {vectors.shape}")
    fitting = np.ascontiguousarray(vectors, np.float32)
    if not comparable(fitting):
        raise VectorStoreError("a vector holds a number that is not finite, or too large to be compared")
    return fitting


def _latest_rows(ids: Sequence[str]) -> list[int]:
    """The rows of the ids, each once: where it is given for the last time."""
    return list({item: row for row, item in enumerate(ids)}.values())
