"""Indexes that nothing certifies: they find most of what is near, keep to a filter, and call no answer exact."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from retrieval.clusters import Clusters, Vectors
from retrieval.vectors.base import Metric, VectorStore
from retrieval.vectors.stores import vector_stores
from tests.retrieval.vectors.brute_force import check, measures
from tests.retrieval.vectors.scenes import named, selection_of
from tests.support.marks import MILVUS

RNG = np.random.default_rng(11)
CLUSTERS = Clusters(RNG.standard_normal((40, 12), dtype=np.float32))
SIZE, FRESH = 6_000, 300
VECTORS: Vectors = (CLUSTERS.centroids[RNG.integers(40, size=SIZE)] + 0.3 * RNG.standard_normal((SIZE, 12))).astype(
    np.float32
)
ADDED = VECTORS[:FRESH] + np.float32(0.01)
EVERYTHING = named(np.concatenate([VECTORS, ADDED]))
METRICS: tuple[Metric, ...] = ("cosine", "euclidean")
INDEXES = [
    pytest.param(("pgvector", "hnsw"), marks=pytest.mark.slow, id="pgvector hnsw"),
    *(pytest.param(("milvus", index), marks=MILVUS, id=f"milvus {index}") for index in ("hnsw", "ivf_sq8", "diskann")),
]


@pytest.fixture(scope="module", params=INDEXES)
def store(
    request: pytest.FixtureRequest, pgvector_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VectorStore]:
    """A store of 6,000 vectors with an index, and 300 that came later."""
    engine, index = request.param
    address = pgvector_url if engine == "pgvector" else request.getfixturevalue("milvus_url")
    stores = vector_stores(tmp_path_factory.getbasetemp(), f"{address}?index={index}", pgvector_url)
    stores.create(f"indexed-{index}", CLUSTERS, ids=list(named(VECTORS)), vectors=VECTORS)
    with closing(stores.open(f"indexed-{index}", CLUSTERS)) as opened:
        opened.upsert([str(SIZE + row) for row in range(FRESH)], ADDED)
        yield opened
    stores.verify(f"indexed-{index}")
    stores.delete(f"indexed-{index}")


@pytest.mark.parametrize("metric", METRICS)
def test_most_of_what_is_near_is_found_and_nothing_is_certified(store: VectorStore, metric: Metric) -> None:
    shared = 0
    for query in ADDED[:20]:
        hits = store.search(query, k=10, metric=metric)
        check(hits, query, EVERYTHING, 10, metric)
        assert not hits.exact
        assert hits.recall_estimate is None
        shared += len(nearest(query, metric).intersection(hits.ids))
    assert shared >= 0.9 * 200


def nearest(query: Vectors, metric: Metric) -> set[str]:
    """The ids of the ten nearest."""
    sign = -1 if metric == "cosine" else 1
    distances = {item: sign * measures(query, vector)[metric] for item, vector in EVERYTHING.items()}
    return set(sorted(distances, key=distances.__getitem__)[:10])


@pytest.mark.parametrize("only", [range(3, SIZE, 2), range(3, 21, 2)], ids=["many", "few"])
def test_a_filter_is_kept_to_until_k_hits_are_there(store: VectorStore, only: range) -> None:
    allowed = {str(row): VECTORS[row] for row in only}
    for names in (selection_of(allowed), list(allowed)):
        for metric in METRICS:
            hits = store.search(VECTORS[3], k=5, metric=metric, only=names, exclude=["3"])
            assert len(hits) == 5
            assert "3" not in hits.ids
            check(hits, VECTORS[3], allowed, 5, metric)
            assert not hits.exact


def test_a_store_without_an_index_stays_certified(tmp_path: Path, pgvector_url: str) -> None:
    """Whatever the URL says by which it is opened."""
    vector_stores(tmp_path, pgvector_url).create("plain", CLUSTERS, ids=["0", "1"], vectors=VECTORS[:2])
    stores = vector_stores(tmp_path, f"{pgvector_url}?index=hnsw")
    with closing(stores.open("plain", CLUSTERS)) as opened:
        assert opened.search(VECTORS[0], k=1, metric="cosine").exact
    stores.delete("plain")
