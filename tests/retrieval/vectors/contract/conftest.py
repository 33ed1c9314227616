"""Every engine that keeps vectors, for the tests of what all of them promise."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count

import pytest

from retrieval.clusters import Clusters, Vectors
from retrieval.vectors.base import VectorStore
from retrieval.vectors.pgvector.stores import PgvectorStores
from retrieval.vectors.stores import EmbeddedStores, VectorStores, vector_stores
from tests.support.marks import MILVUS

Stores = VectorStores
Build = Callable[..., VectorStore]


@pytest.fixture(
    scope="module",
    params=["embedded", pytest.param("pgvector", marks=pytest.mark.slow), pytest.param("milvus", marks=MILVUS)],
)
def stores(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Stores:
    """An engine with no store in it but those of other tests."""
    if request.param == "embedded":
        return EmbeddedStores(tmp_path_factory.mktemp("artifacts"))
    if request.param == "pgvector":
        return PgvectorStores(request.getfixturevalue("pgvector_url"))
    address = request.getfixturevalue("milvus_url")
    return vector_stores(tmp_path_factory.getbasetemp(), address, request.getfixturevalue("pgvector_url"))


@pytest.fixture(scope="module")
def build(stores: Stores) -> Iterator[Build]:
    """Makes a store of vectors, under the ids "0", "1", ... unless others are given; one is there at a time."""
    numbers, current = count(), list[tuple[str, VectorStore]]()

    def close() -> None:
        for name, store in current:
            store.close()
            stores.delete(name)
        current.clear()

    def built(clusters: Clusters, vectors: Vectors, ids: Sequence[str] = ()) -> VectorStore:
        close()
        name = f"contract-{next(numbers)}"
        stores.create(name, clusters, ids=ids or [str(row) for row in range(len(vectors))], vectors=vectors)
        store = stores.open(name, clusters)
        current.append((name, store))
        return store

    yield built
    close()
