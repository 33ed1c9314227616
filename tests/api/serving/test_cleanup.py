"""What a crash leaves over is gone at the next start, and nothing else is."""

import math
import os
import threading
import time
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from api.serving import cleanup, engine
from retrieval import bundle as bundles
from retrieval.catalogue import Catalogue, Item
from retrieval.pictures import open_pictures
from retrieval.vectors.stores import EmbeddedStores
from tests.api.conftest import OpenApi, Shop
from tests.api.items.writes.test_add import FRESH, add, best_hit, files
from tests.support.bundles import DIMS, picture


@pytest.fixture(autouse=True)
def looking_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LOOK_SECONDS", 0.02)


def leave_draft(artifacts: Path) -> Path:
    """A file that was begun two hours ago, which goes when all pictures have been swept."""
    draft = artifacts / "images" / "ab" / ".x.jpg.0123.part"
    draft.parent.mkdir(parents=True, exist_ok=True)
    draft.touch()
    os.utime(draft, (time.time() - 7200,) * 2)
    return draft


def until_gone(draft: Path) -> None:
    """Wait until a server that has started has swept the pictures."""
    for _ in range(1000):
        if not draft.exists():
            return
        time.sleep(0.02)
    raise AssertionError("nothing was swept")


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
    fresh_draft = own_shop.artifacts / "images" / "ab" / ".y.jpg.0123.part"
    draft = leave_draft(own_shop.artifacts)
    fresh_draft.touch()
    client = open_api(artifacts=own_shop.artifacts)
    assert client.get("/readyz").json()["items"] == client.get("/items").json()["total"] == 61
    until_gone(draft)
    assert files(own_shop.artifacts) == before | {"images/ab/.y.jpg.0123.part"}  # it may be being written
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
    draft = leave_draft(own_shop.artifacts)
    open_api(artifacts=own_shop.artifacts)
    until_gone(draft)
    assert files(own_shop.artifacts) == set(strange)


def test_with_another_catalogue_nothing_is_swept(
    own_shop: Shop, open_api: OpenApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong setting must not cost anybody his pictures."""
    monkeypatch.setattr(cleanup, "PLAUSIBLE", 20)
    for number in range(21):
        leave_picture(own_shop.artifacts, picture(number))
    before = files(own_shop.artifacts)
    draft = leave_draft(own_shop.artifacts)
    client = open_api(artifacts=own_shop.artifacts, catalogue_url=f"sqlite:///{tmp_path / 'empty.sqlite'}")
    assert client.get("/items").json()["total"] == 0
    until_gone(draft)
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
    cleanup.sweep_pictures(
        open_pictures(own_shop.artifacts), catalogue, own_shop.artifacts, before=math.inf, stopping=threading.Event()
    )
    catalogue.close()
    assert files(own_shop.artifacts) == {location}


def test_a_picture_whose_item_is_yet_to_come_is_not_swept(own_shop: Shop) -> None:
    """Others add items while the pictures are swept: what is younger than the server is left alone."""
    began = time.time() - 100
    old, fresh = (leave_picture(own_shop.artifacts, data) for data in (picture(1), FRESH))
    os.utime(own_shop.artifacts / old, (began - 1,) * 2)
    with closing(Catalogue(bundles.catalogue_url(own_shop.artifacts))) as catalogue:
        cleanup.sweep_pictures(
            open_pictures(own_shop.artifacts), catalogue, own_shop.artifacts, before=began, stopping=threading.Event()
        )
    assert files(own_shop.artifacts) == {fresh}
