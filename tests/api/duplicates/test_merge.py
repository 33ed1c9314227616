"""POST /duplicates/merge: one copy is kept with what is known of all, and the others can be restored."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import OpenApi, Shop
from tests.support.bundles import picture


@pytest.fixture
def api(own_shop: Shop, open_api: OpenApi) -> TestClient:
    return open_api(artifacts=own_shop.artifacts)


def add(api: TestClient, item_id: str, **fields: str) -> None:
    answer = api.post("/items", data={"id": item_id, **fields}, files={"file": picture(77)})
    assert answer.status_code == 201


def test_the_kept_one_gets_what_is_known_of_the_others(api: TestClient) -> None:
    add(api, "kept", attributes='{"price": 1, "shape": "jug"}')
    add(api, "second", label="jug", attributes='{"price": 2, "stock": 2}')
    add(api, "third", label="vase", attributes='{"stock": 3, "glaze": "red"}')
    answer = api.post("/duplicates/merge", json={"keep": "kept", "delete": ["second", "third"]})
    assert (answer.status_code, answer.json()["deleted"]) == (200, 2)
    kept = api.get("/item?id=kept").json()
    assert answer.json()["item"] == kept
    assert kept["label"] == "jug"
    assert kept["attributes"] == {"price": 1, "shape": "jug", "stock": 2, "glaze": "red"}
    assert {entry["id"] for entry in api.get("/bin").json()["entries"]} == {"second", "third"}
    assert api.post("/bin/restore", json={"ids": ["second", "third"]}).json() == {"restored": 2}
    assert api.get("/item?id=third").json()["label"] == "vase"


def test_a_merge_is_done_whole_or_refused(api: TestClient) -> None:
    add(api, "kept")
    add(api, "other", label="jug")
    for keep, delete, place in [("kept", ["other", "absent"], "delete[1]"), ("absent", ["other"], "")]:
        refused = api.post("/duplicates/merge", json={"keep": keep, "delete": delete})
        assert (refused.status_code, refused.json()["code"]) == (404, "item_missing")
        assert refused.json()["detail"].startswith(place)
    add(api, "full", attributes=json.dumps({str(n): 1 for n in range(100)}))
    api.patch("/item?id=kept", json={"attributes": {"more": 1}})
    assert (
        api.post("/duplicates/merge", json={"keep": "kept", "delete": ["full"]}).json()["code"] == "invalid_parameter"
    )
    assert api.get("/item?id=kept").json()["label"] is None
    assert api.get("/items").json()["total"] == 63


@pytest.mark.parametrize(
    "body", [{}, {"keep": "a"}, {"keep": "a", "delete": []}, {"keep": "a", "delete": ["a"]}, {"delete": ["a"]}]
)
def test_a_body_that_is_not_understood_is_refused(api: TestClient, body: dict[str, Any]) -> None:
    assert api.post("/duplicates/merge", json=body).json()["code"] == "invalid_parameter"


def test_the_same_request_again_is_answered_alike(api: TestClient) -> None:
    add(api, "kept")
    add(api, "other")
    headers = {"Idempotency-Key": "merge-1"}
    body = {"keep": "kept", "delete": ["other"]}
    first, again = (api.post("/duplicates/merge", json=body, headers=headers) for _ in range(2))
    assert first.json() == again.json()
    assert first.json()["deleted"] == 1
