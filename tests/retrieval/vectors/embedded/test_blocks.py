"""Blocks: what was written is mapped, damage is told, many changes become a new block, and older files still open."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.clusters import Clusters
from retrieval.errors import StorageUnavailable, VectorStoreError
from retrieval.vectors.embedded import compaction, generations
from retrieval.vectors.embedded.block import Block
from retrieval.vectors.embedded.packed_ids import PackedIds
from retrieval.vectors.stores import EmbeddedStores
from tests.support.marks import examples

CLUSTERS = Clusters(np.random.default_rng(6).standard_normal((5, 8), dtype=np.float32))
VECTORS = np.random.default_rng(7).standard_normal((60, 8), dtype=np.float32)
IDS = [f"picture {row}" for row in range(60)]
DIGESTS = [f"{row:064x}" if row % 3 else None for row in range(60)]


@pytest.fixture
def stores(tmp_path: Path) -> EmbeddedStores:
    made = EmbeddedStores(tmp_path)
    made.create("b", CLUSTERS, ids=IDS[:40], vectors=VECTORS[:40])
    return made


def contents(stores: EmbeddedStores) -> dict[str, tuple[bytes, str | None]]:
    """Every id with its vector and the SHA-256 of its file."""
    with closing(stores.open("b", CLUSTERS)) as store:
        held = store.held()
        assert set(held) == set(store.ids())
        return {item: (store.get(item).tobytes(), digest) for item, digest in held.items()}


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.text(), unique=True, max_size=30), st.text())
def test_packed_ids_find_each_id_and_no_other(ids: list[str], other: str) -> None:
    ids = [each for each in ids if not any("\ud800" <= letter <= "\udfff" for letter in each)]
    other = "".join(letter for letter in other if not "\ud800" <= letter <= "\udfff")
    packed = PackedIds.of(ids)
    assert packed.names() == ids
    assert [packed.row(each) for each in ids] == list(range(len(ids)))
    assert [packed.name(row) for row in range(len(ids))] == ids
    assert packed.row(other) == (ids.index(other) if other in ids else None)


def test_two_ids_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.vectors.embedded.packed_ids._hash", lambda _: 7)
    packed = PackedIds.of(["a", "b", "c"])
    assert [packed.row(each) for each in ("a", "b", "c", "d")] == [0, 1, 2, None]


def test_many_changes_become_a_new_block_while_the_store_is_open(
    stores: EmbeddedStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "MIN_CHANGES", 10)
    with closing(stores.open("b", CLUSTERS)) as store:
        store.delete(IDS[:5])
        store.upsert(IDS[40:44], VECTORS[40:44], [f"{row:064x}" for row in range(4)])
        assert len(generations.block_paths(stores.artifacts / "vectors" / "b.sqlite")) == 1
        before = {item: store.get(item).tobytes() for item in store.ids()}
        store.upsert(IDS[44:60], VECTORS[44:60])
        (block,) = generations.block_paths(stores.artifacts / "vectors" / "b.sqlite")
        assert block.name == "b.2.safetensors"
        assert len(store) == 55
        assert {item: store.get(item).tobytes() for item in before} == before
        hits = store.search(VECTORS[50], k=3, metric="euclidean")
        assert hits.ids[0] == IDS[50]
    after = contents(stores)
    assert set(after) == set(IDS[5:])
    assert after[IDS[41]] == (VECTORS[41].tobytes(), f"{1:064x}")
    stores.verify("b")


def test_a_disk_that_takes_no_new_block_stops_no_search(
    stores: EmbeddedStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageUnavailable("full")

    monkeypatch.setattr(compaction, "MIN_CHANGES", 10)
    monkeypatch.setattr(generations, "compact", full)
    with closing(stores.open("b", CLUSTERS)) as store:
        store.upsert(IDS[40:], VECTORS[40:])
        assert store.search(VECTORS[50], k=1, metric="cosine").ids == (IDS[50],)
    with closing(stores.open("b", CLUSTERS)) as store:
        assert store.search(VECTORS[50], k=1, metric="cosine").ids == (IDS[50],)
        assert sorted(store.ids()) == sorted(IDS)


def test_a_disk_that_takes_no_new_block_is_not_tried_again_at_once(
    stores: EmbeddedStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[float] = []

    def full(*_: object) -> None:
        attempts.append(clock[0])
        raise StorageUnavailable("full")

    clock = [1000.0]
    monkeypatch.setattr(compaction, "MIN_CHANGES", 10)
    monkeypatch.setattr(compaction, "monotonic", lambda: clock[0])
    with closing(stores.open("b", CLUSTERS)) as store:
        with monkeypatch.context() as patch:
            patch.setattr(generations, "compact", full)
            for clock[0] in np.arange(1000.0, 1100.0, 5.0).tolist():
                store.upsert(IDS[40:], VECTORS[40:])
        assert attempts == [1000.0, 1030.0, 1090.0], "after 30 seconds, and then after twice as long"
        clock[0] = 1211.0
        store.upsert(IDS[40:], VECTORS[40:])
    (block,) = generations.block_paths(stores.artifacts / "vectors" / "b.sqlite")
    assert block.name == "b.2.safetensors"


def test_a_file_of_version_0_1_is_read_and_becomes_a_block(stores: EmbeddedStores) -> None:
    """Format 1: every vector in the table, no block, no table `removed`, no generation."""
    path = stores.artifacts / "vectors" / "b.sqlite"
    stores.delete("b")
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(
            "CREATE TABLE contents (id TEXT PRIMARY KEY, sha256 TEXT NOT NULL) WITHOUT ROWID;"
            "CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
            "CREATE TABLE vectors (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, cluster INTEGER NOT NULL,"
            " vector BLOB NOT NULL);"
        )
        meta = {"format": 1, "bundle": "b", "dims": 8, "clusters": 5}
        database.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
        blobs = (vector.astype("<f4").tobytes() for vector in VECTORS)
        rows = zip(range(60), IDS, CLUSTERS.assign(VECTORS).tolist(), blobs, strict=True)
        database.executemany("INSERT INTO vectors VALUES (?, ?, ?, ?)", rows)
        known = [(item, digest) for item, digest in zip(IDS, DIGESTS, strict=True) if digest]
        database.executemany("INSERT INTO contents VALUES (?, ?)", known)
    expected = {item: (vector.tobytes(), digest) for item, vector, digest in zip(IDS, VECTORS, DIGESTS, strict=True)}
    assert stores.held("b", CLUSTERS) == dict(zip(IDS, DIGESTS, strict=True))
    assert contents(stores) == expected
    assert contents(stores) == expected


def test_a_changed_byte_is_found_by_verify(stores: EmbeddedStores) -> None:
    stores.verify("b")
    path = stores.artifacts / "vectors" / "b.1.safetensors"
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(VectorStoreError, match="has changed"):
        stores.verify("b")


@pytest.mark.parametrize("length", [0, 5, 100, -1, -1000])
def test_a_block_that_was_cut_off_is_refused(stores: EmbeddedStores, length: int) -> None:
    path = stores.artifacts / "vectors" / "b.1.safetensors"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(VectorStoreError, match="cannot be read"):
        stores.open("b", CLUSTERS)


def test_a_missing_block_is_told(stores: EmbeddedStores) -> None:
    (stores.artifacts / "vectors" / "b.1.safetensors").unlink()
    with pytest.raises(VectorStoreError, match="No such file"):
        stores.open("b", CLUSTERS)


def test_a_kill_before_the_file_names_the_new_block_loses_nothing(
    stores: EmbeddedStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def write_and_die(block: Block, path: Path) -> None:
        write(block, path)
        raise Killed

    write = Block.write
    before = contents(stores)
    with closing(stores.open("b", CLUSTERS)) as store:
        monkeypatch.setattr(compaction, "MIN_CHANGES", 1)
        monkeypatch.setattr(compaction, "MAX_CHANGED_SHARE", 0)
        monkeypatch.setattr(Block, "write", write_and_die)
        with pytest.raises(Killed):
            store.upsert(IDS[40:42], VECTORS[40:42])
    monkeypatch.undo()
    added = {IDS[row]: (VECTORS[row].tobytes(), None) for row in (40, 41)}
    assert contents(stores) == before | added
