"""`python -m benchmarks cost`: what 10 million, 100 million and a billion vectors would cost, by what is measured here.

Room and time of the embedded store and of pgvector are measured at three sizes, on made-up vectors of 64 numbers. The
times of pgvector and Milvus at 100,000 and 1,000,000 were measured once, on 2 cores, and are kept here. Each line is
fitted to all sizes; its error is that of the largest size, predicted from the others.
"""

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.cost_model import Engine, Line, Prices, compared, error_of_prediction, fit, need
from benchmarks.search import timed
from benchmarks.setup import publish, table
from retrieval.clusters import Clusters
from retrieval.vectors.stores import VectorStores, vector_stores
from tests.conftest import free_port
from tests.support import postgres

DIMS = 64
SIZES = (10_000, 20_000, 40_000)
PROBES = (8, 64)
QUERIES = 50
LARGE = (10**7, 10**8, 10**9)
SEARCHES = 100  # a second
COPIES = 2
"""Milvus compares by one measure in each collection: a bundle has two."""

EARLIER = {
    "pgvector": [(100_000, 8, 0.5), (1_000_000, 8, 1.3), (1_000_000, 64, 8.4)],
    "Milvus": [(100_000, 8, 2.4), (1_000_000, 8, 5.2), (1_000_000, 64, 12.7)],
}
"""Vectors, clusters opened, and the median milliseconds of a search."""
IVF = [(100_000, 64, 2.1), (1_000_000, 64, 2.4)]
"""The same of Milvus with IVF_FLAT, by its own clusters: taken for ivf_sq8, too."""
PUBLISHED = (
    ("IVF_SQ8, SIFT1B, recall over 93 %", 128, 150.0),
    ("DiskANN, SIFT1B, recall 95 %, 5,000 searches a second", 128, 64.0),
)
"""For a billion vectors: what, numbers a vector, and GB of memory as published."""
SQ8_BYTES, PQ_BYTES = 1.0, 0.25
"""Bytes in memory for a number of a vector: scalar quantization; DiskANN's compressed vectors of 32 bytes for 128."""
ID_BYTES = 8

Points = list[tuple[float, float]]
HEADER = "engine | vectors | disk | memory | a search | cores for 100 a second | dollars a month"


def main() -> None:
    """Measure, fit, and write the tables."""
    engines, errors = measure()
    publish("cost", table(HEADER, [row for size in LARGE for row in predictions(engines, size)]))
    publish("cost errors", table("what | sizes | error of the largest, predicted from the others", errors))


def predictions(engines: Sequence[Engine], size: int) -> list[tuple[object, ...]]:
    """A row for each engine."""
    rows: list[tuple[object, ...]] = []
    for engine in engines:
        needed = need(engine, size, SEARCHES, Prices())
        rows.append(
            (
                engine.name,
                f"{size:,}",
                f"{needed.disk_gb:,.0f} GB",
                f"{needed.memory_gb:,.0f} GB",
                f"{needed.milliseconds:,.1f} ms",
                needed.cores,
                f"{needed.dollars:,.0f}",
            )
        )
    return rows


def measure() -> tuple[list[Engine], list[tuple[object, ...]]]:
    """The engines with lines that fit, and how far each line misses the largest size."""
    with tempfile.TemporaryDirectory() as folder:
        room, time = measured(vector_stores(Path(folder)))
    with postgres.server(free_port(), postgres.programs_with_pgvector()) as address:
        pg_room, _ = measured(vector_stores(Path(), f"{address}postgres".replace("+psycopg", "")))
    earlier = {name: _points(rows) for name, rows in EARLIER.items()}
    quantized = Line(0.0, SQ8_BYTES * DIMS + ID_BYTES)
    milvus = fit(earlier["Milvus"])
    engines = [
        Engine("embedded", fit(room), fit(time), 1.0),
        Engine("embedded, codes of int8", fit(room), fit(time), 0.25),
        Engine("PostgreSQL with pgvector", fit(pg_room), fit(earlier["pgvector"]), 1.0),
        Engine("Milvus, flat", Line(0.0, COPIES * 4.0 * DIMS + ID_BYTES), milvus, 1.0),
        Engine("Milvus, ivf_sq8", Line(0.0, COPIES * quantized.slope), fit(_points(IVF)), 1.0),
    ]
    sizes = ", ".join(f"{size:,}" for size in SIZES)
    errors: list[tuple[object, ...]] = [
        ("room, embedded", sizes, _percent(error_of_prediction(room))),
        ("room, pgvector", sizes, _percent(error_of_prediction(pg_room))),
        ("time, embedded", f"{sizes}, 8 and 64 clusters", _percent(error_of_prediction(time))),
        *(
            (f"time, {name}", "100,000 and 1,000,000", _percent(error_of_prediction(points)))
            for name, points in earlier.items()
        ),
        *(
            (f"memory, {name}", f"1,000,000,000; published: {gb:.0f} GB", _percent(_published(name, dims) / gb - 1))
            for name, dims, gb in PUBLISHED
        ),
    ]
    return engines, errors


def measured(stores: VectorStores) -> tuple[Points, Points]:
    """Bytes by vectors, and milliseconds by vectors compared, each in ascending order."""
    rng = np.random.default_rng(0)
    room: Points = []
    time: Points = []
    for size in SIZES:
        vectors = rng.standard_normal((size, DIMS)).astype(np.float32)
        clusters = Clusters(vectors[: round(4 * size**0.5)].copy())
        bundle_id = f"size-{size}"
        stores.create(bundle_id, clusters, ids=[f"item-{number}" for number in range(size)], vectors=vectors)
        room.append((size, stores.size_bytes(bundle_id)))
        store = stores.open(bundle_id, clusters)
        try:
            for probes in PROBES:
                milliseconds: list[float] = []
                for query in vectors[:QUERIES]:
                    timed(milliseconds, partial(store.search, query, k=10, metric="cosine", probes=probes))
                time.append((compared(size, probes), median(milliseconds)))
        finally:
            store.close()
            stores.delete(bundle_id)
    return room, sorted(time)


def _points(rows: Sequence[tuple[int, int, float]]) -> Points:
    return [(compared(vectors, probes), milliseconds) for vectors, probes, milliseconds in rows]


def _published(name: str, dims: int) -> float:
    """GB of memory for a billion vectors, by the model."""
    return PQ_BYTES * dims if name.startswith("DiskANN") else SQ8_BYTES * dims + ID_BYTES


def _percent(share: float) -> str:
    return f"{share:+.0%}"


if __name__ == "__main__":
    main()
