"""Whatever is added, replaced and deleted, in any order, searches know at once, and so does whoever opens the store."""

import math
import threading
from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from retrieval.clusters import Clusters
from retrieval.errors import VectorMissing, VectorStoreError
from retrieval.vectors.base import Metric, Note, Vectors
from tests.retrieval.vectors.brute_force import check
from tests.retrieval.vectors.contract.conftest import Build, Stores
from tests.support.marks import examples

DIMS = 4
CLUSTERS = Clusters(np.random.default_rng(5).standard_normal((6, DIMS), dtype=np.float32))
NAMES = st.sampled_from([f"item {number}" for number in range(12)])
VECTORS = st.lists(st.integers(-3, 3), min_size=DIMS, max_size=DIMS).map(lambda row: np.array(row, np.float32))
NUMBERS = count()


class Changes(RuleBasedStateMachine):
    """A store and a dictionary go through the same changes."""

    stores: Stores

    def __init__(self) -> None:
        super().__init__()
        self.name = f"changes-{next(NUMBERS)}"
        self.stores.create(self.name, CLUSTERS, ids=[], vectors=np.empty((0, DIMS), np.float32))
        self.store = self.stores.open(self.name, CLUSTERS)
        self.expected: dict[str, Vectors] = {}
        self.digests: dict[str, str] = {}

    def teardown(self) -> None:
        self.store.close()
        self.stores.verify(self.name)
        self.stores.delete(self.name)
        assert not self.stores.exists(self.name)

    @rule(rows=st.lists(st.tuples(NAMES, VECTORS), max_size=5), digest=st.sampled_from(["a" * 64, "b" * 64]))
    def upsert(self, rows: list[tuple[str, Vectors]], digest: str) -> None:
        vectors = np.array([vector for _, vector in rows], np.float32).reshape(-1, DIMS)
        self.store.upsert([name for name, _ in rows], vectors, [digest] * len(rows))
        self.expected.update(rows)
        self.digests.update((name, digest) for name, _ in rows)

    @rule(names=st.lists(NAMES, max_size=5))
    def delete(self, names: list[str]) -> None:
        self.store.delete(names)
        for name in names:
            self.expected.pop(name, None)
            self.digests.pop(name, None)

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = self.stores.open(self.name, CLUSTERS)

    @rule(query=VECTORS, k=st.integers(1, 15), metric=st.sampled_from(["cosine", "euclidean"]))
    def search(self, query: Vectors, k: int, metric: Metric) -> None:
        hits = self.store.search(query, k=k, metric=metric)
        assert hits.exact
        check(hits, query, self.expected, k, metric)

    @invariant()
    def holds_what_is_expected(self) -> None:
        assert self.store.held() == self.digests
        assert sorted(self.store.ids()) == sorted(self.expected)
        assert len(self.store) == len(self.expected)
        members = self.store.get_many([*self.expected, "unknown"])
        assert set(members.ids) == set(self.expected)
        for name, vector in self.expected.items():
            np.testing.assert_array_equal(self.store.get(name), vector)
        for name, vector, cluster in zip(members.ids, members.vectors, members.clusters.tolist(), strict=True):
            np.testing.assert_array_equal(vector, self.expected[name])
            assert name in self.store.members(cluster).ids


