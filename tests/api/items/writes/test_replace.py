"""PUT /item: an item gets another picture, for every search at once, and keeps what is not said anew."""

import time
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pytest import MonkeyPatch

from api.items import add as add_module
from api.items import replace
from retrieval.errors import StorageUnavailable
from tests.api.conftest import OpenApi, Shop
from tests.api.items.writes.test_add import FRESH, add, best_hit, files, two_faces, url
from tests.api.test_errors import check_problem
from tests.support.bundles import Piece, face_stage, picture, pieces, portrait, write_artifacts

OTHER = picture(7900)
KEY = {"Idempotency-Key": "replace 1"}


@pytest.fixture
def client(own_shop: Shop, open_api: OpenApi) -> TestClient:
    return open_api(artifacts=own_shop.artifacts)


def put(
    client: TestClient, data: bytes, item_id: str = "a", headers: dict[str, str] | None = None, **fields: str
) -> Any:
    return client.put(url(item_id), files={"file": data}, data=fields, headers=headers)


def test_an_item_is_found_by_its_new_picture_and_not_by_the_old(client: TestClient, own_shop: Shop) -> None:
    first = add(client, FRESH, id="a", label="jug", attributes={"price": 3}).json()
    answer = put(client, OTHER, attributes='{"price": null, "stock": 7}')
    assert answer.status_code == 200, answer.text
    item = answer.json()
    assert (item["label"], item["attributes"], item["created"]) == ("jug", {"stock": 7}, first["created"])
    assert client.get("/item?id=a").json() == item
    assert client.get("/item/image?id=a").content == OTHER
    assert best_hit(client, OTHER)["id"] == "a"
    assert best_hit(client, FRESH)["id"] != "a"
    assert client.get("/items").json()["total"] == 61
    assert len(files(own_shop.artifacts)) == 1  # the old picture is gone


def test_the_group_of_a_face_goes_with_its_picture(client: TestClient) -> None:
    """It was concluded of what the picture showed."""
    add(client, FRESH, id="a", attributes={"face_group": "group-7", "price": 3})
    assert put(client, FRESH).json()["attributes"] == {"face_group": "group-7", "price": 3}
    assert put(client, OTHER).json()["attributes"] == {"price": 3}
    assert put(client, FRESH, attributes='{"face_group": "group-8"}').json()["attributes"]["face_group"] == "group-8"


def test_json_and_null_are_as_in_a_change(client: TestClient) -> None:
    add(client, FRESH, id="a", label="jug")
    body = {"image_base64": "UDUgMiAyIDI1NQoxMjM0", "label": None}
    assert client.put("/item?id=a", json=body).json()["label"] is None
    check_problem(client.put("/item?id=a", json={"label": "x"}), 422, "invalid_parameter")
    check_problem(put(client, FRESH, id="b"), 422, "invalid_parameter")
    check_problem(put(client, FRESH, "absent"), 404, "item_missing")
    check_problem(put(client, b"no picture"), 415, "unsupported_format")
    assert client.get("/item?id=a").json()["width"] == 2


def test_the_same_request_with_the_same_key_is_answered_as_the_first_time(client: TestClient) -> None:
    add(client, FRESH, id="a")
    first = put(client, OTHER, headers=KEY, label="x")
    client.patch("/item?id=a", json={"label": "changed"})
    again = put(client, OTHER, headers=KEY, label="x")
    assert (again.status_code, again.json()) == (200, first.json())
    assert client.get("/item?id=a").json()["label"] == "changed"
    check_problem(put(client, FRESH, headers=KEY, label="x"), 409, "idempotency_conflict")


def test_every_loaded_bundle_gets_the_new_vector(own_shop: Shop, open_api: OpenApi) -> None:
    write_artifacts(own_shop.artifacts, pieces(60), bundle_id="other", seed=8, publish=False)
    client = open_api(artifacts=own_shop.artifacts, bundles=["other"])
    while not all(bundle["loaded"] for bundle in client.get("/bundles").json()["bundles"]):
        time.sleep(0.01)
    item_id = min(own_shop.pieces)
    assert put(client, OTHER, item_id).status_code == 200
    for bundle in ("tiny", "other"):
        fields = {"metric": "euclidean", "k": "1", "bundle": bundle}
        hit = client.post("/search", files={"file": OTHER}, data=fields).json()["hits"][0]
        assert (hit["id"], hit["euclidean"]) == (item_id, pytest.approx(0, abs=1e-4))
    assert put(client, own_shop.pieces[item_id].data, item_id).status_code == 200
    assert best_hit(client, own_shop.pieces[item_id].data)["id"] == item_id


def test_what_cannot_be_written_leaves_the_item_as_it_was(client: TestClient, monkeypatch: MonkeyPatch) -> None:
    add(client, FRESH, id="a")
    upsert = add_module.upsert

    def fails(*arguments: Any) -> None:
        upsert(*arguments)
        raise StorageUnavailable("no disk")

    monkeypatch.setattr(replace, "upsert", fails)
    check_problem(put(client, OTHER), 503, "write_unavailable")
    monkeypatch.undo()
    assert best_hit(client, FRESH)["id"] == "a"
    assert best_hit(client, FRESH)["euclidean"] == pytest.approx(0, abs=1e-4)
    assert client.get("/item/image?id=a").content == FRESH
    assert put(client, OTHER).status_code == 200


def test_a_crash_between_vector_and_row_is_mended_at_the_next_start(
    own_shop: Shop, open_api: OpenApi, monkeypatch: MonkeyPatch
) -> None:
    client = open_api(artifacts=own_shop.artifacts)
    add(client, FRESH, id="a")
    rewrite = replace._rewrite

    def ends(*arguments: Any) -> None:
        rewrite(*arguments)
        raise StorageUnavailable("the end")

    with monkeypatch.context() as patch:
        patch.setattr(replace, "_put_back", lambda *_: None)  # as if the process had ended
        patch.setattr(replace, "remember", lambda *_: None)
        patch.setattr(replace, "_rewrite", ends)
        put(client, OTHER)
    again = open_api(artifacts=own_shop.artifacts)
    assert best_hit(again, FRESH)["euclidean"] == pytest.approx(0, abs=1e-4)


def test_where_every_face_is_an_item_the_faces_are_exchanged(tmp_path: Path, open_api: OpenApi) -> None:
    people = [Piece(f"person-{n}", portrait(n), None, {}) for n in range(12)]
    write_artifacts(tmp_path, people, faces=face_stage(which="all"))
    client = open_api(artifacts=tmp_path)
    assert add(client, two_faces(), id="couple", label="two").status_code == 201
    assert put(client, portrait(40), "couple").status_code == 200
    check_problem(client.get("/item?id=couple%232"), 404, "item_missing")
    assert client.get("/items").json()["total"] == 13
    assert put(client, two_faces(), "couple").status_code == 200
    assert client.get("/item?id=couple%232").json()["label"] == "two"
    check_problem(put(client, portrait(3, face=False), "couple"), 422, "face_missing")
    assert client.get("/items").json()["total"] == 14
    client.delete("/item?id=couple")
    add(client, portrait(41), id="couple")
    check_problem(put(client, two_faces(), "couple"), 409, "item_exists")
    assert client.get("/item/image?id=couple").content == portrait(41)
