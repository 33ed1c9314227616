"""Browsing: filters and order, clusters, and what the map is drawn from."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.frontend.fake_api import FakeApi, as_json, problem
from tests.frontend.fake_catalogue import IDS, fill
from tests.frontend.pages.search.test_page import links


@pytest.fixture(autouse=True)
def catalogue(api: FakeApi) -> FakeApi:
    return fill(api)


def requested_items(api: FakeApi) -> dict[str, Any]:
    return next(request.json for request in api.requests if request.target == "/items/list")


def test_pictures_lead_to_their_pages_and_to_their_likes(page: FlaskClient) -> None:
    html = page.get("/browse/").text
    assert "1,200 pictures" in html
    for name in IDS:
        assert f"/items/?id={name}" in links(html)
        assert f"/search?id={name}" in links(html)


def test_filters_and_order_reach_the_api(page: FlaskClient, api: FakeApi) -> None:
    query = {"label": "Tall bottle", "has.shape": '"bottle"', "least.price": "2", "order": "-attributes.price"}
    html = page.get("/browse/", query_string=query).text
    request = requested_items(api)
    assert request["filter"] == {
        "label": ["Tall bottle"],
        "attributes": {"shape": ["bottle"], "price": {"gte": 2.0}},
    }
    assert request["order"] == "-attributes.price"
    assert '<option value="-attributes.price" selected>' in html
    assert 'name="label" value="Tall bottle" checked' in html
    assert '<input type="text" inputmode="decimal" name="least.price" value="2"' in html


def test_a_filter_is_taken_off_by_its_chip_and_the_order_stays(page: FlaskClient) -> None:
    html = page.get("/browse/?label=Tall+bottle&least.price=2&order=label").text
    assert "/browse/?least.price=2&order=label" in links(html)
    assert "/browse/?label=Tall+bottle&order=label" in links(html)


def test_pictures_are_filtered_and_ordered_by_when_they_were_added(page: FlaskClient, api: FakeApi) -> None:
    html = page.get("/browse/?created_from=2026-11-01&created_to=2026-11-30&order=-created").text
    request = requested_items(api)
    assert request["filter"] == {"created": {"gte": "2026-11-01", "lte": "2026-11-30"}}
    assert request["order"] == "-created"
    assert '<option value="-created" selected>newest first</option>' in html
    assert 'name="created_from" value="2026-11-01"' in html
    assert "added from Nov 1, 2026 to Nov 30, 2026" in html
    assert "/browse/?order=-created" in links(html), "its chip takes it off"
    assert html.count("Nov 24, 2026, 6:05\N{NARROW NO-BREAK SPACE}PM UTC") == len(IDS)
    assert "18:05" not in page.get("/browse/").text, "only where it explains the order"


def test_the_next_page_begins_where_this_one_ends(page: FlaskClient, api: FakeApi) -> None:
    html = page.get("/browse/?label=Tall+bottle&order=label").text
    following = "/browse/?label=Tall+bottle&order=label&after=NEXT"
    assert following in links(html)
    api.requests.clear()
    page.get(following)
    assert requested_items(api)["cursor"] == "NEXT"


@pytest.mark.parametrize("order", ["price", "attributes.", "-", "id;"])
def test_an_order_that_there_is_not_is_a_mistake_of_the_link(page: FlaskClient, order: str) -> None:
    assert page.get("/browse/", query_string={"order": order}).status_code == 400


def test_an_empty_catalogue_and_an_empty_choice_are_two_things(page: FlaskClient, api: FakeApi) -> None:
    api.replies["POST /items/list"] = as_json({"items": [], "total": 0, "next_cursor": None})
    assert "make demo IMAGES=" in page.get("/browse/").text
    html = page.get("/browse/?label=None").text
    assert "No picture matches all of these filters" in html
    assert "/browse/?order=id" in links(html)


def test_clusters_come_largest_first_and_say_when_to_train_again(page: FlaskClient) -> None:
    html = page.get("/browse/clusters").text
    cells = [link for link in links(html) if link.startswith("/browse/clusters/")]
    assert cells == ["/browse/clusters/5", "/browse/clusters/2"]
    assert 'Training again is worthwhile: <span lang="en">Many are new.' in html


def test_empty_clusters_are_not_shown(page: FlaskClient, api: FakeApi) -> None:
    empty: dict[str, Any] = {"number": 1, "size": 0, "radius": 0.0, "medoid": None, "labels": []}
    api.replies["GET /clusters"] = as_json({"clusters": [empty], "drift": {"retrain": False, "reason": ""}})
    html = page.get("/browse/clusters").text
    assert "/browse/clusters/1" not in links(html)
    assert "Training makes them" in html


def test_many_clusters_are_turned_over_like_pages(page: FlaskClient, api: FakeApi) -> None:
    many: list[dict[str, Any]] = [
        {"number": n, "size": 500 - n, "radius": 0.1, "medoid": None, "labels": []} for n in range(250)
    ]
    api.replies["GET /clusters"] = as_json({"clusters": many, "drift": {"retrain": False, "reason": ""}})
    paths, target = [], "/browse/clusters"
    while target:
        result = links(page.get(target).text)
        paths += [link for link in result if link.startswith("/browse/clusters/")]
        target = next((link for link in result if link.startswith("/browse/clusters?page=")), "")
    assert paths == [f"/browse/clusters/{n}" for n in range(250)]
    assert page.get("/browse/clusters?page=4").status_code == 400
    assert page.get("/browse/clusters?page=0").status_code == 400


def test_a_cluster_shows_its_pictures_and_labels(page: FlaskClient) -> None:
    html = page.get("/browse/clusters/5").text
    assert "/browse/?label=Tall+bottle" in links(html)
    assert all(f"/items/?id={name}" in links(html) for name in IDS)


def test_the_map_names_each_label_once(page: FlaskClient) -> None:
    drawn = page.get("/browse/map/points").json
    assert drawn == {
        "labels": ["Tall bottle"],
        "points": [["one", 0.0, 0.0, 0], ["two", 1 / 7, -1 / 3, 0], ["three", 2 / 7, -2 / 3, 0]],
        "total": 1200,
    }


def test_without_a_script_the_map_is_replaced_by_clusters(page: FlaskClient) -> None:
    html = page.get("/browse/map").text
    fallback = html.split('<div class="without-script">')[1]
    assert "/browse/clusters/5" in links(fallback)


@pytest.mark.parametrize(
    "path", ["/browse/", "/browse/clusters", "/browse/clusters/5", "/browse/map", "/browse/map/points"]
)
def test_what_keeps_the_api_from_answering_is_said(page: FlaskClient, api: FakeApi, path: str) -> None:
    api.everything(problem(503, code="not_ready", detail="No bundle is published."))
    answer = page.get(path)
    assert answer.status_code == 503
    assert "No bundle is published." in answer.text
    assert "make demo" in answer.text
