"""Stores in a database: found, filled, opened, refused, moved and removed."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from retrieval.clusters import Clusters
from retrieval.errors import StorageError, VectorStoreError
from retrieval.vectors.stores import EmbeddedStores, VectorStores, copy_store, vector_stores
from tests.conftest import free_port
from tests.support.marks import MILVUS

RNG = np.random.default_rng(3)
CLUSTERS = Clusters(RNG.standard_normal((8, 5), dtype=np.float32))
VECTORS = RNG.standard_normal((40, 5), dtype=np.float32)
IDS = [f"item {row}" for row in range(40)]
DIGESTS = [f"{row:064x}" if row % 2 else None for row in range(40)]


@pytest.fixture(params=["pgvector", pytest.param("milvus", marks=MILVUS)])
def database(request: pytest.FixtureRequest, pgvector_url: str, tmp_path: Path) -> VectorStores:
    if request.param == "pgvector":
        return vector_stores(tmp_path, pgvector_url)
    return vector_stores(tmp_path, request.getfixturevalue("milvus_url"), pgvector_url)


def test_what_is_moved_to_a_database_and_back_answers_as_before(database: VectorStores, tmp_path: Path) -> None:
    before, after = EmbeddedStores(tmp_path / "before"), EmbeddedStores(tmp_path / "after")
    before.create("moved", CLUSTERS, ids=IDS, vectors=VECTORS, digests=DIGESTS)
    copy_store("moved", lambda: CLUSTERS, before, database)
    copy_store("moved", lambda: CLUSTERS, database, after)
    assert database.size_bytes("moved") > VECTORS.nbytes
    database.verify("moved")
    answers = []
    for stores in (before, database, after):
        with closing(stores.open("moved", CLUSTERS)) as store:
            assert len(store) == 40
            assert store.held() == dict(zip(IDS, DIGESTS, strict=True))
            hits = [store.search(query, k=7, metric="cosine") for query in VECTORS[:5]]
            assert all(each.exact for each in hits)
            answers.append([(each.ids, each.cosine.tolist(), each.euclidean.tolist()) for each in hits])
    assert answers[0] == answers[1] == answers[2]
    database.delete("moved")
    assert not database.exists("moved")
    assert database.size_bytes("moved") == 0


def test_a_second_process_sees_what_the_first_one_adds(database: VectorStores) -> None:
    database.create("shared", CLUSTERS, ids=IDS, vectors=VECTORS)
    with closing(database.open("shared", CLUSTERS)) as here, closing(database.open("shared", CLUSTERS)) as there:
        far = np.full(5, 100, np.float32)
        here.upsert(["new"], far[None])
        hits = there.search(far, k=1, metric="euclidean")
        assert (hits.ids, hits.exact) == (("new",), True)
        there.delete(["new"])
        assert "new" not in here.search(far, k=1, metric="euclidean").ids
        assert not here.changed_elsewhere()
        assert (len(here), len(there)) == (40, 40)


def test_what_does_not_fit_is_told(database: VectorStores, tmp_path: Path) -> None:
    database.create("fixed", CLUSTERS, ids=IDS, vectors=VECTORS)
    with pytest.raises(VectorStoreError, match="already"):
        database.create("fixed", CLUSTERS, ids=IDS, vectors=VECTORS)
    with pytest.raises(VectorStoreError, match="8 clusters; the bundle has 5 and 3"):
        database.open("fixed", Clusters(CLUSTERS.centroids[:3]))
    with pytest.raises(VectorStoreError, match="lookalike migrate"):
        database.open("absent", CLUSTERS)
    database.delete("fixed")


def test_a_place_that_does_not_answer_or_is_none_is_told(pgvector_url: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be reached"):
        vector_stores(tmp_path, f"postgresql://127.0.0.1:{free_port()}/none").exists("any")
    with pytest.raises(VectorStoreError, match="postgresql://"):
        vector_stores(tmp_path, "mysql://host/name")
    with pytest.raises(VectorStoreError, match="LOOKALIKE_CATALOGUE_URL"):
        vector_stores(tmp_path, "milvus://127.0.0.1", f"sqlite:///{tmp_path}/catalogue.sqlite")
    with pytest.raises(StorageError, match="cannot be reached in Milvus"):
        vector_stores(tmp_path, f"milvus://127.0.0.1:{free_port()}", pgvector_url).exists("any")
