"""Searches as links: the pages of a search, and what holds while the catalogue changes."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from fastapi.testclient import TestClient

from api.links import read_cursor, write_cursor
from retrieval.vectors.blending import expand
from tests.api.conftest import OpenApi, Shop
from tests.api.search.test_query import ITEM, METRICS, ask, ranking, untimed
from tests.api.search.test_search import delete_items, embed, measured
from tests.api.test_errors import check_problem
from tests.support import bundles
from tests.support.bundles import picture


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("group_by", [None, "label", "attributes.stock"])
def test_following_the_links_shows_everything_once(client: TestClient, metric: str, group_by: str | None) -> None:
    body: dict[str, Any] = {"k": 7, "metric": metric, "expand": 3, "filter": {"attributes": {"stock": {"lt": 50}}}}
    body |= {"group_by": group_by} if group_by else {}
    whole = ask(client, body | {"k": 100}, picture(5))
    pages = [ask(client, body, picture(5))]
    while pages[-1]["next"]:
        answer = client.get(pages[-1]["next"])
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
    hits = [hit for page in pages for hit in page["hits"]]
    assert hits == whole["hits"]
    assert {page["total"] for page in pages} == {whole["total"]}
    assert len(hits) == whole["total"]


@pytest.mark.parametrize("metric", METRICS)
def test_a_search_with_a_picture_is_a_link_too(client: TestClient, metric: str) -> None:
    """It needs no picture again, begins at the first hit, and lets everything be changed but the query."""
    answer = ask(client, {"k": 9, "metric": metric, "offset": 4}, picture(5))
    first = client.get(answer["link"]).json()
    expected = ask(client, {"k": 9, "metric": metric}, picture(5))
    assert untimed(first) == untimed(expected) | {"query": None}
    every: list[dict[str, Any]] = [
        {"metric": "euclidean"},
        {"metric": "fused"},
        {"metric": "cosine", "k": 3, "group_by": "label"},
    ]
    for changes in every:
        cursor = parse_qs(urlsplit(answer["link"]).query)["cursor"]
        other = client.get("/search", params={"cursor": cursor, **changes}).json()
        assert other["hits"] == ask(client, changes, picture(5))["hits"]


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_pages_stay_whole_while_items_vanish(own_shop: Shop, open_api: OpenApi, metric: str) -> None:
    """By offset, each deletion on the first page would push an unseen item from the second page to the first."""
    client = open_api(artifacts=own_shop.artifacts)
    before = ask(client, {"k": 60, "metric": metric}, picture(6))["hits"]
    first = ask(client, {"k": 10, "metric": metric}, picture(6))
    deleted = {hit["id"] for hit in before if hit["rank"] in (2, 5, 10, 13)}
    delete_items(own_shop, deleted)
    second = client.get(first["next"]).json()
    assert [hit["id"] for hit in second["hits"]] == [hit["id"] for hit in before[10:21] if hit["id"] not in deleted]
    assert [hit["rank"] for hit in second["hits"]] == list(range(11, 21))


@pytest.mark.parametrize("metric", METRICS)
def test_a_query_is_moved_towards_items_that_are_there(own_shop: Shop, open_api: OpenApi, metric: str) -> None:
    """The vectors of some that are gone are still in the store: others take their place."""
    client = open_api(artifacts=own_shop.artifacts)
    query = embed(own_shop, picture(6))
    nearest = [item for _, item in ranking(query, own_shop.vectors, metric)]
    deleted = set(nearest[:3])
    delete_items(own_shop, deleted)
    neighbours = [item for item in nearest if item not in deleted][:4]
    moved = expand(query, np.stack([own_shop.vectors[item] for item in neighbours]))
    expected = [item for _, item in ranking(moved, own_shop.vectors, metric) if item not in deleted]
    hits = ask(client, {"k": 9, "metric": metric, "expand": 4}, picture(6))["hits"]
    assert [hit["id"] for hit in hits] == expected[:9]
    assert hits[0]["cosine"] == pytest.approx(measured(moved, own_shop.vectors[hits[0]["id"]], "cosine"), abs=1e-5)


def test_a_search_with_an_item_is_a_link(client: TestClient) -> None:
    body: dict[str, Any] = {"id": ITEM, "k": 5, "metric": "euclidean", "filter": {"label": "label-1"}}
    posted = client.post("/search", json=body).json()
    linked = client.get("/search", params=body | {"filter": json.dumps(body["filter"])}).json()
    assert untimed(linked) == untimed(posted)
    assert ITEM not in [hit["id"] for hit in linked["hits"]]
    own = client.post("/search", json={"id": ITEM, "metric": "euclidean", "include_query": True}).json()["hits"][0]
    assert (own["id"], own["euclidean"], own["score"]) == (ITEM, 0, 1)


def test_a_page_of_another_bundle_is_gone(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    link = client.post("/search", json={"id": ITEM, "k": 5}).json()["next"]
    fields = read_cursor(link.partition("cursor=")[2])
    other = write_cursor(["another", *fields[1:]])
    check_problem(client.get("/search", params={"cursor": other}), 410, "cursor_expired")
    check_problem(client.get(link.replace("?", "?metric=euclidean&")), 422, "invalid_parameter")
    for place, value in ((3, float("nan")), (4, "\ud800"), (6, ["\ud800"]), (6, ["\0"]), (0, "\udfff")):
        nowhere = write_cursor([*fields[:place], value, *fields[place + 1 :]])
        check_problem(client.get("/search", params={"cursor": nowhere}), 422, "invalid_parameter")


def test_a_bundle_may_have_chosen_how_far_queries_are_moved(
    tmp_path: Path, open_api: OpenApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number counts where a request sends none, once: further pages go on with the query as it was moved."""
    plain = bundles.describe

    def described(bundle_id: str, **counts: int) -> dict[str, object]:
        return plain(bundle_id, **counts) | {"expansion": {"neighbours": 3, "gain": 0.02, "milliseconds": 0.4}}

    monkeypatch.setattr(bundles, "describe", described)
    bundles.write_artifacts(tmp_path, bundles.pieces(60))
    client = open_api(artifacts=tmp_path)
    of_bundle = ask(client, {"k": 40}, picture(6))
    assert of_bundle["hits"] == ask(client, {"k": 40, "expand": 3}, picture(6))["hits"]
    assert of_bundle["hits"] != ask(client, {"k": 40, "expand": 0}, picture(6))["hits"]
    first = ask(client, {"k": 20}, picture(6))
    assert [*first["hits"], *client.get(first["next"]).json()["hits"]] == of_bundle["hits"]
