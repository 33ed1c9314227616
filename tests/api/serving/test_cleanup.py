"""What a crash leaves over is gone at the next start, and nothing else is."""

import os
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from api.serving import cleanup
from retrieval import bundle as bundles
from retrieval.catalogue import Catalogue, Item
from retrieval.pictures import open_pictures
from retrieval.vectors.stores import EmbeddedStores
from tests.api.conftest import OpenApi, Shop
from tests.api.items.writes.test_add import FRESH, add, best_hit, files
from tests.support.bundles import DIMS, picture


def leave_picture(artifacts: Path, data: bytes) -> str:
    """A picture without an item, as a crash before the commit leaves it."""
    digest = sha256(data).hexdigest()
    location = f"images/{digest[:2]}/{digest}.jpg"
    (artifacts / location).parent.mkdir(parents=True, exist_ok=True)
    (artifacts / location).write_bytes(data)
    return location


def leave_vectors(artifacts: Path, *ids: str, replacing: bool = False) -> None:
    """Vectors without items, or with `replacing` in place of all others."""
    bundle = bundles.load(bundles.bundle_path(artifacts, "tiny"))
    store = EmbeddedStores(artifacts).open("tiny", bundle.clusters)
    if replacing:
        store.delete(store.ids())
    store.upsert(ids, np.ones((len(ids), DIMS), np.float32))
    store.close()


def test_left_overs_are_swept_at_the_start(own_shop: Shop, open_api: OpenApi) -> None:
    client = open_api(artifacts=own_shop.artifacts)
    answer = client.get(add(client, FRESH, id="kept").headers["location"]).json()
    before = files(own_shop.artifacts)
    leave_picture(own_shop.artifacts, picture(1))
    leave_vectors(own_shop.artifacts, "never", "was added")
    draft = own_shop.artifacts / "images" / "ab" / ".x.jpg.0123.part"
    draft.parent.mkdir(exist_ok=True)
    draft.touch()
    client = open_api(artifacts=own_shop.artifacts)
    assert client.get("/readyz").json()["items"] == client.get("/items").json()["total"] == 61
    assert files(own_shop.artifacts) == before | {"images/ab/.x.jpg.0123.part"}  # it may be being written
    os.utime(draft, (time.time() - 7200,) * 2)
    client = open_api(artifacts=own_shop.artifacts)
    assert files(own_shop.artifacts) == before
    assert client.get("/item?id=kept").json() == answer
    assert best_hit(client, FRESH)["id"] == "kept"


def test_an_item_that_lost_its_vector_is_embedded_at_the_start(own_shop: Shop, open_api: OpenApi) -> None:
    client = open_api(artifacts=own_shop.artifacts)
    add(client, FRESH, id="added")
    leave_vectors(own_shop.artifacts, replacing=True)
    client = open_api(artifacts=own_shop.artifacts)
    assert client.get("/readyz").json()["items"] == 61
    assert best_hit(client, FRESH)["id"] == "added"


def test_files_that_are_not_ours_stay(own_shop: Shop, open_api: OpenApi) -> None:
    strange = ["images/notes.txt", "images/ab/notes.txt", f"images/ab/{'cd' * 32}.jpg", "images/ab/deep/er.jpg"]
    for name in strange:
        (own_shop.artifacts / name).parent.mkdir(parents=True, exist_ok=True)
        (own_shop.artifacts / name).touch()
    open_api(artifacts=own_shop.artifacts)
    assert files(own_shop.artifacts) == set(strange)


def test_with_another_catalogue_nothing_is_swept(
    own_shop: Shop, open_api: OpenApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong setting must not cost anybody his pictures."""
    monkeypatch.setattr(cleanup, "PLAUSIBLE", 20)
    for number in range(21):
        leave_picture(own_shop.artifacts, picture(number))
    before = files(own_shop.artifacts)
    client = open_api(artifacts=own_shop.artifacts, catalogue_url=f"sqlite:///{tmp_path / 'empty.sqlite'}")
    assert client.get("/items").json()["total"] == 0
    assert files(own_shop.artifacts) == before
    client = open_api(artifacts=own_shop.artifacts)
    assert client.get("/readyz").json()["items"] == client.get("/items").json()["total"] == 60


def test_the_vectors_of_a_release_that_is_not_finished_stay(own_shop: Shop, open_api: OpenApi) -> None:
    leave_vectors(own_shop.artifacts, "yet to come")
    pending = bundles.pending_path(own_shop.artifacts, "tiny")
    pending.parent.mkdir()
    pending.touch()
    assert open_api(artifacts=own_shop.artifacts).get("/readyz").json()["items"] == 61
    pending.unlink()
    assert open_api(artifacts=own_shop.artifacts).get("/readyz").json()["items"] == 60


def test_a_picture_that_gets_its_item_meanwhile_is_not_swept(own_shop: Shop) -> None:
    location = leave_picture(own_shop.artifacts, FRESH)
    catalogue = Catalogue(bundles.catalogue_url(own_shop.artifacts))
    with catalogue.writing() as rows:
        assert rows.unnamed([location]) == {location}
        rows.insert([Item("a", location, sha256(FRESH).hexdigest(), "image/jpeg", 60, 44, None, {}, "api")])
    cleanup.sweep_pictures(open_pictures(own_shop.artifacts), catalogue)
    catalogue.close()
    assert files(own_shop.artifacts) == {location}
