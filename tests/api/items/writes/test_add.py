"""POST /items: what is added is there and found, once; and what cannot be is told why and leaves nothing."""

import base64
import errno
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from retrieval import images
from tests.api.conftest import OpenApi, Shop
from tests.api.test_errors import check_problem
from tests.support.bundles import Piece, face_stage, picture, png, portrait, write_artifacts

FRESH = picture(7001)
IDS = ["a/b c", "vases/花瓶 🏺.jpg", "x" * 128, "%2F#?&", "..a", "ü" * 128, "a#2"]


@pytest.fixture
def client(own_shop: Shop, open_api: OpenApi) -> TestClient:
    return open_api(artifacts=own_shop.artifacts)


def add(client: TestClient, data: bytes, headers: dict[str, str] | None = None, **fields: Any) -> Response:
    """As JSON."""
    body = {"image_base64": base64.b64encode(data).decode(), **fields}
    return client.post("/items", json=body, headers=headers)


def url(item_id: str) -> str:
    return f"/item?id={quote(item_id, safe='')}"


def best_hit(client: TestClient, data: bytes) -> dict[str, Any]:
    """The best hit for a picture, by the Euclidean distance, to which a long vector of the same direction is no tie."""
    answer = client.post("/search", files={"file": data}, data={"metric": "euclidean", "k": "1"})
    return answer.json()["hits"][0]


def files(artifacts: Path) -> set[str]:
    return {path.relative_to(artifacts).as_posix() for path in (artifacts / "images").rglob("*") if path.is_file()}


@pytest.mark.parametrize("item_id", IDS)
def test_what_is_added_is_there_and_found(client: TestClient, own_shop: Shop, item_id: str) -> None:
    attributes = {"price": 3.5, "glazed": True, "name": "ü 🏺", "stock": 2**60}
    answer = add(client, FRESH, id=item_id, label="fresh", attributes=attributes)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == url(item_id)
    item = answer.json()
    assert (item["id"], item["label"], item["attributes"]) == (item_id, "fresh", attributes)
    assert (item["width"], item["height"]) == (60, 44)
    assert client.get(answer.headers["location"]).json() == item
    assert client.get(item["image_url"]).content == FRESH
    hit = best_hit(client, FRESH)
    assert hit["id"] == item_id
    assert hit["euclidean"] == pytest.approx(0, abs=1e-4)
    digest = sha256(FRESH).hexdigest()
    assert files(own_shop.artifacts) == {f"images/{digest[:2]}/{digest}.jpg"}
    assert (own_shop.artifacts / f"images/{digest[:2]}/{digest}.jpg").read_bytes() == FRESH


def test_a_form_does_the_same(client: TestClient) -> None:
    fields = {"id": "form", "label": "fresh", "attributes": json.dumps({"price": 1, "sale": False})}
    answer = client.post("/items", files={"file": FRESH}, data=fields)
    assert answer.status_code == 201, answer.text
    assert answer.json()["attributes"] == {"price": 1, "sale": False}
    assert best_hit(client, FRESH)["id"] == "form"


def test_without_an_id_it_gets_that_of_its_content(client: TestClient) -> None:
    first = client.post("/items", files={"file": FRESH})
    assert (first.status_code, first.json()["id"]) == (201, sha256(FRESH).hexdigest()[:32])
    again = client.post("/items", files={"file": FRESH})
    assert (again.status_code, again.json()) == (200, first.json())


def test_an_id_is_taken_by_one_picture(client: TestClient, shop: Shop) -> None:
    known, other = list(shop.pieces.values())[:2]
    check_problem(add(client, other.data, id=known.id), 409, "item_exists")
    assert client.get("/item/image", params={"id": known.id}).content == known.data
    same = add(client, known.data, id=known.id)
    assert (same.status_code, same.json()["label"]) == (200, known.label)
    assert add(client, known.data, id="the same under another id").status_code == 201


def test_every_format_gets_its_own_ending(client: TestClient, own_shop: Shop) -> None:
    for number, format_ in enumerate(("JPEG", "PNG", "WEBP", "GIF", "BMP", "PPM")):
        assert add(client, picture(7100 + number, format_=format_), id=format_).status_code == 201
    endings = {name.rpartition(".")[2] for name in files(own_shop.artifacts)}
    assert endings == {"jpg", "png", "webp", "gif", "bmp", "pnm"}


