"""A vector file is written whole or not at all; one that is missing, foreign or damaged is refused in plain words."""

import errno
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from retrieval import durable
from retrieval.clusters import Clusters
from retrieval.errors import StorageFull, VectorStoreError
from retrieval.vectors.embedded import rows
from retrieval.vectors.embedded.store import EmbeddedStore

CLUSTERS = Clusters(np.random.default_rng(6).standard_normal((5, 8), dtype=np.float32))
VECTORS = np.random.default_rng(7).standard_normal((40, 8), dtype=np.float32)
IDS = [f"picture {row}" for row in range(40)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A good file."""
    place = tmp_path / "vectors" / "b.sqlite"
    EmbeddedStore.create(place, CLUSTERS, bundle="b", ids=IDS, vectors=VECTORS)
    return place


def open_and_close(path: Path, clusters: Clusters = CLUSTERS, bundle: str = "b") -> None:
    EmbeddedStore.open(path, clusters, bundle=bundle).close()


def test_a_created_file_holds_every_vector_bit_for_bit(path: Path) -> None:
    store = EmbeddedStore.open(path, CLUSTERS, bundle="b")
    assert sorted(store.ids()) == sorted(IDS)
    np.testing.assert_array_equal([store.get(item) for item in IDS], VECTORS)
    store.close()
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["b.1.safetensors", "b.sqlite"]


@pytest.fixture
def changed_path(path: Path) -> Path:
    """The same with every vector written once more, so that all of them are changes beside the block."""
    with closing(EmbeddedStore.open(path, CLUSTERS, bundle="b")) as store:
        store.upsert(IDS, VECTORS)
    return path


def test_reading_in_batches_is_reading_at_once(changed_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = changed_path
    monkeypatch.setattr(rows, "BATCH", 7)
    store = EmbeddedStore.open(path, CLUSTERS, bundle="b")
    hits = store.search(VECTORS[0], k=40, metric="euclidean", probes="all")
    store.close()
    expected = np.argsort(np.linalg.norm(VECTORS - VECTORS[0], axis=1))
    assert hits.ids == tuple(IDS[row] for row in expected)


def test_of_an_id_given_twice_the_last_vector_counts(tmp_path: Path) -> None:
    EmbeddedStore.create(tmp_path / "v", CLUSTERS, bundle="b", ids=["a", "a"], vectors=VECTORS[:2])
    store = EmbeddedStore.open(tmp_path / "v", CLUSTERS, bundle="b")
    assert store.ids() == ("a",)
    np.testing.assert_array_equal(store.get("a"), VECTORS[1])
    store.close()


def test_a_file_is_not_overwritten(path: Path) -> None:
    with pytest.raises(VectorStoreError, match="already"):
        EmbeddedStore.create(path, CLUSTERS, bundle="b", ids=[], vectors=VECTORS[:0])
    open_and_close(path)


def test_a_creation_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(VectorStoreError, match=r"\(40, 8\) are wanted; found \(39, 8\)"):
        EmbeddedStore.create(tmp_path / "v", CLUSTERS, bundle="b", ids=IDS, vectors=VECTORS[1:])

    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(durable, "sync", full)
    with pytest.raises(StorageFull, match="no space left"):
        EmbeddedStore.create(tmp_path / "v", CLUSTERS, bundle="b", ids=IDS, vectors=VECTORS)
    assert list(tmp_path.iterdir()) == []


def test_the_log_of_a_deleted_file_is_not_replayed_into_a_new_one(path: Path) -> None:
    store = EmbeddedStore.open(path, CLUSTERS, bundle="b")
    store.upsert(["ghost"], VECTORS[:1])
    log = path.with_name("b.sqlite-wal")
    left_over = log.read_bytes()
    store.close()
    path.unlink()
    log.write_bytes(left_over)
    EmbeddedStore.create(path, CLUSTERS, bundle="b", ids=IDS, vectors=VECTORS)
    store = EmbeddedStore.open(path, CLUSTERS, bundle="b")
    assert "ghost" not in store.ids()
    store.close()


def test_an_upsert_survives_a_process_that_is_killed(path: Path, tmp_path: Path) -> None:
    """The files as they are on disk when `upsert` returns: nothing is left to be written at closing."""
    store = EmbeddedStore.open(path, CLUSTERS, bundle="b")
    store.upsert(["late"], VECTORS[3:4])
    result = tmp_path / "found"
    result.mkdir()
    for entry in path.parent.iterdir():
        (result / entry.name).write_bytes(entry.read_bytes())
    store.close()
    after = EmbeddedStore.open(result / "b.sqlite", CLUSTERS, bundle="b")
    np.testing.assert_array_equal(after.get("late"), VECTORS[3])
    after.close()


def test_a_file_of_another_bundle_or_shape_is_refused_with_both_values(path: Path) -> None:
    with pytest.raises(VectorStoreError, match=r"bundle 'b', but bundle 'c' is wanted"):
        open_and_close(path, bundle="c")
    with pytest.raises(VectorStoreError, match=r"dims 8, but dims 7 is wanted"):
        open_and_close(path, Clusters(np.ones((5, 7), np.float32)))
    with pytest.raises(VectorStoreError, match=r"clusters 5, but clusters 4 is wanted"):
        open_and_close(path, Clusters(np.ones((4, 8), np.float32)))


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(VectorStoreError, match="no vector store"):
        open_and_close(tmp_path / "none.sqlite")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE vectors SET vector = x'00' WHERE key = 3", "not 32 bytes long"),
        ("UPDATE vectors SET vector = 'text' WHERE key = 3", "not 32 bytes long"),
        ("UPDATE vectors SET vector = CAST(zeroblob(28) || x'0000c07f' AS BLOB) WHERE key = 3", "not finite"),
        ("UPDATE vectors SET cluster = 5 WHERE key = 3", "not one of 0 to 4"),
        ("UPDATE vectors SET cluster = -1 WHERE key = 3", "not one of 0 to 4"),
        ("UPDATE vectors SET cluster = 'two' WHERE key = 3", "not one of 0 to 4"),
        (
            "UPDATE meta SET value = 3 WHERE name = 'format'",
            "has format 3, and this Lookalike reads 1 to 2: another version wrote it",
        ),
        ("DELETE FROM meta", "format None"),
        ("DROP TABLE meta", "no such table"),
        ("DROP TABLE vectors", "no such table"),
    ],
)
def test_a_damaged_file_is_refused(changed_path: Path, change: str, message: str) -> None:
    path = changed_path
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(change)
    with pytest.raises(VectorStoreError, match=message):
        open_and_close(path)


@pytest.mark.parametrize("content", [b"", b"not a database" * 100], ids=["empty", "foreign"])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "v").write_bytes(content)
    with pytest.raises(VectorStoreError, match="cannot be used"):
        open_and_close(tmp_path / "v")


def test_a_torn_file_is_refused(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)
    with pytest.raises(VectorStoreError, match="cannot be used"):
        open_and_close(path)


@pytest.mark.parametrize("missing", [1, 900, 4096, 9000])
def test_a_file_whose_end_is_missing_is_refused(path: Path, missing: int) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-missing])
    with pytest.raises(VectorStoreError, match=r"cut off|cannot be used"):
        open_and_close(path)
