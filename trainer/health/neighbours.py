"""The nearest neighbours of pictures by their features: exact while that is quick, through a graph beyond."""

import faiss
import numpy as np
from numpy.typing import NDArray

from retrieval.duplicates.candidates import neighbour_graph

EXACT_UP_TO = 50_000  # pictures; every pair of them takes about a minute on two cores

Rows = NDArray[np.int64]
Directions = NDArray[np.float32]


def nearest(gallery: Directions, queries: Directions, k: int) -> tuple[NDArray[np.float32], Rows]:
    """Cosines [q, k] and rows [q, k] of the nearest of a gallery [n, d] to queries [q, d], all of length one.

    k is at most n. Where the graph finds fewer, a row is -1 and its cosine -inf or lower than any other.
    """
    if len(gallery) <= EXACT_UP_TO:
        index: faiss.Index = faiss.IndexFlatIP(gallery.shape[1])
        index.add(np.ascontiguousarray(gallery))
    else:
        index = neighbour_graph(np.ascontiguousarray(gallery))
    cosines, rows = index.search(np.ascontiguousarray(queries), min(k, len(gallery)))
    return cosines, rows


def nearest_others(directions: Directions, k: int) -> tuple[NDArray[np.float32], Rows]:
    """The same among the pictures themselves [n, d], each without itself: cosines [n, k] and rows [n, k]."""
    cosines, rows = nearest(directions, directions, k + 1)
    own = rows == np.arange(len(directions))[:, None]
    own[~own.any(axis=1), -1] = True  # doubles have pushed it out: the last one goes in its stead
    kept = ~own
    width = rows.shape[1] - 1
    return cosines[kept].reshape(-1, width), rows[kept].reshape(-1, width)