def test_it_outlives_the_server(own_shop: Shop, open_api: OpenApi) -> None:
    assert add(open_api(artifacts=own_shop.artifacts), FRESH, id="kept").status_code == 201
    another = open_api(artifacts=own_shop.artifacts)
    assert best_hit(another, FRESH)["id"] == "kept"


ENCODED = base64.b64encode(FRESH).decode()
REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "no picture": ({"id": "a"}, 422, "invalid_parameter"),
    "no Base64": ({"image_base64": "canary-4711!"}, 422, "invalid_parameter"),
    "no format": ({"image_base64": base64.b64encode(b"canary-4711").decode()}, 415, "unsupported_format"),
    "half a picture": ({"image_base64": base64.b64encode(FRESH[:700]).decode()}, 422, "broken_image"),
    "an empty id": ({"image_base64": ENCODED, "id": ""}, 422, "invalid_parameter"),
    "a long id": ({"image_base64": ENCODED, "id": "x" * 129}, 422, "invalid_parameter"),
    "an unprintable id": ({"image_base64": ENCODED, "id": "canary-4711\n"}, 422, "invalid_parameter"),
    "a folder's id": ({"image_base64": ENCODED, "id": ".."}, 422, "invalid_parameter"),
    "a number as label": ({"image_base64": ENCODED, "label": 7}, 422, "invalid_parameter"),
    "NUL in a label": ({"image_base64": ENCODED, "label": "a\0"}, 422, "invalid_parameter"),
    "a list in attributes": ({"image_base64": ENCODED, "attributes": {"a": [1]}}, 422, "invalid_parameter"),
    "null in attributes": ({"image_base64": ENCODED, "attributes": {"a": None}}, 422, "invalid_parameter"),
    "an unnamed attribute": ({"image_base64": ENCODED, "attributes": {"": 1}}, 422, "invalid_parameter"),
    "a number too large": ({"image_base64": ENCODED, "attributes": {"a": 2**63}}, 422, "invalid_parameter"),
    "many attributes": (
        {"image_base64": ENCODED, "attributes": {str(n): n for n in range(101)}},
        422,
        "invalid_parameter",
    ),
    "unknown field": ({"image_base64": ENCODED, "canary-4711": 1}, 422, "invalid_parameter"),
}


@pytest.mark.parametrize("data", [b"path,label", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_what_is_wrong_with_a_picture_is_told_in_a_sentence(client: TestClient, data: bytes) -> None:
    detail = client.post("/items", files={"file": data}).json()["detail"]
    assert detail[0].isupper()
    assert detail.endswith(".")
    assert not detail.endswith("..")


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_added_leaves_nothing(client: TestClient, own_shop: Shop, name: str) -> None:
    body, status, code = REFUSED[name]
    check_problem(client.post("/items", json=body), status, code)
    assert client.get("/items").json()["total"] == 60
    assert files(own_shop.artifacts) == set()


def test_attributes_that_are_no_json_are_refused(client: TestClient) -> None:
    for text in ("{", '{"a": NaN}', "null", '{"a": "\\ud800"}'):
        answer = client.post("/items", files={"file": FRESH}, data={"attributes": text})
        check_problem(answer, 422, "invalid_parameter")


def test_a_full_disk_is_told_and_leaves_nothing(
    client: TestClient, own_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "fsync", full)
    check_problem(add(client, FRESH, id="a"), 507, "storage_full")
    monkeypatch.undo()
    assert files(own_shop.artifacts) == set()
    assert add(client, FRESH, id="a").status_code == 201


KEY = {"Idempotency-Key": "order 4711/2"}


def test_the_same_request_with_the_same_key_is_answered_as_the_first_time(client: TestClient) -> None:
    first = add(client, FRESH, KEY, id="once", label="a")
    assert first.status_code == 201
    client.patch("/item?id=once", json={"label": "changed"})
    again = add(client, FRESH, KEY, id="once", label="a")
    assert (again.status_code, again.json(), again.headers["location"]) == (
        201,
        first.json(),
        first.headers["location"],
    )
    form = client.post("/items", files={"file": FRESH}, data={"id": "once", "label": "a"}, headers=KEY)
    assert (form.status_code, form.json()) == (201, first.json())
    client.delete("/item?id=once")
    assert add(client, FRESH, KEY, id="once", label="a").status_code == 201  # nothing is added by it
    assert client.get("/item?id=once").status_code == 404


def test_a_key_is_for_one_request(client: TestClient) -> None:
    assert add(client, FRESH, KEY, id="once").status_code == 201
    for data, fields in ((FRESH, {"id": "twice"}), (FRESH, {"id": "once", "label": "b"}), (picture(1), {"id": "once"})):
        check_problem(add(client, data, KEY, **fields), 409, "idempotency_conflict")


def test_what_was_there_already_is_remembered_too_and_a_refusal_is_not(client: TestClient, shop: Shop) -> None:
    piece = next(iter(shop.pieces.values()))
    assert add(client, piece.data, KEY, id=piece.id).status_code == 200
    client.delete(url(piece.id))
    assert add(client, piece.data, KEY, id=piece.id).status_code == 200
    other = {"Idempotency-Key": "other"}
    assert add(client, b"no picture", other).status_code == 415
    assert add(client, FRESH, other).status_code == 201


def test_keys_are_printable_and_short(client: TestClient) -> None:
    for key in ("", " ", "x" * 129, "a\tb"):
        check_problem(add(client, FRESH, {"Idempotency-Key": key}), 422, "invalid_parameter")


def test_many_who_add_the_same_at_once_add_it_once(client: TestClient) -> None:
    def send(_: int) -> Response:
        return add(client, FRESH, KEY, id="race")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(16)))
    assert {answer.status_code for answer in answers} == {201}
    assert client.get("/items").json()["total"] == 61
    with ThreadPoolExecutor(8) as pool:
        others = list(pool.map(lambda n: add(client, picture(7200 + n), id="other race").status_code, range(8)))
    assert sorted(others) == [201, *[409] * 7]
    assert client.get("/items").json()["total"] == 62


