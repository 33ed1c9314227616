"""The vectors that came after the block was written: arrays that grow, and for each cluster the list of its rows."""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from retrieval.clusters import Numbers, Vectors

FIRST_ROOM = 64  # rows


class Tail:
    """Rows by number, from 0. A row stays where it is; who removes it remembers that elsewhere."""

    def __init__(self, dims: int) -> None:
        self._count = 0
        self._vectors = np.empty((FIRST_ROOM, dims), np.float32)
        self._clusters = np.empty(FIRST_ROOM, np.int64)
        self._rows: defaultdict[int, list[int]] = defaultdict(list)

    def __len__(self) -> int:
        return self._count

    @property
    def vectors(self) -> Vectors:
        """Every vector, float32 [n, d]."""
        return self._vectors[: self._count]

    @property
    def clusters(self) -> Numbers:
        """The cluster of each, int64 [n]."""
        return self._clusters[: self._count]

    def add(self, vectors: Vectors, clusters: Numbers) -> Numbers:
        """Adds vectors [n, d] of these clusters [n]; returns their rows [n]."""
        rows = np.arange(self._count, self._count + len(vectors))
        if (missing := self._count + len(vectors) - len(self._clusters)) > 0:
            room = max(missing, len(self._clusters))
            self._vectors = np.concatenate([self._vectors, np.empty((room, vectors.shape[1]), np.float32)])
            self._clusters = np.concatenate([self._clusters, np.empty(room, np.int64)])
        self._vectors[rows] = vectors
        self._clusters[rows] = clusters
        self._count += len(vectors)
        for row, cluster in zip(rows.tolist(), clusters.tolist(), strict=True):
            self._rows[cluster].append(row)
        return rows

    def members(self, clusters: Iterable[int]) -> Numbers:
        """The rows of these clusters."""
        return np.array([row for cluster in clusters for row in self._rows.get(cluster, ())], np.int64)
