"""What pruning does as a catalogue grows: 1,000 to 100,000 vectors made of grocery's, by the network as it is.

Beyond the pictures that there are, a vector is that of a picture moved by half the difference of two others of its
label: so the crowd is spread within and between labels as the pictures are.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.search import K, timed
from benchmarks.setup import publish, table, trained, vectors_of
from retrieval.clusters import Clusters, Metric, Reach
from retrieval.vectors.base import VectorStore
from retrieval.vectors.stores import EmbeddedStores
from trainer.evaluation.rankings import comparer
from trainer.evaluation.search_quality.probe_margins import measure_margins
from trainer.indexing import fit_kmeans

SIZES = (1_000, 10_000, 100_000)
QUERIES = 100
SEED = 0
Vectors = NDArray[np.float32]
HEADER = (
    "vectors | metric | certified | clusters opened (median) | vectors read | recall@10 | recall estimate | "
    "NumPy scan / pruned"
)


def main() -> None:
    """Every size, with the network as it is: tuned vectors are easier."""
    publish("scale", table(HEADER, measure(trained("frozen"))))


def measure(artifacts: Path) -> list[tuple[str, ...]]:
    """Test pictures that were not trained on, searched for among ever more vectors, as they would be served."""
    gallery, labels = vectors_of(artifacts, "train")
    tests, _ = vectors_of(artifacts, "test")
    rng = np.random.default_rng(SEED)
    queries = tests[rng.choice(len(tests), QUERIES, replace=False)]
    rows = []
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            vectors = crowd(gallery, labels, size, rng)
            store = _store(Path(folder), vectors)
            metrics: tuple[Metric, ...] = ("cosine", "euclidean")
            rows += [(f"{size:,}", metric, *_search(store, vectors, queries, metric)) for metric in metrics]
            store.close()
    return rows


def crowd(
    vectors: NDArray[np.float32], labels: NDArray[np.str_], size: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """So many vectors [size, d]: of the pictures [n, d] first, in any order, and then made of theirs."""
    order = rng.permutation(len(vectors))[:size]
    bases = rng.integers(len(vectors), size=size - len(order))
    _, numbers, counts = np.unique(labels, return_inverse=True, return_counts=True)
    by_label, starts = np.argsort(numbers, kind="stable"), np.cumsum(counts) - counts
    of_base = numbers[bases]
    first, second = (by_label[starts[of_base] + rng.integers(counts[of_base])] for _ in range(2))
    made = vectors[bases] + np.float32(0.5) * (vectors[first] - vectors[second])
    return np.concatenate([vectors[order], made]).astype(np.float32)


def _store(folder: Path, vectors: NDArray[np.float32]) -> VectorStore:
    clusters = Clusters(fit_kmeans(vectors, None, SEED).cluster_centers_.astype(np.float32))
    assigned = clusters.assign(vectors)
    margins = measure_margins(Reach.nowhere(clusters).widened(vectors, assigned), vectors, assigned, SEED)
    ids = [str(number) for number in range(len(vectors))]
    stores = EmbeddedStores(folder)
    stores.create("scale", clusters, ids=ids, vectors=vectors)
    return stores.open("scale", clusters, margins=margins)


def _nearest(compare: Callable[[Vectors], Vectors], query: Vectors) -> NDArray[np.intp]:
    """The rows of the K nearest vectors, by a comparison of everything."""
    return np.argpartition(-compare(query[None])[0], K)[:K]


def _search(
    store: VectorStore, vectors: NDArray[np.float32], queries: NDArray[np.float32], metric: Metric
) -> tuple[str, ...]:
    """Both ways in turn for each query, so that noise falls on both alike."""
    pruned: list[float] = []
    scan: list[float] = []
    hits, recalls = [], []
    compare = comparer(vectors, metric)  # directions and lengths are known beforehand, as the clusters are
    for query in queries:
        hits.append(timed(pruned, partial(store.search, query, k=K, metric=metric)))
        truth = timed(scan, partial(_nearest, compare, query))
        recalls.append(len({int(item) for item in hits[-1].ids} & set(truth.tolist())) / K)
    opened = np.array([hit.clusters_opened for hit in hits])
    shares = (
        np.mean([hit.vectors_read / len(vectors) for hit in hits]),
        np.mean(recalls),
        np.mean([hit.recall_estimate for hit in hits]),
    )
    return (
        f"{np.mean([hit.exact for hit in hits]):.1%}",
        f"{opened.mean():.0f} ({np.median(opened):.0f}) of {hits[0].clusters_total}",
        *(f"{share:.1%}" for share in shares),
        f"{np.median(scan) / np.median(pruned):.1f}",
    )
