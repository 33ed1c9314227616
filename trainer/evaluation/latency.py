"""What one query takes, from the bytes of a picture to ten hits."""

import time
from collections.abc import Sequence
from pathlib import Path

from retrieval.clusters import Metric
from retrieval.embedder import Embedder
from retrieval.errors import ImageError
from retrieval.vectors.base import VectorStore
from trainer.progress import Progress

TIMED_QUERIES = 200


def query_milliseconds(
    paths: Sequence[Path], embedder: Embedder, store: VectorStore, metric: Metric, progress: Progress
) -> list[float]:
    """How long decoding, encoding and searching took for at most 200 of the pictures, one at a time.

    The first one warms up, and is done twice. A picture that has gone meanwhile is passed over.
    """
    sample = paths[:: max(1, -(-len(paths) // TIMED_QUERIES))]
    times: list[float] = []
    for done, path in enumerate([*sample[:1], *sample]):
        progress(done, len(sample))
        try:
            data = path.read_bytes()
            began = time.perf_counter()
            (query,) = embedder.embed([embedder.prepare(data)])
        except (OSError, ImageError):
            continue
        store.search(query, k=10, metric=metric)
        if done:
            times.append((time.perf_counter() - began) * 1000)
    return times
