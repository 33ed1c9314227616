"""Ids in paths: what a proxy makes of them never changes, and never shows, another item than the one that is meant."""

from typing import Any
from urllib.parse import quote, unquote

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import OpenApi
from tests.api.test_errors import check_problem
from tests.support.bundles import Piece, picture, write_artifacts

IDS = ["victim", "x", "x/image", "x/thumbnail", "x/y", "a b"]
# What a client asks for, and what a proxy that normalises paths makes of it.
ATTACKS = ["x/../victim", "./victim", "/victim", "x/y/../../victim", "..//items/victim", "victim/."]


@pytest.fixture
def client(tmp_path_factory: pytest.TempPathFactory, open_api: OpenApi) -> TestClient:
    artifacts = tmp_path_factory.mktemp("paths")
    write_artifacts(artifacts, [Piece(name, picture(n), name, {}) for n, name in enumerate(IDS)])
    return open_api(artifacts=artifacts)


def normalised(item_id: str) -> str:
    """The path of an item behind a proxy that decodes, resolves `..`, and merges slashes."""
    segments: list[str] = []
    for segment in unquote(f"/items/{quote(item_id, safe='')}").split("/"):
        if segment == "..":
            segments.pop()
        elif segment not in ("", "."):
            segments.append(segment)
    return "/" + "/".join(quote(segment) for segment in segments)


@pytest.mark.parametrize("item_id", ATTACKS)
@pytest.mark.parametrize("method", ["DELETE", "PATCH"])
def test_no_path_alone_changes_an_item(client: TestClient, method: str, item_id: str) -> None:
    body: dict[str, Any] = {"json": {"label": "changed"}} if method == "PATCH" else {}
    own = f"id={quote(item_id, safe='')}"
    for path in (normalised(item_id), f"{normalised(item_id)}?{own}", f"/item?{own}", f"/items/{own[3:]}?{own}"):
        answer = client.request(method, path, **body)
        assert answer.status_code in (404, 405, 422), (path, answer.text)
    assert client.get("/item?id=victim").json()["label"] == "victim"


def test_a_change_by_path_names_the_item_again(client: TestClient) -> None:
    refused = client.delete("/items/victim")
    check_problem(refused, 422, "invalid_parameter")
    assert "DELETE /item?id=" in refused.json()["detail"]
    check_problem(client.patch("/items/victim?id=x", json={"label": "b"}), 422, "invalid_parameter")
    assert client.patch("/items/a%20b?id=a%20b", json={"label": "b"}).json()["label"] == "b"
    assert client.delete("/items/victim?id=victim").status_code == 204
    check_problem(client.get("/item?id=victim"), 404, "item_missing")


@pytest.mark.parametrize("part", ["image", "thumbnail"])
def test_a_path_that_may_mean_two_items_shows_neither(client: TestClient, part: str) -> None:
    check_problem(client.get(f"/items/x/{part}"), 422, "invalid_parameter")
    assert client.get(f"/item/{part}?id=x").status_code == 200
    assert client.get(f"/items/victim/{part}").status_code == 200
    assert client.get(f"/items/x%2F{part}").json()["id"] == f"x/{part}"
    assert client.get(f"/item?id=x/{part}").json()["id"] == f"x/{part}"
    assert client.get("/item/image?id=x").content == picture(IDS.index("x"))


def test_links_hold_the_id_in_the_query(client: TestClient) -> None:
    item = client.get("/item", params={"id": "x/image"}).json()
    assert item["image_url"] == "/item/image?id=x%2Fimage"
    assert item["thumbnail_url"] == "/item/thumbnail?id=x%2Fimage"
    for answer in (client.get("/items").json()["items"], client.post("/search", json={"id": "x"}).json()["hits"]):
        for each in answer:
            assert client.get(each["image_url"]).content == picture(IDS.index(each["id"]))


def test_an_address_below_items_that_is_none_tells_where_an_item_is(client: TestClient) -> None:
    answer = client.get("/items/x/y")
    check_problem(answer, 404, "not_found")
    assert "/item?id=" in answer.json()["detail"]
