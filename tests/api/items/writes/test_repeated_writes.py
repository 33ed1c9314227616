"""Writes that are sent again, or for a version that is gone: done once or refused, never only answered as if done."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import OpenApi, Shop
from tests.api.items.writes.test_add import FRESH, add
from tests.api.test_errors import check_problem
from tests.support.bundles import picture

KEY = {"Idempotency-Key": "order 4711/3"}


@pytest.fixture
def client(own_shop: Shop, open_api: OpenApi) -> TestClient:
    client = open_api(artifacts=own_shop.artifacts)
    add(client, FRESH, id="a", label="jug", attributes={"price": 3, "sale": True})
    return client


@pytest.mark.parametrize(
    "fields",
    [
        {"label": "bowl"},
        {"attributes": {"price": 4}},
        {"attributes": {"price": "3"}},
        {"attributes": {"sale": 1}},
        {"attributes": {"price": 3, "new": 1}},
    ],
)
def test_the_same_picture_with_another_description_is_refused(client: TestClient, fields: dict[str, Any]) -> None:
    before = client.get("/item?id=a").json()
    refused = add(client, FRESH, id="a", **fields)
    check_problem(refused, 409, "item_exists")
    assert "PATCH /item" in refused.json()["detail"]
    assert client.get("/item?id=a").json() == before


@pytest.mark.parametrize("fields", [{}, {"label": "jug"}, {"label": " jug "}, {"attributes": {"price": 3}}])
def test_what_says_nothing_new_is_there_already(client: TestClient, fields: dict[str, Any]) -> None:
    answer = add(client, FRESH, id="a", **fields)
    assert (answer.status_code, answer.json()) == (200, client.get("/item?id=a").json())


def test_a_change_with_a_key_happens_once(client: TestClient) -> None:
    first = client.patch("/item?id=a", json={"label": "x"}, headers=KEY)
    client.patch("/item?id=a", json={"label": "y"})
    again = client.patch("/item?id=a", json={"label": "x"}, headers=KEY)
    assert (again.status_code, again.json()) == (200, first.json())
    assert client.get("/item?id=a").json()["label"] == "y"
    for other in ({"label": "z"}, {"label": "x", "attributes": {}}):
        check_problem(client.patch("/item?id=a", json=other, headers=KEY), 409, "idempotency_conflict")
    check_problem(client.delete("/item?id=a", headers=KEY), 409, "idempotency_conflict")


def test_a_deletion_with_a_key_happens_once(client: TestClient) -> None:
    assert client.delete("/item?id=a", headers=KEY).status_code == 204
    add(client, FRESH, id="a")
    assert client.delete("/item?id=a", headers=KEY).status_code == 204
    assert client.get("/item?id=a").status_code == 200  # it is another one of the same id
    many = {"Idempotency-Key": "many"}
    body = {"filter": {"label": "label-1"}}
    first = client.post("/items/delete", json=body, headers=many)
    assert first.json()["deleted"] > 0
    assert client.post("/items/delete", json=body, headers=many).json() == first.json()
    by_filter = {"Idempotency-Key": "filter"}
    first = client.delete("/items", params={"filter": '{"label": "label-2"}'}, headers=by_filter)
    assert client.delete("/items", params={"filter": '{"label": "label-2"}'}, headers=by_filter).json() == first.json()
    check_problem(client.delete("/items", params={"filter": "{}"}, headers=by_filter), 409, "idempotency_conflict")
    assert client.get("/items").json()["total"] > 0


def change(client: TestClient, how: str, headers: dict[str, str]) -> Any:
    match how:
        case "patch":
            return client.patch("/item?id=a", json={"label": "x"}, headers=headers)
        case "put":
            return client.put("/item?id=a", files={"file": picture(7901)}, headers=headers)
        case _:
            return client.delete("/item?id=a", headers=headers)


@pytest.mark.parametrize("how", ["patch", "put", "delete"])
def test_a_change_is_only_for_the_version_that_it_names(client: TestClient, how: str) -> None:
    etag = client.get("/item?id=a").headers["etag"]
    assert client.get("/item?id=a", headers={"If-None-Match": etag}).status_code == 304
    changed = client.patch("/item?id=a", json={"attributes": {"price": 5}})
    assert changed.headers["etag"] == client.get("/item?id=a").headers["etag"] != etag
    before = client.get("/item?id=a").json()
    for stale in (etag, f"W/{etag}", f'"x", {etag}'):
        check_problem(change(client, how, {"If-Match": stale}), 412, "precondition_failed")
    assert client.get("/item?id=a").json() == before
    assert change(client, how, {"If-Match": f'"x", {changed.headers["etag"]}'}).is_success


def test_conditions_that_are_not_honoured_are_refused(client: TestClient) -> None:
    for name in ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"):
        headers = {name: "*"}
        body: dict[str, Any] = {"filter": {}}
        answers = [
            client.post("/items", files={"file": picture(7902)}, headers=headers),
            client.post("/items/batch", content="", headers=headers | {"Content-Type": "application/x-ndjson"}),
            client.post("/items/delete", json=body, headers=headers),
            client.delete("/items?filter={}", headers=headers),
        ]
        if name != "If-Match":
            answers += [change(client, how, headers) for how in ("patch", "put", "delete")]
        for answer in answers:
            check_problem(answer, 422, "invalid_parameter")
            assert answer.json()["detail"].startswith(f"{name}: ")
    assert client.get("/items").json()["total"] == 61


def test_items_are_deleted_by_a_list_all_or_none(client: TestClient, own_shop: Shop) -> None:
    ids = sorted(own_shop.pieces)[:3]
    refused = client.post("/items/delete", json={"ids": [ids[0], "absent", ids[1], "gone"]})
    check_problem(refused, 404, "item_missing")
    assert refused.json()["detail"].startswith("ids[1], ids[3]: ")
    check_problem(client.post("/items/delete", json={"ids": ["absent"], "dry_run": True}), 404, "item_missing")
    counted = client.post("/items/delete", json={"ids": ids, "dry_run": True}).json()
    assert counted == {"matching": 3, "deleted": 0}
    assert client.get("/items").json()["total"] == 61
    assert client.post("/items/delete", json={"ids": ids}).json() == {"matching": 3, "deleted": 3}
    assert client.get("/items").json()["total"] == 58
    hits = client.post("/search", files={"file": own_shop.pieces[ids[0]].data}, data={"k": "100"}).json()["hits"]
    assert not {hit["id"] for hit in hits} & set(ids)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "exactly one of ids and filter"),
        ({"ids": ["a"], "filter": {}}, "exactly one of ids and filter"),
        ({"ids": []}, "ids: must not be empty"),
        ({"ids": ["a", "b", "a"]}, "named twice"),
        ({"ids": "a"}, "ids: must be a list"),
        ({"ids": ["a"], "dryrun": True}, "did you mean dry_run?"),
        ({"filter": {"lable": "x"}}, "did you mean label?"),
    ],
)
def test_a_deletion_that_is_not_clear_deletes_nothing(client: TestClient, body: dict[str, Any], words: str) -> None:
    refused = client.post("/items/delete", json=body)
    check_problem(refused, 422, "invalid_parameter")
    assert words in refused.json()["detail"]
    assert client.get("/items").json()["total"] == 61


def test_a_key_that_cannot_be_used_is_named(client: TestClient) -> None:
    answer = client.patch("/item?id=a", json={"label": "b"}, headers={"Idempotency-Key": ""})
    check_problem(answer, 422, "invalid_parameter")
    assert answer.json()["detail"] == "Idempotency-Key: must not be empty."