def test_every_loaded_bundle_gets_the_vector(own_shop: Shop, open_api: OpenApi) -> None:
    write_artifacts(own_shop.artifacts, list(own_shop.pieces.values()), bundle_id="other", seed=8, publish=False)
    client = open_api(artifacts=own_shop.artifacts, bundles=["other"])
    while not all(bundle["loaded"] for bundle in client.get("/bundles").json()["bundles"]):
        time.sleep(0.01)
    add(client, FRESH, id="new")
    for bundle in ("tiny", "other"):
        fields = {"metric": "euclidean", "k": "1", "bundle": bundle}
        hit = client.post("/search", files={"file": FRESH}, data=fields).json()["hits"][0]
        assert (hit["id"], hit["euclidean"]) == ("new", pytest.approx(0, abs=1e-4))


def two_faces() -> bytes:
    """Two portraits side by side."""
    return png(np.hstack([images.decode(portrait(seed)) for seed in (31, 32)]))


def test_every_face_becomes_an_item_where_every_face_is_one(tmp_path: Path, open_api: OpenApi) -> None:
    people = [Piece(f"person-{n}", portrait(n), None, {}) for n in range(12)]
    write_artifacts(tmp_path, people, faces=face_stage(which="all"))
    client = open_api(artifacts=tmp_path)
    assert len(client.post("/faces", files={"file": two_faces()}).json()["faces"]) == 2
    assert add(client, two_faces(), id="couple").json()["id"] == "couple"
    assert {item["id"] for item in client.get("/items").json()["items"]} >= {"couple", "couple#2"}
    for face, item_id in ((1, "couple"), (2, "couple#2")):
        fields = {"face": str(face), "metric": "euclidean", "k": "1"}
        hit = client.post("/search", files={"file": two_faces()}, data=fields).json()["hits"][0]
        assert (hit["id"], hit["euclidean"]) == (item_id, pytest.approx(0, abs=1e-4))
    check_problem(add(client, two_faces(), id="x" * 127), 422, "invalid_parameter")
    check_problem(add(client, portrait(90), id="couple#3"), 422, "invalid_parameter")
    assert client.delete("/item?id=couple").status_code == 204
    assert client.get("/item/image?id=couple%232").content == two_faces()  # it is still the other one's
    check_problem(add(client, two_faces(), id="couple"), 409, "item_exists")
    assert client.get("/items").json()["total"] == 13


def test_a_picture_without_a_face_is_refused_where_faces_are_compared(tmp_path: Path, open_api: OpenApi) -> None:
    people = [Piece(f"person-{n}", portrait(n), None, {}) for n in range(12)]
    write_artifacts(tmp_path, people, faces=face_stage())
    client = open_api(artifacts=tmp_path)
    check_problem(add(client, portrait(3, face=False)), 422, "face_missing")
    assert add(client, two_faces(), id="couple").status_code == 201
    assert client.get("/items").json()["total"] == 13
