"""Two processes, each with the file open, as an API that writes while a trainer fills in vectors."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pytest

from retrieval.clusters import Clusters
from retrieval.vectors.embedded.store import EmbeddedStore

CLUSTERS = Clusters(np.eye(4, dtype=np.float32))
VECTORS = np.random.default_rng(2).standard_normal((6, 4), dtype=np.float32)
DIGESTS = ["a" * 64, "b" * 64]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.sqlite"
    EmbeddedStore.create(path, CLUSTERS, bundle="b", ids=["old"], vectors=VECTORS[:1])
    return path


@pytest.fixture
def both(path: Path) -> Iterator[tuple[EmbeddedStore, EmbeddedStore]]:
    """Two stores that know nothing of each other, as in two processes."""
    with ExitStack() as stack:
        first, second = (stack.enter_context(closing(open_store(path))) for _ in range(2))
        yield first, second


def open_store(path: Path) -> EmbeddedStore:
    return EmbeddedStore.open(path, CLUSTERS, bundle="b")


def check(path: Path, expected: dict[str, int]) -> None:
    """What the file holds: ids, and the rows of VECTORS that are theirs."""
    with closing(open_store(path)) as store:
        assert sorted(store.ids()) == sorted(expected)
        for name, row in expected.items():
            np.testing.assert_array_equal(store.get(name), VECTORS[row])


def test_vectors_added_by_both_are_all_there(path: Path, both: tuple[EmbeddedStore, EmbeddedStore]) -> None:
    first, second = both
    first.upsert(["a"], VECTORS[1:2])
    second.upsert(["b", "c"], VECTORS[2:4])
    first.upsert(["d"], VECTORS[4:5])
    check(path, {"old": 0, "a": 1, "b": 2, "c": 3, "d": 4})
    assert first.search(VECTORS[4], k=1, metric="euclidean").ids == ("d",)


def test_both_may_write_the_same_id(path: Path, both: tuple[EmbeddedStore, EmbeddedStore]) -> None:
    first, second = both
    first.upsert(["a"], VECTORS[1:2])
    second.upsert(["a"], VECTORS[2:3])
    first.delete(["a"])
    second.upsert(["b"], VECTORS[3:4])  # under the key that memory still has a under
    check(path, {"old": 0, "b": 3})
    second.upsert(["a"], VECTORS[5:6])
    first.upsert(["a"], VECTORS[4:5])
    check(path, {"old": 0, "a": 4, "b": 3})
    np.testing.assert_array_equal(first.get("a"), VECTORS[4])
    assert first.search(VECTORS[4], k=9, metric="euclidean").ids[0] == "a"


def test_of_which_file_a_vector_was_made_is_known_and_forgotten_with_it(
    path: Path, both: tuple[EmbeddedStore, EmbeddedStore]
) -> None:
    store, _ = both
    store.upsert(["a", "b", "a"], VECTORS[:3], ["c" * 64, *DIGESTS[::-1]])
    assert store.held() == {"old": None, "a": DIGESTS[0], "b": DIGESTS[1]}
    np.testing.assert_array_equal(store.get("a"), VECTORS[2])
    store.upsert(["a"], VECTORS[:1])
    assert store.held()["a"] is None
    store.delete(["b"])
    store.upsert(["b"], VECTORS[:1])
    assert store.held()["b"] is None


def test_the_members_of_a_cluster_are_told(both: tuple[EmbeddedStore, EmbeddedStore]) -> None:
    store, _ = both
    store.upsert(["a", "b", "c", "d"], VECTORS[1:5])
    store.delete(["c"])
    expected = dict(zip(["old", "a", "b", "d"], VECTORS[[0, 1, 2, 4]], strict=True))
    result = [store.members(cluster) for cluster in range(len(CLUSTERS))]
    assert sorted(name for members in result for name in members.ids) == sorted(expected)
    for cluster, members in enumerate(result):
        assert (members.clusters == cluster).all()
        for name, vector in zip(members.ids, members.vectors, strict=True):
            np.testing.assert_array_equal(vector, expected[name])
            assert CLUSTERS.assign(vector[None])[0] == cluster
    some = store.get_many(["d", "nobody", "old"])
    assert sorted(some.ids) == ["d", "old"]
    for name, vector in zip(some.ids, some.vectors, strict=True):
        np.testing.assert_array_equal(vector, expected[name])
