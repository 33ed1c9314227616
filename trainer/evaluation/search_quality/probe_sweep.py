"""The quality of search apart from that of the model: what opening fewer clusters loses, and what it saves.

A ladder of probes (1, 2, 4, ... all, and `auto`) is climbed for each query, against the exact answer. Beside it stand
plain brute force and scikit-learn's KD-tree (Bentley 1975, "Multidimensional binary search trees used for associative
searching"). Recall is by distance: a hit as near as the tenth of the exact answer is right, whichever of equals it is.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from retrieval.clusters import Metric, Reach
from retrieval.encoding.projection import unit
from retrieval.vectors.base import Probes, VectorStore
from trainer.data.sampling import sample_evenly
from trainer.evaluation.rankings import Comparer, comparer
from trainer.evaluation.results import LadderRow, Way

K = 10
RECALL = 0.99
MAX_QUERIES = 500
ROUNDING = 1e-6
"""By how much distances of equals may differ, as a share: they are computed in several ways."""

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
Answer = tuple[Rows, float | None]
"""Gallery rows, and how many clusters were opened; None for what knows no clusters."""


@dataclass(frozen=True, slots=True)
class _Searcher:
    """One way to find the ten nearest to a query float32 [d], leaving out one gallery row (-1: none)."""

    name: Way
    search: Callable[[Vectors, int], Answer]


def sweep_probes(
    store: VectorStore, clusters: int, queries: Vectors, own: Sequence[str | None]
) -> tuple[LadderRow, ...]:
    """Search the store, of so many clusters, for queries [q, d] in every way and by both metrics.

    `own` [q] is the id of the item that a query is, left out of its answer; None for none. At most 500 queries from all
    over the list are searched with. Each way has its turn for each query, so that noise falls on all alike. Nothing is
    found out, (), without queries or with fewer than two vectors.
    """
    ids = store.ids()
    if not len(queries) or len(ids) < 2:
        return ()
    gallery = np.stack([store.get(item) for item in ids])
    place = {item: row for row, item in enumerate(ids)}
    sample = sample_evenly(np.arange(len(queries)), MAX_QUERIES)
    left_out = [place.get(own[row] or "", -1) for row in sample]
    rows: list[LadderRow] = []
    for metric in get_args(Metric):
        ways = [
            *(_probing(store, ids, place, metric, probes) for probes in probe_counts(clusters)),
            _Searcher("brute force", _scan(gallery, metric)),
            _Searcher("kd-tree", _tree(gallery, metric)),
        ]
        rows += _compared(ways, queries[sample], left_out, gallery, metric)
    return tuple(rows)


def probe_counts(clusters: int) -> list[Probes]:
    """1, 2, 4, ... as long as that is not all of them; then all, and auto."""
    steps: list[Probes] = [2**power for power in range(clusters.bit_length()) if 2**power < clusters]
    return [*steps, "all", "auto"]


def fewest_probes(reach: Reach, vectors: Vectors, assigned: Rows, seed: int) -> int:
    """The fewest clusters to open, nearest first, that hold 99 % of the true top ten, over both metrics.

    `assigned` int64 [n] is the cluster of each vector [n, d]. Measured on a sample of these very vectors, each left out
    of its own answer. A search finds that much at least: it passes over clusters that cannot hold a hit.
    """
    rng = np.random.default_rng(seed)
    sample = rng.choice(len(vectors), min(MAX_QUERIES, len(vectors)), replace=False)
    if len(vectors) < 2:
        return 1
    needed = 1
    for metric in get_args(Metric):
        compare = comparer(vectors, metric)
        ranks = np.concatenate([_ranks_of_neighbours(reach, vectors, assigned, row, metric, compare) for row in sample])
        needed = max(needed, int(np.quantile(ranks, RECALL, method="inverted_cdf")) + 1)
    return needed


def _ranks_of_neighbours(
    reach: Reach, vectors: Vectors, assigned: Rows, row: int, metric: Metric, compare: Comparer
) -> Rows:
    """For each of a vector's ten nearest the place, from 0, at which a search for the vector opens its cluster."""
    nearness = compare(vectors[row][None])[0]
    nearness[row] = -np.inf
    ten = min(K, len(nearness) - 1)
    neighbours = np.argpartition(-nearness, ten - 1)[:ten]
    order = reach.view(vectors[row], metric).order
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    return ranks[assigned[neighbours]]


