"""Many items are changed at once, all or none, and the whole change is undone."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import OpenApi, Shop
from tests.api.test_errors import check_problem
from tests.support.bundles import picture


@pytest.fixture
def api(own_shop: Shop, open_api: OpenApi) -> TestClient:
    """An API that may be written to."""
    return open_api(artifacts=own_shop.artifacts)


def everything(client: TestClient) -> dict[str, Any]:
    """Label and attributes of all items, by id."""
    items = client.get("/items", params={"limit": 200}).json()["items"]
    return {item["id"]: (item["label"], item["attributes"]) for item in items}


def change(client: TestClient, **body: Any) -> dict[str, Any]:
    answer = client.post("/items/change", json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def undo(client: TestClient, name: str) -> dict[str, Any]:
    answer = client.post("/items/undo", json={"change": name})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_a_list_is_changed_and_nothing_else(api: TestClient) -> None:
    before = everything(api)
    ids = list(before)[2:5]
    told = change(api, ids=ids, label="jug", attributes={"checked": True, "price": None})
    assert (told["matching"], told["changed"]) == (3, 3)
    after = everything(api)
    for item_id, (label, attributes) in before.items():
        expected = {name: value for name, value in attributes.items() if name != "price"} | {"checked": True}
        assert after[item_id] == (("jug", expected) if item_id in ids else (label, attributes))
    changes = api.get("/item/history", params={"id": ids[0]}).json()["changes"]
    assert [each["after"]["label"] for each in changes] == ["jug"]
    assert undo(api, told["change"]) | {"change": None} == {"matching": 3, "changed": 3, "change": None}
    assert everything(api) == before


def test_what_a_filter_lets_through_is_counted_then_changed_and_undone_twice(api: TestClient) -> None:
    before = everything(api)
    label = next(label for label, _ in before.values() if label)
    of_label = [item_id for item_id, (known, _) in before.items() if known == label]
    body = {"filter": {"label": label}, "label": "jug"}
    assert change(api, **body, dry_run=True) == {"matching": len(of_label), "changed": 0, "change": None}
    assert everything(api) == before
    told = change(api, **body)
    assert (told["matching"], told["changed"]) == (len(of_label), len(of_label))
    after = everything(api)
    again = undo(api, told["change"])
    assert everything(api) == before
    assert undo(api, again["change"])["changed"] == len(of_label)
    assert everything(api) == after


def test_what_was_changed_again_or_deleted_since_stays_as_it_is(api: TestClient) -> None:
    before = everything(api)
    first, second, third = list(before)[:3]
    told = change(api, ids=[first, second, third], label="jug")
    api.patch("/item", params={"id": first}, json={"label": "cup"})
    api.delete("/item", params={"id": second})
    undone = undo(api, told["change"])
    assert (undone["matching"], undone["changed"]) == (3, 1)
    assert everything(api)[first][0] == "cup"
    assert everything(api)[third] == before[third]


def test_another_picture_under_an_id_of_the_change_stays_as_it_is(api: TestClient) -> None:
    first, second = list(everything(api))[:2]
    told = change(api, ids=[first, second], label="jug")
    kept = api.get("/item", params={"id": first}).json()["attributes"]
    api.delete("/item", params={"id": first})
    fields = {"id": first, "label": "jug", "attributes": json.dumps(kept)}
    assert api.post("/items", files={"file": picture(411)}, data=fields).status_code == 201
    assert undo(api, told["change"])["changed"] == 1
    assert everything(api)[first][0] == "jug"


def test_what_is_like_this_already_is_no_change(api: TestClient) -> None:
    item_id, (label, _) = next(iter(everything(api).items()))
    assert change(api, ids=[item_id], label=label) == {"matching": 1, "changed": 0, "change": None}


def test_all_or_none(api: TestClient) -> None:
    before = everything(api)
    ids = [next(iter(before)), "nobody's"]
    answer = api.post("/items/change", json={"ids": ids, "label": "jug"})
    check_problem(answer, 404, "item_missing")
    assert "ids[1]" in answer.json()["detail"]
    assert everything(api) == before


@pytest.mark.parametrize(
    "body",
    [
        {"label": "jug"},
        {"ids": ["a"], "filter": {}, "label": "jug"},
        {"ids": ["a", "a"], "label": "jug"},
        {"ids": ["a"]},
        {"ids": [], "label": "jug"},
        {"ids": ["a"], "attributes": {}},
        {"ids": ["a"], "label": "two\nlines"},
    ],
)
def test_what_says_too_little_or_too_much_is_refused(api: TestClient, body: dict[str, Any]) -> None:
    check_problem(api.post("/items/change", json=body), 422, "invalid_parameter")


def test_an_unknown_change_cannot_be_undone(api: TestClient) -> None:
    check_problem(api.post("/items/undo", json={"change": "0" * 22}), 404, "entry_missing")


def test_sent_again_it_is_answered_alike_and_does_nothing(api: TestClient) -> None:
    headers, body = {"Idempotency-Key": "k-1"}, {"filter": {}, "attributes": {"checked": True}}
    first = api.post("/items/change", json=body, headers=headers)
    api.post("/items/undo", json={"change": first.json()["change"]})
    assert api.post("/items/change", json=body, headers=headers).json() == first.json()
    assert not any("checked" in attributes for _, attributes in everything(api).values())
