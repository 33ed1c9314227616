"""Which pairs are worth a look at their pixels: a few neighbours of each picture, from a graph over descriptors."""

from collections.abc import Callable, Sequence

import faiss
import numpy as np

from retrieval.clusters import Numbers, Vectors
from retrieval.duplicates.sketch import FLIPS, WINDOWS, Sketch, descriptors, questions

NEIGHBOURS = 12  # asked for with each question; a picture asks 24
LEAST_COSINE = 0.84  # between descriptors; of 1,760 copies, cropped by a tenth and worse, one had less
CHUNK = 2048  # pictures whose questions are held at once: 20 MB

LINKS, BUILDING, SEARCHING = 16, 64, 48  # of the graph: Malkov and Yashunin 2016, https://arxiv.org/abs/1603.09320

Candidate = tuple[int, int, int]
"""Two rows, the smaller first, and the flip (sketch.FLIPS) that makes one look like the other."""


def candidates(sketches: Sequence[Sketch], progress: Callable[[int], None] = lambda _done: None) -> list[Candidate]:
    """Pairs of rows that may show the same picture, in order. `progress` is called with the number of pictures done."""
    if len(sketches) < 2:
        return []
    graph = neighbour_graph(descriptors(sketches))
    pairs: set[Candidate] = set()
    for start in range(0, len(sketches), CHUNK):
        chunk = sketches[start : start + CHUNK]
        pairs |= _near(graph, np.concatenate([questions(entry.small) for entry in chunk]), start)
        progress(start + len(chunk))
    return sorted(pairs)


def neighbour_graph(units: Vectors) -> faiss.IndexHNSWFlat:
    """A navigable graph over vectors [n, d] of length one: near ones are found in about log n steps, most of them."""
    graph = faiss.IndexHNSWFlat(units.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = BUILDING
    graph.hnsw.efSearch = SEARCHING
    graph.add(units)
    return graph


def _near(graph: faiss.IndexHNSWFlat, queries: Vectors, start: int) -> set[Candidate]:
    """Candidates of the pictures from row `start` on, whose questions these are."""
    cosines, rows = graph.search(queries, min(NEIGHBOURS, graph.ntotal))
    question, place = np.nonzero((cosines >= LEAST_COSINE) & (rows >= 0))
    windows = 1 + len(WINDOWS)
    pictures: Numbers = start + question // (windows * len(FLIPS))
    flips = question // windows % len(FLIPS)
    others = rows[question, place]
    others_only = pictures != others
    first, second = np.minimum(pictures, others)[others_only], np.maximum(pictures, others)[others_only]
    return set(zip(first.tolist(), second.tolist(), flips[others_only].tolist(), strict=True))
