"""The vector stores of an artifacts folder: made, opened, looked into and removed by the bundle's id alone."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from retrieval.clusters import Clusters
from retrieval.errors import VectorStoreError
from retrieval.vectors.stores import EmbeddedStores

CLUSTERS = Clusters(np.eye(3, dtype=np.float32))
VECTORS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 2]], np.float32)


@pytest.fixture
def stores(tmp_path: Path) -> EmbeddedStores:
    made = EmbeddedStores(tmp_path)
    made.create("one", CLUSTERS, ids=["a", "b", "a"], vectors=VECTORS, digests=["0" * 64, "1" * 64, "2" * 64])
    return made


def test_a_store_holds_what_it_was_made_with(stores: EmbeddedStores) -> None:
    assert stores.held("one", CLUSTERS) == {"a": "2" * 64, "b": "1" * 64}
    with closing(stores.open("one", CLUSTERS)) as store:
        assert store.search(VECTORS[2], k=1, metric="euclidean").ids == ("a",)
        assert store.held() == stores.held("one", CLUSTERS)


def test_a_store_exists_until_it_is_deleted(stores: EmbeddedStores) -> None:
    assert stores.exists("one") and not stores.exists("two")
    with closing(stores.open("one", CLUSTERS)) as store:
        store.upsert(["c"], VECTORS[:1])
        assert stores.size_bytes("one") > 0
    stores.delete("one")
    stores.delete("one")
    assert not stores.exists("one")
    assert stores.size_bytes("one") == 0
    assert list((stores.artifacts / "vectors").iterdir()) == []
    with pytest.raises(VectorStoreError, match="there is no vector store"):
        stores.open("one", CLUSTERS)


def test_one_bundle_has_one_store(stores: EmbeddedStores) -> None:
    with pytest.raises(VectorStoreError, match="already"):
        stores.create("one", CLUSTERS, ids=[], vectors=VECTORS[:0])
