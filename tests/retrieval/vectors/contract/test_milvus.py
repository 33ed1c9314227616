"""What is Milvus's own: the ledger beside it, and searches through a filter."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path

import numpy as np
import psycopg
import pytest

from retrieval.clusters import Clusters, Vectors
from retrieval.errors import VectorStoreError
from retrieval.vectors.address import read_address
from retrieval.vectors.base import Metric
from retrieval.vectors.milvus import ledger, search_rows
from retrieval.vectors.milvus.store import MilvusStore
from retrieval.vectors.milvus.stores import MilvusStores
from retrieval.vectors.postgresql.connections import driver_url
from tests.retrieval.vectors.brute_force import check
from tests.retrieval.vectors.scenes import named, selection_of
from tests.support.marks import MILVUS

pytestmark = list(MILVUS)

RNG = np.random.default_rng(11)
CLUSTERS = Clusters(RNG.standard_normal((40, 12), dtype=np.float32))
SIZE = 6_000
VECTORS: Vectors = (CLUSTERS.centroids[RNG.integers(40, size=SIZE)] + 0.3 * RNG.standard_normal((SIZE, 12))).astype(
    np.float32
)
METRICS: tuple[Metric, ...] = ("cosine", "euclidean")
NUMBERS = count()

Open = Callable[..., MilvusStore]


@pytest.fixture
def opened(milvus_url: str, pgvector_url: str) -> Iterator[Open]:
    """Makes a store of vectors and opens it; how long Milvus keeps what has gone may be told."""
    with ExitStack() as stack:

        def make(vectors: Vectors, *, left_seconds: float = 60) -> MilvusStore:
            name = f"milvus-{next(NUMBERS)}"
            stores = MilvusStores(read_address(milvus_url), pgvector_url, left_seconds=left_seconds)
            stores.create(name, CLUSTERS, ids=list(named(vectors)), vectors=vectors)
            stack.callback(stores.delete, name)
            store = stores.open(name, CLUSTERS)
            stack.enter_context(closing(store))
            assert isinstance(store, MilvusStore)
            return store

        yield make


@pytest.fixture(scope="module")
def large(milvus_url: str, pgvector_url: str) -> Iterator[MilvusStore]:
    """A store of 6,000 vectors, not to be changed."""
    stores = MilvusStores(read_address(milvus_url), pgvector_url)
    stores.create("large", CLUSTERS, ids=list(named(VECTORS)), vectors=VECTORS)
    with closing(stores.open("large", CLUSTERS)) as store:
        assert isinstance(store, MilvusStore)
        yield store
    stores.verify("large")
    stores.delete("large")


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.95])
def test_a_filter_is_searched_until_k_hits_are_there(large: MilvusStore, share: float) -> None:
    ids = [str(row) for row in np.flatnonzero(RNG.random(SIZE) < share)]
    allowed = {item: VECTORS[int(item)] for item in ids}
    for metric in METRICS:
        for only in (selection_of(ids), ids):
            hits = large.search(VECTORS[7], k=20, metric=metric, only=only, probes=2)
            assert len(hits) == min(20, len(ids))
            check(hits, VECTORS[7], allowed, 20, metric)
            everything = large.search(VECTORS[7], k=20, metric=metric, only=only, probes="all")
            assert everything.exact
            check(everything, VECTORS[7], allowed, 20, metric)


def test_items_far_from_the_query_are_reached_through_a_filter(large: MilvusStore) -> None:
    distances = np.linalg.norm(VECTORS - VECTORS[7], axis=1)
    ids = [str(row) for row in np.argsort(distances)[-2_500:]]
    hits = large.search(VECTORS[7], k=5, metric="euclidean", only=selection_of(ids))
    check(hits, VECTORS[7], {item: VECTORS[int(item)] for item in ids}, 5, "euclidean")
    assert hits.exact


def test_more_rows_than_milvus_returns_are_read_through_the_ledger(
    large: MilvusStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_rows, "MAX_ROWS", 50)
    for metric in METRICS:
        hits = large.search(VECTORS[3], k=100, metric=metric)
        assert hits.exact
        check(hits, VECTORS[3], named(VECTORS), 100, metric)


def test_what_milvus_holds_beyond_the_ledger_is_not_found_and_goes_later(opened: Open) -> None:
    store = opened(VECTORS[:20], left_seconds=0)
    collections, tables = store._collections, store._tables
    with store._states.writing() as connection:  # a writer that dies after it has written into Milvus
        rows = ledger.announce(connection, tables, 1)
    written = collections.insert(rows, CLUSTERS.assign(VECTORS[50:51]), VECTORS[50:51])
    assert store.search(VECTORS[50], k=1, metric="euclidean").euclidean[0] > 0
    assert len(store) == 20
    for turn in range(3):
        store.upsert(["0"], VECTORS[60 + turn : 61 + turn])
    store.delete(["1"])
    store.changed_elsewhere()
    for metric in METRICS:
        assert len(collections.rows_between(0, 1_000, metric, written + (3_000 << 18))) == 19
    np.testing.assert_array_equal(store.get("0"), VECTORS[62])


def test_a_search_sees_the_state_in_which_it_began(opened: Open) -> None:
    store = opened(VECTORS[:20])
    with store._reading() as connection:
        connection.execute("SELECT 1")
        store.upsert(["0"], VECTORS[60:61])
        store.delete(["1"])
        listed = dict(connection.execute(store._tables.of("SELECT item, row FROM {vectors}")).fetchall())
        written = ledger.read_written(connection, store._tables)
        vectors = store._collections.vectors(np.array([listed["0"], listed["1"]]), written)
    np.testing.assert_array_equal(np.stack(list(vectors.values())), VECTORS[:2])


def test_a_store_that_was_not_written_to_its_end_is_none(milvus_url: str, pgvector_url: str, tmp_path: Path) -> None:
    stores = MilvusStores(read_address(milvus_url), pgvector_url)
    stores.create("torn", CLUSTERS, ids=["0"], vectors=VECTORS[:1])
    with psycopg.connect(driver_url(pgvector_url)) as connection:
        connection.execute(
            "UPDATE milvus_collections SET ready = false FROM milvus_vector_stores"
            " WHERE store = number AND bundle = 'torn'"
        )
    assert not stores.exists("torn")
    with pytest.raises(VectorStoreError, match="lookalike migrate"):
        stores.open("torn", CLUSTERS)
    stores.create("torn", CLUSTERS, ids=["1"], vectors=VECTORS[:1])
    with closing(stores.open("torn", CLUSTERS)) as store:
        assert store.ids() == ("1",)
    stores.delete("torn")
