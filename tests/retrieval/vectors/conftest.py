"""What the tests of vector stores share: stores to search, scenes to search in, and brute force to compare with."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import pytest

from retrieval.clusters import Clusters, Vectors
from retrieval.vectors.codes import Kind
from retrieval.vectors.embedded.store import EmbeddedStore

Build = Callable[..., EmbeddedStore]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    """Makes stores of vectors, under the ids "0", "1", ... unless others are given; closes them at the end."""
    folder, numbers, opened = tmp_path_factory.mktemp("stores"), count(), []

    def built(
        clusters: Clusters, vectors: Vectors, ids: Sequence[str] = (), codes: Kind = "none", **options: Any
    ) -> EmbeddedStore:
        path = folder / f"{next(numbers)}.sqlite"
        ids = ids or [str(row) for row in range(len(vectors))]
        EmbeddedStore.create(path, clusters, bundle="b", ids=ids, vectors=vectors, codes=codes)
        opened.append(EmbeddedStore.open(path, clusters, bundle="b", **options))
        return opened[-1]

    yield built
    for store in opened:
        store.close()
