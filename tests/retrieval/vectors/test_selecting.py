"""A search among a selection finds what a search among the same ids finds, whatever has changed between the two."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from pyroaring import BitMap64

from retrieval.clusters import Clusters
from retrieval.filters import EVERYTHING
from retrieval.selection import Selection
from retrieval.vectors.base import Hits, VectorStore
from retrieval.vectors.embedded import compaction
from retrieval.vectors.embedded import store as embedded
from retrieval.vectors.embedded.packed_ids import PackedIds
from retrieval.vectors.stores import EmbeddedStores
from tests.support.marks import examples

RANDOM = np.random.default_rng(0)
CLUSTERS = Clusters(RANDOM.normal(size=(12, 6)).astype(np.float32))
names = st.sampled_from([f"item {number}" for number in range(30)])


class Numbered:
    """A catalogue of nothing but ids and their numbers."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.asked = 0
        self._next = 1

    def number(self, ids: Iterable[str]) -> None:
        for item in ids:
            self.numbers[item] = self._next
            self._next += 3

    def select(self, ids: Iterable[str]) -> Selection:
        by_number = {number: item for item, number in self.numbers.items()}

        def ids_of(numbers: Iterable[int]) -> dict[int, str]:
            self.asked += 1
            return {number: by_number[number] for number in numbers if number in by_number}

        def numbers_of(ids: Sequence[str]) -> dict[str, int]:
            return {item: self.numbers[item] for item in ids if item in self.numbers}

        numbers = BitMap64(self.numbers[item] for item in ids if item in self.numbers)
        return Selection(EVERYTHING, numbers, ids_of, numbers_of)


def same(answer: Hits, expected: Hits) -> None:
    assert answer.ids == expected.ids
    np.testing.assert_array_equal(answer.cosine, expected.cosine)


class Selecting(RuleBasedStateMachine):
    """Items and vectors come and go, not always together, and the store is put in order now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        stores = EmbeddedStores(Path(self.folder.name))
        first = [f"item {number}" for number in range(20)]
        stores.create("b", CLUSTERS, ids=first, vectors=RANDOM.normal(size=(20, 6)).astype(np.float32))
        self.store: VectorStore = stores.open("b", CLUSTERS)
        self.catalogue = Numbered()
        self.catalogue.number(first[:15])

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(ids=st.sets(names, max_size=5))
    def add_items(self, ids: set[str]) -> None:
        self.catalogue.number(ids)

    @rule(ids=st.sets(names, max_size=3))
    def delete_items(self, ids: set[str]) -> None:
        for item in ids:
            self.catalogue.numbers.pop(item, None)

    @rule(ids=st.sets(names, min_size=1, max_size=5))
    def upsert(self, ids: set[str]) -> None:
        self.store.upsert(sorted(ids), RANDOM.normal(size=(len(ids), 6)).astype(np.float32))

    @rule(ids=st.sets(names, max_size=3))
    def delete(self, ids: set[str]) -> None:
        self.store.delete(ids)

    @rule(
        ids=st.sets(names),
        exclude=st.sets(names, max_size=3),
        k=st.integers(1, 12),
        probes=st.sampled_from(["auto", "all", 1]),
    )
    def search(self, ids: set[str], exclude: set[str], k: int, probes: int) -> None:
        query = RANDOM.normal(size=6).astype(np.float32)
        there = {item for item in ids if item in self.catalogue.numbers}
        expected = self.store.search(query, k=k, metric="cosine", probes="all", only=there, exclude=exclude)
        selection = self.catalogue.select(ids)
        for _ in range(2):
            answer = self.store.search(query, k=k, metric="cosine", probes=probes, only=selection, exclude=exclude)
            if probes != 1:
                same(answer, expected)
            assert set(answer.ids) <= there - exclude
            assert len(answer) == len(expected)  # never fewer while there are more


TestSelecting = Selecting.TestCase
TestSelecting.settings = settings(max_examples=examples(40), stateful_step_count=25, deadline=None)


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that few vectors are many, and are put in order again and again."""
    monkeypatch.setattr(embedded, "FEW_ROWS", 4)
    monkeypatch.setattr(embedded, "LEARNT_TOGETHER", 3)
    monkeypatch.setattr(compaction, "MIN_CHANGES", 6)


def test_the_catalogue_is_asked_once_for_each_item(tmp_path: Path) -> None:
    stores, catalogue = EmbeddedStores(tmp_path), Numbered()
    ids = [f"item {number}" for number in range(20)]
    stores.create("b", CLUSTERS, ids=ids[:19], vectors=RANDOM.normal(size=(19, 6)).astype(np.float32))
    store = stores.open("b", CLUSTERS)
    catalogue.number(ids)
    query = np.ones(6, np.float32)
    assert len(store.search(query, k=30, metric="cosine", only=catalogue.select(ids))) == 19
    asked = catalogue.asked
    assert asked == 7  # for three at a time
    for some in (ids, ids[:3], ids[5:]):
        store.search(query, k=30, metric="euclidean", only=catalogue.select(some))
    assert catalogue.asked == asked
    store.upsert(["item 3"], np.ones((1, 6), np.float32))
    hits = store.search(query, k=1, metric="cosine", only=catalogue.select(ids[:9]))
    assert hits.ids == ("item 3",)
    assert catalogue.asked == asked
    store.close()


def test_rows_are_found_and_followed_by_id() -> None:
    ids = [f"{number}" for number in range(50)]
    packed = PackedIds.of(ids)
    assert packed.rows_of(["7", "absent", "49", ""]).tolist() == [7, -1, 49, -1]
    assert PackedIds.of([]).rows_of(["7"]).tolist() == [-1]
    other = PackedIds.of([*reversed(ids[:40]), "new"])
    assert packed.rows_in(other, ["new", "newer"]).tolist() == [*range(39, -1, -1), *[-1] * 10, 40, -1]
    assert packed.rows_in(PackedIds.of([]), []).tolist() == [-1] * 50
