"""The vectors in memory, by cluster: FAISS inverted lists that are opened by name.

Two IndexIVFFlat share one assignment: squared Euclidean distance on the vectors z, and inner product on z / |z| for the
cosine, which no single FAISS index of z can rank. That is 8 d bytes a vector; measured with ids,
keys and the lists' room to grow: 1.9 kB a vector at 128 dims.
"""

import math
from typing import Any

import faiss
import numpy as np
from faiss.contrib import ivf_tools

from retrieval.clusters import Clusters, Doubles, Metric, Numbers, Vectors, lengths_of

ROOM_FOR_TIES = 8
"""Vectors asked of FAISS beyond k, so that near-ties at the k-th place seldom cost a second scan."""


class Selector:
    """Keys [n] in the shape in which FAISS asks, of each vector that it comes by, whether it is one of them."""

    def __init__(self, keys: Numbers) -> None:
        self.count = len(keys)
        self.batch = faiss.IDSelectorBatch(keys)


class ClusterIndex:
    """Vectors under int64 keys in inverted lists, one a cluster. Not safe to change while it is read."""

    def __init__(self, clusters: Clusters) -> None:
        self._euclidean = _empty_index(clusters, faiss.METRIC_L2)
        self._cosine = _empty_index(clusters, faiss.METRIC_INNER_PRODUCT)
        self.sizes = np.zeros(len(clusters), np.int64)
        """Vectors in each cluster."""

    def add(self, keys: Numbers, vectors: Vectors, assigned: Numbers) -> None:
        """Adds vectors [n, d] under new keys [n] to the clusters they are assigned to [n]."""
        if not len(keys):
            return
        ivf_tools.add_preassigned(self._euclidean, vectors, assigned, keys)
        ivf_tools.add_preassigned(self._cosine, directions(vectors), assigned, keys)
        np.add.at(self.sizes, assigned, 1)

    def remove(self, keys: Numbers) -> None:
        """Removes the vectors under these keys, each of which must be here."""
        if not len(keys):
            return
        np.subtract.at(self.sizes, self.clusters(keys), 1)
        for index in (self._euclidean, self._cosine):
            index.remove_ids(faiss.IDSelectorArray(keys))

    def members(self, cluster: int) -> tuple[Numbers, Vectors]:
        """The keys [n] and vectors [n, d] in a cluster, in no particular order."""
        lists, dims = self._euclidean.invlists, self._euclidean.d
        size = lists.list_size(cluster)
        if not size:
            return np.empty(0, np.int64), np.empty((0, dims), np.float32)
        keys = faiss.rev_swig_ptr(lists.get_ids(cluster), size).astype(np.int64)
        codes = faiss.rev_swig_ptr(lists.get_codes(cluster), size * lists.code_size)
        return keys, codes.copy().view(np.float32).reshape(size, dims)

    def vectors(self, keys: Numbers) -> Vectors:
        """The vectors [n, d] under these keys [n]."""
        if not len(keys):
            return np.empty((0, self._euclidean.d), np.float32)
        vectors: Vectors = self._euclidean.reconstruct_batch(keys)
        return vectors

    def clusters(self, keys: Numbers) -> Numbers:
        """The clusters [n] of the vectors under these keys [n]."""
        places = self._euclidean.direct_map  # a place is the list number << 32, and the offset in that list
        return np.array([places.get(int(key)) >> 32 for key in keys], np.int64)

    def nearest(
        self,
        opened: Numbers,
        query: Vectors,
        metric: Metric,
        *,
        k: int,
        without: Numbers,
        only: Selector | None = None,
    ) -> tuple[Numbers, Doubles]:
        """Keys and distances of every vector in the opened clusters that may be among their k nearest to the query [d].

        Keys in `without` are left out, and with `only`, all but these. The distances carry FAISS's float32 rounding,
        for which `horizon` makes room.
        """
        available = int(self.sizes[opened].sum())
        if only is not None:
            available = min(available, only.count)
        if not available:
            return np.empty(0, np.int64), np.empty(0)
        wanted_count = k + len(without) + ROOM_FOR_TIES
        while True:
            keys, distances = self._scan(opened, query, metric, min(wanted_count, available), only)
            everything = wanted_count >= available or len(keys) < wanted_count
            furthest = distances[-1] if len(distances) else math.inf
            if len(without):
                allowed = np.isin(keys, without, invert=True)
                keys, distances = keys[allowed], distances[allowed]
            if everything or furthest > self.horizon(metric, distances[k - 1]):
                return keys, distances
            wanted_count *= 4  # the furthest one may tie with the k-th: so may others that were cut off

    def horizon(self, metric: Metric, distance: float) -> float:
        """The measured distance that no vector can exceed and yet truly be at this measured distance or nearer.

        Twice the error of a sum of d products in float32, once for each of the two; relative for the sum of squares,
        absolute for the cosine of unit vectors. The tiny constant covers squares that underflow.
        """
        error: float = 2 * (self._euclidean.d + 16) * 2.0**-23
        return distance + error if metric == "cosine" else distance * (1 + error) + 1e-17

    def _scan(
        self, opened: Numbers, query: Vectors, metric: Metric, count: int, only: Selector | None
    ) -> tuple[Numbers, Doubles]:
        """The nearest `count` vectors of the opened clusters, nearest first."""
        index = self._cosine if metric == "cosine" else self._euclidean
        rows = directions(query[None]) if metric == "cosine" else query[None]
        spans = np.zeros(len(opened), np.float32)  # to the centroids; this kind of index has no use for them
        parameters: Any = faiss.SearchParametersIVF()
        parameters.nprobe = len(opened)
        if only is not None:
            parameters.sel = only.batch
        values, keys = np.empty(count, np.float32), np.empty(count, np.int64)
        # FAISS's own way to be told clusters: the one in faiss.contrib, and in its Python class, takes no selector.
        index.search_preassigned_c(
            1,
            faiss.swig_ptr(rows),
            count,
            faiss.swig_ptr(opened),
            faiss.swig_ptr(spans),
            faiss.swig_ptr(values),
            faiss.swig_ptr(keys),
            False,
            parameters,
        )
        valid = keys >= 0
        distances = values[valid].astype(np.float64)
        return keys[valid], 1 - distances if metric == "cosine" else np.sqrt(distances)


def directions(vectors: Vectors) -> Vectors:
    """Vectors [n, d] scaled to length one; a vector of zeros stays one, so that its cosine is 0."""
    lengths = lengths_of(vectors)[:, None]
    scaled: Vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return scaled


def _empty_index(clusters: Clusters, metric: int) -> Any:
    quantizer = faiss.IndexFlat(clusters.dims, metric)
    quantizer.add(clusters.centroids)
    index = faiss.IndexIVFFlat(quantizer, clusters.dims, len(clusters), metric)
    index.is_trained = True  # the centroids are K-Means' own
    index.set_direct_map_type(type(index.direct_map).Hashtable)  # finds and removes a vector by its key
    return index
