"""What one query takes, from the bytes of a picture to its hits."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.clusters import Metric
from retrieval.encoding.embedder import Embedder
from retrieval.errors import ImageError
from retrieval.vectors.base import VectorStore
from trainer.data.sampling import sample_evenly
from trainer.progress import Progress

TIMED_QUERIES = 200


def query_milliseconds(
    paths: Sequence[Path],
    embedder: Embedder,
    store: VectorStore,
    metric: Metric,
    progress: Progress,
    *,
    ks: Sequence[int] = (10,),
    limit: int = TIMED_QUERIES,
) -> NDArray[np.float64]:
    """Milliseconds float64 [n, len(ks)] from the bytes of a picture to its k hits: decoding, encoding and searching.

    At most `limit` of the pictures are timed, one at a time. The first one is searched with twice, and the first time
    is not counted. A picture that can no longer be read is left out.
    """
    sample = sample_evenly(paths, limit)
    rows: list[list[float]] = []
    for done, path in enumerate([*sample[:1], *sample]):
        progress(done, len(sample))
        try:
            data = path.read_bytes()
            began = time.perf_counter()
            (query,) = embedder.embed([embedder.prepare(data)])
            embedded = time.perf_counter() - began
        except (OSError, ImageError):
            continue
        row = []
        for k in ks:
            began = time.perf_counter()
            store.search(query, k=k, metric=metric)
            row.append(1000 * (embedded + time.perf_counter() - began))
        if done:
            rows.append(row)
    return np.array(rows, np.float64).reshape(len(rows), len(ks))
