"""Text that looks the same is the same at every door of the API: in labels, attributes, ids, filters and orders."""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.api.conftest import OpenApi, Shop
from tests.api.test_errors import check_problem
from tests.support.bundles import picture

NFC, NFD = "caf\u00e9", "cafe\u0301"
FAMILY = "👩\u200d👩\u200d👧"
SAME_AS_NFC = [NFC, NFD, f" {NFC}\u200b", f"\ufeff{NFD}\u00a0", f"caf\u200d{NFC[3]}", f"\u202a{NFC}\u202c"]


@pytest.fixture
def client(own_shop: Shop, open_api: OpenApi) -> TestClient:
    return open_api(artifacts=own_shop.artifacts)


def add(client: TestClient, number: int = 7001, **fields: Any) -> Response:
    encoded = base64.b64encode(picture(number)).decode()
    return client.post("/items", json={"image_base64": encoded, **fields})


def filtered(client: TestClient, filter_: dict[str, Any]) -> list[str]:
    answer = client.get("/items", params={"filter": json.dumps(filter_)})
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


@pytest.mark.parametrize("label", SAME_AS_NFC)
def test_a_label_is_kept_and_found_in_one_form(client: TestClient, label: str) -> None:
    answer = add(client, id="a", label=label, attributes={f"{label} ": label})
    assert (answer.status_code, answer.json()["label"]) == (201, NFC)
    assert answer.json()["attributes"] == {NFC: NFC}
    for written in SAME_AS_NFC:
        assert filtered(client, {"label": written}) == ["a"]
        assert filtered(client, {"label": [written, "x"]}) == ["a"]
        assert filtered(client, {"attributes": {written: written}}) == ["a"]
        assert filtered(client, {"label": {"gte": written, "lte": written}}) == ["a"]
        assert "a" not in filtered(client, {"label": {"not": written}})


@pytest.mark.parametrize("label", [NFC, NFD, f" {NFC}\u200b"])
def test_a_batch_a_form_and_a_change_are_the_same_doors(client: TestClient, label: str) -> None:
    data = picture(7001)
    form = client.post("/items", files={"file": data}, data={"id": "form", "label": label})
    assert form.json()["label"] == NFC
    line = json.dumps({"id": "line", "label": label, "image_base64": base64.b64encode(data).decode()})
    batch = client.post("/items/batch", content=line, headers={"Content-Type": "application/x-ndjson"})
    assert batch.status_code == 200, batch.text
    assert client.get("/item?id=line").json()["label"] == NFC
    changed = client.patch("/item?id=form", json={"label": label, "attributes": {label: label}})
    assert (changed.json()["label"], changed.json()["attributes"]) == (NFC, {NFC: NFC})
    gone = client.patch("/item?id=form", json={"attributes": {NFD: None}})
    assert gone.json()["attributes"] == {}


def test_an_id_is_found_in_either_form(client: TestClient) -> None:
    assert add(client, id=NFD).json()["id"] == NFC
    check_problem(add(client, 7002, id=NFC), 409, "item_exists")
    for written in (NFC, NFD):
        assert client.get(f"/item?id={quote(written)}").json()["id"] == NFC
        assert client.get(f"/item/image?id={quote(written)}").status_code == 200
        assert client.post("/search", json={"id": written, "k": 1}).status_code == 200
    assert client.patch(f"/item?id={quote(NFD)}", json={"label": "x"}).status_code == 200
    assert client.delete(f"/item?id={quote(NFD)}").status_code == 204


def test_orders_and_groups_are_named_in_either_form(client: TestClient) -> None:
    assert add(client, id="a", attributes={NFC: 1}).status_code == 201
    for written in (NFC, NFD):
        items = client.get("/items", params={"order": f"-attributes.{written}", "limit": 1}).json()["items"]
        assert [item["id"] for item in items] == ["a"]
        answer = client.post("/search", json={"id": "a", "k": 3, "group_by": f"attributes.{written}"})
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("label", ["", " ", "\u00a0", "\u200b", "\ufeff \u2060", "\t\n", "\u2800"])
def test_a_blank_label_is_refused(client: TestClient, label: str) -> None:
    check_problem(add(client, id="a", label=label), 422, "invalid_parameter")
    assert add(client, id="a", label="cup").status_code == 201
    check_problem(client.patch("/items/a", json={"label": label}), 422, "invalid_parameter")
    check_problem(client.patch("/items/a", json={"attributes": {label: 1}}), 422, "invalid_parameter")


@pytest.mark.parametrize(
    "label", [FAMILY, "🏴\U000e0067\U000e0062\U000e007f", "❤\ufe0f", "שלום", "\u0915\u094d\u200d\u0937", "🇩🇪"]
)
def test_emoji_and_every_script_are_printable(client: TestClient, label: str) -> None:
    answer = add(client, id=label, label=label)
    assert (answer.status_code, answer.json()["label"], answer.json()["id"]) == (201, label, label)
    assert filtered(client, {"label": label}) == [label]
    assert client.get(f"/item?id={quote(label)}").status_code == 200


def test_a_no_break_space_is_a_space(client: TestClient) -> None:
    assert add(client, id="a", label="rouge\u00a0vif").json()["label"] == "rouge vif"
    assert filtered(client, {"label": "rouge vif"}) == filtered(client, {"label": "rouge\u202fvif"}) == ["a"]


@pytest.mark.parametrize(
    ("character", "name"), [("\x07", "U+0007"), ("\n", "a line break"), ("\x1b", "U+001B"), ("\x7f", "U+007F")]
)
def test_what_cannot_be_printed_is_named(client: TestClient, character: str, name: str) -> None:
    answer = add(client, id="a", label=f"cup{character}s")
    check_problem(answer, 422, "invalid_parameter")
    assert name in answer.json()["detail"]


@pytest.mark.parametrize(
    "item_id", ["x/../victim", "../x", "./x", "x/.", "..\\x", "a//b", "/a", "a/", " a", "a ", "a\u200bb", "a\u00a0b"]
)
def test_ids_that_a_proxy_or_a_reader_would_take_for_others_are_refused(client: TestClient, item_id: str) -> None:
    check_problem(add(client, id=item_id), 422, "invalid_parameter")


def test_two_spellings_of_one_name_are_refused(client: TestClient) -> None:
    answer = add(client, id="a", attributes={NFC: 1, NFD: 2})
    check_problem(answer, 422, "invalid_parameter")
    assert "named twice" in answer.json()["detail"]
