"""Vector files that earlier versions wrote are read, changed and read again, with all that is in them."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from retrieval import bundle
from retrieval.vectors.embedded.store import EmbeddedStore
from retrieval.vectors.stores import EmbeddedStores

GOLDEN = Path(__file__).parents[2] / "golden"
ARTIFACTS = GOLDEN / "artifacts-4c0cb74"


def stored(path: Path) -> dict[str, bytes]:
    """Each vector as it is on disk."""
    with closing(sqlite3.connect(path)) as database:
        return dict(database.execute("SELECT id, vector FROM vectors"))


def test_the_first_file_of_all_which_knew_no_digests(tmp_path: Path) -> None:
    path = Path(shutil.copy(GOLDEN / "vectors-3d3fdf5.sqlite", tmp_path))
    before, clusters = stored(path), bundle.load(GOLDEN / "golden-v1").clusters
    with closing(EmbeddedStore.open(path, clusters, bundle="golden-v1")) as store:
        assert store.held() == dict.fromkeys(before)
        assert len(before) == 12
        for item, blob in before.items():
            assert store.get(item).tobytes() == blob
            hits = store.search(np.frombuffer(blob, np.float32), k=1, metric="euclidean")
            assert (hits.ids, hits.exact) == ((item,), True)
        store.upsert(["new"], np.ones((1, 8), np.float32), ["0" * 64])
        store.delete(["added"])
    with closing(EmbeddedStore.open(path, clusters, bundle="golden-v1")) as store:
        assert store.held() == {**dict.fromkeys(before.keys() - {"added"}), "new": "0" * 64}
    assert {name: blob for name, blob in stored(path).items() if name != "new"} == {
        name: blob for name, blob in before.items() if name != "added"
    }


@pytest.mark.parametrize("bundle_id", bundle.ids(ARTIFACTS))
def test_the_files_of_0_1_0(tmp_path: Path, bundle_id: str) -> None:
    artifacts = shutil.copytree(ARTIFACTS, tmp_path / "artifacts")
    before = stored(artifacts / "vectors" / f"{bundle_id}.sqlite")
    clusters = bundle.load(bundle.bundle_path(artifacts, bundle_id)).clusters
    with closing(EmbeddedStores(artifacts).open(bundle_id, clusters)) as store:
        assert set(store.ids()) == before.keys()
        for item, blob in before.items():
            assert store.get(item).tobytes() == blob
            assert item in store.search(np.frombuffer(blob, np.float32), k=2, metric="cosine").ids