def test_a_store_and_a_dictionary_go_through_the_same_changes(stores: Stores) -> None:
    machine = type("ChangesOfThisEngine", (Changes,), {"stores": stores})
    options = settings(
        max_examples=examples(60), stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    run_state_machine_as_test(machine, settings=options)


def test_a_change_that_does_not_fit_changes_nothing(build: Build) -> None:
    store = build(CLUSTERS, CLUSTERS.centroids)
    before = store.search(CLUSTERS.centroids[0], k=6, metric="cosine")
    for vectors in (np.zeros((1, 3), np.float32), np.full((1, DIMS), np.inf, np.float32)):
        with pytest.raises(VectorStoreError):
            store.upsert(["new"], vectors)
    assert store.search(CLUSTERS.centroids[0], k=6, metric="cosine").ids == before.ids


def test_an_unknown_id_has_no_vector(build: Build) -> None:
    with pytest.raises(VectorMissing, match="'nobody'"):
        build(CLUSTERS, CLUSTERS.centroids).get("nobody")


def test_of_an_id_that_occurs_twice_the_last_vector_counts(build: Build) -> None:
    store = build(CLUSTERS, CLUSTERS.centroids[:2], ids=["twice", "twice"])
    np.testing.assert_array_equal(store.get("twice"), CLUSTERS.centroids[1])
    store.upsert(["twice", "twice"], CLUSTERS.centroids[2:4])
    np.testing.assert_array_equal(store.get("twice"), CLUSTERS.centroids[3])
    assert len(store) == 1


def test_exact_stays_true_while_two_writers_change_the_clusters(build: Build) -> None:
    """A vector that widens its cluster is seen together with the wider reach, or not at all."""
    clusters = Clusters(np.array([[1, 0], [-1, 0]], np.float32))
    store = build(clusters, np.tile(np.array([1, 0], np.float32), (5, 1)))
    query, done, wrong = np.array([-0.2, 1], np.float32), threading.Event(), list[object]()

    def write(name: str) -> None:
        for turn in range(40):
            store.upsert([name], np.array([[0.05, 1.0 + turn / 100]], np.float32))
            store.delete([name])

    def read() -> None:
        while not done.is_set():
            hits = store.search(query, k=1, metric="euclidean")
            slow = store.search(query, k=1, metric="euclidean", probes="all")
            if not hits.exact or (hits.ids == ("0",) and not slow.exact):
                wrong.append(hits)

    threads = [threading.Thread(target=write, args=[name]) for name in ("a", "b")]
    reader = threading.Thread(target=read)
    reader.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    reader.join()
    assert wrong == []
    store.upsert(["c"], np.array([[0.05, 1.0]], np.float32))
    assert store.search(query, k=1, metric="euclidean").ids == ("c",)


def test_an_exact_answer_is_never_behind_what_was_acknowledged(build: Build) -> None:
    """Two writers bring nearer and nearer vectors, into clusters that did not reach there, while somebody reads."""
    rng, turns = np.random.default_rng(8), 25
    query, around = np.full(DIMS, 0.3, np.float32), rng.standard_normal((24, DIMS))
    lengths = np.linalg.norm(around, axis=1, keepdims=True) / np.linspace(5, 6, 24)[:, None]
    clusters = Clusters((query + around / lengths).astype(np.float32))
    store = build(clusters, clusters.centroids)
    acknowledged, done, wrong = [math.inf], threading.Event(), list[object]()

    def write(writer: int) -> None:
        for turn in range(turns):
            away = rng.standard_normal(DIMS)
            distance = 4 - (2 * turn + writer) * 3.9 / (2 * turns)
            vector = (query + distance * away / np.linalg.norm(away)).astype(np.float32)
            store.upsert([f"{writer} {turn}"], vector[None])
            acknowledged.append(float(np.linalg.norm(vector - query)))

    def read() -> None:
        while not done.is_set():
            least = min(acknowledged)
            hits = store.search(query, k=1, metric="euclidean")
            if not hits.exact or hits.euclidean[0] > least * (1 + 1e-5):
                wrong.append((least, hits))

    reader = threading.Thread(target=read)
    reader.start()
    writers = [threading.Thread(target=write, args=[writer]) for writer in range(2)]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert wrong == []
    assert len(acknowledged) == 2 * turns + 1


def test_a_note_is_kept_until_a_vector_comes_or_goes(build: Build) -> None:
    store = build(CLUSTERS, CLUSTERS.centroids)
    assert store.note() is None
    note = Note("catalogue", 7, ("one", "two"))
    store.keep_note(note)
    assert store.note() == note
    store.upsert(["new"], CLUSTERS.centroids[:1])
    assert store.note() is None
    store.keep_note(note)
    store.delete(["new"])
    assert store.note() is None


def test_stamps_tell_which_clusters_have_changed(build: Build) -> None:
    store = build(CLUSTERS, CLUSTERS.centroids)
    before = store.cluster_stamps()
    store.upsert(["new"], CLUSTERS.centroids[2:3])
    between = store.cluster_stamps()
    assert np.flatnonzero(before != between).tolist() == [2]
    store.delete(["new"])
    assert np.flatnonzero(between != store.cluster_stamps()).tolist() == [2]
    assert len(store.sample(3).ids) == 3
    assert store.sample(3).ids == store.sample(3).ids