def _compared(
    ways: Sequence[_Searcher], queries: Vectors, left_out: Sequence[int], gallery: Vectors, metric: Metric
) -> list[LadderRow]:
    recalls: list[list[float]] = [[] for _ in ways]
    clusters_opened: list[list[float]] = [[] for _ in ways]
    times: list[list[float]] = [[] for _ in ways]
    exact = [way.name for way in ways].index("all")
    for query, own in zip(queries, left_out, strict=True):
        answers = []
        for number, way in enumerate(ways):
            began = time.perf_counter()
            rows, clusters = way.search(query, own)
            times[number].append((time.perf_counter() - began) * 1000)
            answers.append(_distances(query, gallery[rows[:K]], metric))
            clusters_opened[number] += [] if clusters is None else [clusters]
        farthest = answers[exact].max() + ROUNDING * (1 + answers[exact].max())
        for number, distances in enumerate(answers):
            recalls[number].append(float((distances <= farthest).sum() / len(answers[exact])))
    return [
        LadderRow(
            metric,
            way.name,
            recall_at_10=float(np.mean(recalls[number])),
            clusters_opened_mean=float(np.mean(clusters_opened[number])) if clusters_opened[number] else None,
            milliseconds_p50=float(np.median(times[number])),
            milliseconds_p95=float(np.percentile(times[number], 95)),
        )
        for number, way in enumerate(ways)
    ]


def _probing(
    store: VectorStore, ids: Sequence[str], place: dict[str, int], metric: Metric, probes: Probes
) -> _Searcher:
    def search(query: Vectors, own: int) -> Answer:
        hits = store.search(query, k=K, metric=metric, probes=probes, exclude=[ids[own]] if own >= 0 else [])
        return np.array([place[item] for item in hits.ids], np.int64), float(hits.clusters_opened)

    return _Searcher(probes, search)


def _scan(gallery: Vectors, metric: Metric) -> Callable[[Vectors, int], Answer]:
    """Compares with everything, in NumPy; what needs the gallery alone is computed once, as an index would."""
    rows = unit(gallery) if metric == "cosine" else gallery
    squares = np.square(gallery).sum(axis=1)

    def search(query: Vectors, own: int) -> Answer:
        products = rows @ query
        distances = -products if metric == "cosine" else squares - 2 * products
        if own >= 0:
            distances[own] = np.inf
        ten = min(K, len(distances) - (own >= 0))
        return np.argpartition(distances, ten - 1)[:ten], None

    return search


def _tree(gallery: Vectors, metric: Metric) -> Callable[[Vectors, int], Answer]:
    """A KD-tree knows Euclidean distances; between vectors of length one, they rank as the cosine does."""
    from sklearn.neighbors import KDTree

    tree = KDTree(unit(gallery) if metric == "cosine" else gallery)

    def search(query: Vectors, own: int) -> Answer:
        point = unit(query[None]) if metric == "cosine" else query[None]
        rows = tree.query(point, min(K + (own >= 0), len(gallery)), return_distance=False)[0]
        return rows[rows != own], None

    return search


def _distances(query: Vectors, vectors: Vectors, metric: Metric) -> NDArray[np.float64]:
    """The distances [n] of a query [d] to vectors [n, d], in float64."""
    point, rows = query.astype(np.float64), vectors.astype(np.float64)
    if metric == "euclidean":
        return np.asarray(np.linalg.norm(rows - point, axis=1))
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(point)
    cosines: NDArray[np.float64] = np.divide(rows @ point, lengths, out=np.zeros(len(rows)), where=lengths > 0)
    return 1 - cosines
