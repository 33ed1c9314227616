"""How much of the catalogue a certified answer has to open, and what pruning saves, on tuned grocery vectors."""

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.setup import embed_source, grocery, publish, table, trained
from retrieval.clusters import Metric
from trainer.bundles import load_current, open_store
from trainer.evaluation.rankings import similarities

K = 10
T = TypeVar("T")
HEADER = "vectors | metric | certified | clusters opened | vectors read | pruned | all clusters | NumPy scan"


def main() -> None:
    """Frozen and tuned vectors, both metrics, ten hits, grocery's test pictures as queries."""
    rows = [row for config in ("frozen", "demo") for row in measure(config)]
    publish("search", table(HEADER, rows))


def measure(config: str) -> list[tuple[str, ...]]:
    """Search with every test picture; each way in turn for each query, so that noise falls on all alike."""
    artifacts = trained(config)
    loaded = load_current(artifacts)
    queries = embed_source(str(grocery("test")), loaded, artifacts, lambda *_: None).vectors
    store = open_store(artifacts, loaded)
    gallery = np.stack([store.get(item) for item in store.ids()])
    rows = []
    metrics: tuple[Metric, ...] = ("cosine", "euclidean")
    for metric in metrics:
        hits = []
        pruned: list[float] = []
        full: list[float] = []
        scan: list[float] = []
        for query in queries:
            hits.append(timed(pruned, partial(store.search, query, k=K, metric=metric)))
            timed(full, partial(store.search, query, k=K, metric=metric, probes="all"))
            timed(scan, partial(brute_force, query, gallery, metric))
        opened = np.mean([h.clusters_opened / h.clusters_total for h in hits])
        read = np.mean([h.vectors_read / len(gallery) for h in hits])
        times = (f"{np.median(times):.2f} ms" for times in (pruned, full, scan))
        kind = f"{loaded.manifest.encoder.stage}, {loaded.manifest.dims}-d"
        certified = np.mean([h.exact for h in hits])
        rows.append((kind, metric, f"{certified:.0%}", f"{opened:.1%}", f"{read:.1%}", *times))
    store.close()
    return rows


def brute_force(query: NDArray[np.float32], gallery: NDArray[np.float32], metric: Metric) -> NDArray[np.intp]:
    """The oracle: compare with everything."""
    nearness = similarities(query[None], gallery, metric)[0]
    return np.argpartition(-nearness, K)[:K]


def timed(into: list[float], work: Callable[[], T]) -> T:
    """Run, and note the milliseconds."""
    began = time.perf_counter()
    result = work()
    into.append((time.perf_counter() - began) * 1000)
    return result
