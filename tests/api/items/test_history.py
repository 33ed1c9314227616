"""The history of an item: every way to describe it anew is kept, with who and when, and can be undone."""

from itertools import pairwise
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import OpenApi, Shop
from tests.api.search.test_query import ITEM
from tests.api.test_errors import check_problem
from tests.support.bundles import picture


@pytest.fixture
def api(own_shop: Shop, open_api: OpenApi) -> TestClient:
    """An API that may be written to."""
    return open_api(artifacts=own_shop.artifacts)


def described(item: dict[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in ("label", "attributes")}


def change(client: TestClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.patch("/item", params={"id": ITEM}, json=body)
    assert answer.status_code == 200, answer.text
    return described(answer.json())


def history(client: TestClient) -> list[dict[str, Any]]:
    changes: list[dict[str, Any]] = client.get("/item/history", params={"id": ITEM}).json()["changes"]
    return changes


def test_each_change_is_kept_with_what_was_before_and_after(api: TestClient) -> None:
    states = [described(api.get("/item", params={"id": ITEM}).json())]
    assert history(api) == []
    states.append(change(api, {"label": "jug"}))
    states.append(change(api, {"attributes": {"price": 9.5, "new": True}}))
    change(api, {"label": "jug"})  # which is no change
    put = api.put("/item", params={"id": ITEM}, files={"file": ("a.png", picture(400))}, data={"label": "cup"})
    assert put.status_code == 200, put.text
    states.append(described(put.json()))
    changes = history(api)[::-1]
    assert [(each["before"], each["after"]) for each in changes] == list(pairwise(states))
    assert {(each["by"], each["undoes"]) for each in changes} == {(None, None)}
    page, entries = api.get("/item/history", params={"id": ITEM, "limit": 2}).json(), []
    while True:
        entries += [each["entry"] for each in page["changes"]]
        if page["next"] is None:
            break
        page = api.get(page["next"]).json()
    assert entries == [each["entry"] for each in history(api)]


def test_a_change_is_undone_and_done_again(api: TestClient) -> None:
    before = described(api.get("/item", params={"id": ITEM}).json())
    after = change(api, {"label": "jug", "attributes": {"fresh": "yes"}})
    undone = api.post("/item/undo", json={"id": ITEM})
    assert described(undone.json()) == before
    assert undone.headers["ETag"] == api.get("/item", params={"id": ITEM}).headers["ETag"]
    assert history(api)[0]["undoes"] == history(api)[1]["entry"]
    assert api.post("/search", json={"text": "fresh yes"}).json()["hits"] == []
    assert described(api.post("/item/undo", json={"id": ITEM}).json()) == after


def test_nothing_that_came_later_is_lost(api: TestClient) -> None:
    change(api, {"label": "jug"})
    first = history(api)[0]["entry"]
    change(api, {"label": "cup"})
    check_problem(api.post("/item/undo", json={"id": ITEM, "entry": first}), 412, "precondition_failed")
    assert api.get("/item", params={"id": ITEM}).json()["label"] == "cup"
    api.post("/item/undo", json={"id": ITEM})
    assert api.post("/item/undo", json={"id": ITEM, "entry": first}).status_code == 200


@pytest.mark.parametrize("how", ["put", "delete and add"])
def test_words_of_one_picture_are_not_given_to_another(api: TestClient, how: str) -> None:
    after = change(api, {"label": "jug"})
    file = {"file": ("a.png", picture(401))}
    if how == "put":
        assert api.put("/item", params={"id": ITEM}, files=file).status_code == 200
    else:
        assert api.delete("/item", params={"id": ITEM}).status_code == 204
        added = api.post("/items", files=file, data={"id": ITEM, "label": "jug"})
        assert added.status_code == 201, added.text
        api.patch("/item", params={"id": ITEM}, json={"attributes": after["attributes"]})
        (latest, *_) = history(api)
        assert api.post("/item/undo", json={"id": ITEM, "entry": latest["entry"]}).status_code == 200
        api.post("/item/undo", json={"id": ITEM})
    entry = history(api)[-1]["entry"]
    now = api.get("/item", params={"id": ITEM}).json()
    refused = api.post("/item/undo", json={"id": ITEM, "entry": entry})
    check_problem(refused, 412, "precondition_failed")
    assert "another picture" in refused.json()["detail"]
    assert api.get("/item", params={"id": ITEM}).json() == now


def test_sent_again_with_its_key_it_is_undone_once(api: TestClient) -> None:
    change(api, {"label": "jug"})
    answers = [api.post("/item/undo", json={"id": ITEM}, headers={"Idempotency-Key": "undo-1"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len(history(api)) == 2


def test_what_cannot_be_undone_is_refused(client: TestClient) -> None:
    check_problem(client.post("/item/undo", json={"id": ITEM}), 404, "entry_missing")
    check_problem(client.post("/item/undo", json={"id": ITEM, "entry": "ab" * 16}), 404, "entry_missing")
    check_problem(client.post("/item/undo", json={"id": "absent"}), 404, "item_missing")
    check_problem(client.post("/item/undo", json={"id": ITEM, "entry": "x"}), 422, "invalid_parameter")
    check_problem(client.post("/item/undo", json={"id": ITEM, "label": "x"}), 422, "invalid_parameter")
    check_problem(client.get("/item/history"), 422, "invalid_parameter")
    assert client.get("/item/history", params={"id": "absent"}).json() == {"changes": [], "next": None}
