"""Whatever is added, replaced and deleted, in any order, searches know at once and the file for good."""

import threading
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import strategies as st

from retrieval.clusters import Clusters
from retrieval.errors import VectorStoreError
from retrieval.vectors.embedded.store import EmbeddedStore

Build = Callable[..., EmbeddedStore]
DIMS = 4
CLUSTERS = Clusters(np.random.default_rng(5).standard_normal((6, DIMS), dtype=np.float32))
NAMES = st.sampled_from([f"item {number}" for number in range(12)])
VECTORS = st.lists(st.integers(-3, 3), min_size=DIMS, max_size=DIMS).map(lambda row: np.array(row, np.float32))


def test_a_change_that_cannot_be_written_changes_nothing(build: Build) -> None:
    store = build(CLUSTERS, CLUSTERS.centroids)
    before = store.search(CLUSTERS.centroids[0], k=6, metric="cosine")
    with pytest.raises(VectorStoreError, match=r"\(1, 4\) are wanted; found \(1, 3\)"):
        store.upsert(["new"], np.zeros((1, 3), np.float32))
    with pytest.raises(VectorStoreError, match="not finite"):
        store.upsert(["new"], np.full((1, DIMS), np.inf, np.float32))
    store.close()
    with pytest.raises(VectorStoreError, match="cannot be used"):
        store.upsert(["new"], np.zeros((1, DIMS), np.float32))
    with pytest.raises(VectorStoreError, match="cannot be used"):
        store.delete(["0"])
    assert store.search(CLUSTERS.centroids[0], k=6, metric="cosine").ids == before.ids


def test_a_store_may_be_emptied_and_filled_again(build: Build) -> None:
    store = build(CLUSTERS, CLUSTERS.centroids)
    store.delete(store.ids())
    hits = store.search(CLUSTERS.centroids[0], k=3, metric="euclidean")
    assert (len(hits), hits.exact, hits.vectors_read) == (0, True, 0)
    store.upsert(["again"], CLUSTERS.centroids[:1])
    assert store.search(CLUSTERS.centroids[0], k=3, metric="euclidean").ids == ("again",)


def test_searches_never_see_half_a_change(build: Build) -> None:
    """A writer moves all vectors from one end of space to the other, again and again, while readers look at both."""
    here, there = np.eye(2, dtype=np.float32)
    clusters = Clusters(np.array([here, there]))
    store = build(clusters, np.tile(here, (20, 1)))
    names, done, seen = store.ids(), threading.Event(), []

    def look() -> None:
        while not done.is_set():
            seen.append(store.search(here, k=100, metric="euclidean", probes="all"))

    readers = [threading.Thread(target=look) for _ in range(3)]
    for reader in readers:
        reader.start()
    for turn in range(60):
        store.upsert(names, np.tile(there if turn % 2 == 0 else here, (20, 1)))
    done.set()
    for reader in readers:
        reader.join()
    assert {(len(hits), len(set(hits.euclidean.tolist()))) for hits in seen} == {(20, 1)}
    assert {float(hits.euclidean[0]) for hits in seen} <= {0.0, float(np.float32(np.sqrt(2)))}
