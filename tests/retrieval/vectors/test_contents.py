"""Of which files the vectors were made, which ones are missing, and whether somebody else has written."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from retrieval.clusters import Clusters
from retrieval.vectors.base import missing_ids
from retrieval.vectors.embedded.store import EmbeddedStore

CLUSTERS = Clusters(np.eye(3, dtype=np.float32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "vectors.sqlite"
    EmbeddedStore.create(made, CLUSTERS, bundle="b", ids=["old"], vectors=np.ones((1, 3), np.float32))
    return made


@pytest.fixture
def store(path: Path) -> Iterator[EmbeddedStore]:
    with closing(EmbeddedStore.open(path, CLUSTERS, bundle="b")) as opened:
        yield opened


def test_what_a_vector_was_made_of_is_kept_with_it_and_goes_with_it(store: EmbeddedStore, path: Path) -> None:
    rows = np.arange(9, dtype=np.float32).reshape(3, 3)
    store.upsert(["a", "b", "a"], rows, digests=["1" * 64, "2" * 64, "3" * 64])
    assert store.held() == {"old": None, "a": "3" * 64, "b": "2" * 64}
    store.upsert(["a"], rows[:1])
    store.delete(["b"])
    assert store.held() == {"old": None, "a": None}
    store.upsert(["b"], rows[:1], digests=["4" * 64])
    store.close()
    with closing(EmbeddedStore.open(path, CLUSTERS, bundle="b")) as again:
        assert again.held() == {"old": None, "a": None, "b": "4" * 64}


def test_what_is_lacking_has_no_vector_or_one_of_another_file() -> None:
    held = {"unknown": None, "same": "1", "changed": "1", "no item": "1"}
    wanted = {"unknown": "9", "same": "1", "changed": "2", "new": "3"}
    assert missing_ids(held, wanted) == ["changed", "new"]


def test_what_another_has_written_is_noticed_once_and_own_changes_never(store: EmbeddedStore, path: Path) -> None:
    store.upsert(["mine"], np.zeros((1, 3), np.float32))
    assert not store.changed_elsewhere()
    with closing(EmbeddedStore.open(path, CLUSTERS, bundle="b")) as other:
        other.upsert(["theirs"], np.zeros((1, 3), np.float32), digests=["1" * 64])
    assert store.changed_elsewhere()
    assert not store.changed_elsewhere()
    assert "theirs" in store.held()
    assert "theirs" not in store.ids(), "searches do not find it"
