"""Requests that name pictures by their URLs: searches, batches and new items."""

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from api.settings import Settings
from tests.api.conftest import OpenApi, Shop, until_ready
from tests.api.fetch.sites import PICTURE, Site


@pytest.fixture
def fetching(shop: Shop, site: Site) -> Iterator[TestClient]:
    settings = Settings(artifacts=shop.artifacts, workers=2, fetch_allowed=(f"127.0.0.1:{site.port}",))
    with TestClient(create_app(settings)) as client:
        yield until_ready(client)


def test_a_url_is_as_good_as_the_picture_however_it_is_sent(fetching: TestClient, site: Site) -> None:
    expected = fetching.post("/search", files={"file": PICTURE}).json()
    answers = [
        fetching.post("/search", json={"url": f"{site.url}/1"}),
        fetching.post("/search", files={"url": (None, f"{site.url}/2")}),
        fetching.get("/search", params={"url": f"{site.url}/3"}),
        fetching.post("/search", json={"items": [{"url": f"{site.url}/4"}]}),
    ]
    for answer in answers:
        assert answer.json()["hits"] == expected["hits"], answer.text
    assert answers[0].json()["query"] == expected["query"]
    further = fetching.get(answers[2].json()["next"])
    assert further.json()["hits"] == fetching.get(expected["next"]).json()["hits"]
    assert len(site.requests) == 4  # further pages do not fetch it again
    item = expected["hits"][0]["id"]
    explained = fetching.post("/explain", json={"url": f"{site.url}/", "item": item}).json()
    assert explained["cosine"] == pytest.approx(expected["hits"][0]["cosine"], abs=1e-5)


def test_each_search_of_a_batch_answers_for_its_own_url(fetching: TestClient, site: Site) -> None:
    urls = [f"{site.url}/", "http://127.0.0.1/", f"{site.url}/status/500"]
    answers = fetching.post("/search/batch", json={"queries": [{"url": url} for url in urls]}).json()["answers"]
    assert answers[0]["hits"]
    assert [answer["code"] for answer in answers[1:]] == ["url_refused", "url_failed"]


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("http://127.0.0.1/", 422, "url_refused"),
        ("{site}/status/404", 502, "url_failed"),
        ("{site}/text", 415, "unsupported_format"),
    ],
)
def test_a_url_that_leads_to_no_picture_is_a_problem(
    fetching: TestClient, site: Site, url: str, status: int, code: str
) -> None:
    answer = fetching.post("/search", json={"url": url.format(site=site.url)})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "127.0.0.1" not in answer.text


def test_a_url_and_something_else_is_one_too_many(fetching: TestClient, site: Site) -> None:
    both = fetching.post("/search", json={"url": f"{site.url}/", "id": "shelf 0/piece-000"})
    assert (both.status_code, both.json()["code"]) == (422, "invalid_parameter")
    assert fetching.get("/search", params={"url": f"{site.url}/", "cursor": "x"}).json()["code"] == "invalid_parameter"


def test_a_slow_url_is_a_504(shop: Shop, site: Site, open_api: OpenApi) -> None:
    allowed = (f"127.0.0.1:{site.port}",)
    client = open_api(artifacts=shop.artifacts, fetch_allowed=allowed, fetch_seconds=0.3)
    answer = client.post("/search", json={"url": f"{site.url}/drip"})
    assert (answer.status_code, answer.json()["code"]) == (504, "url_timeout")


def test_urls_can_be_switched_off(shop: Shop, site: Site, open_api: OpenApi, connected: list[tuple[str, int]]) -> None:
    client = open_api(artifacts=shop.artifacts, fetch_urls=False, fetch_allowed=(f"127.0.0.1:{site.port}",))
    answer = client.post("/search", json={"url": f"{site.url}/"})
    assert (answer.status_code, answer.json()["code"]) == (422, "url_refused")
    assert "fetches none" in answer.json()["detail"]
    assert connected == []


def test_a_setting_that_is_no_address_is_refused() -> None:
    for wrong in ("shop.example:80", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:x"):
        with pytest.raises(ValueError, match=r"address|IPv4"):
            Settings(fetch_allowed=(wrong,))
    assert Settings(fetch_allowed=("[fd00::1]:8080", "10.0.0.1:80")).fetch_allowed


# --- adding


@pytest.fixture
def adding(own_shop: Shop, site: Site) -> Iterator[TestClient]:
    settings = Settings(artifacts=own_shop.artifacts, workers=2, fetch_allowed=(f"127.0.0.1:{site.port}",))
    with TestClient(create_app(settings)) as client:
        yield until_ready(client)


def test_an_item_is_added_by_its_url_and_keeps_the_picture(adding: TestClient, site: Site) -> None:
    added = adding.post("/items", json={"url": f"{site.url}/", "id": "new", "label": "vase"})
    assert (added.status_code, added.headers["location"]) == (201, "/item?id=new")
    assert adding.get("/item/image?id=new").content == PICTURE
    assert adding.post("/items", files={"url": (None, f"{site.url}/"), "id": (None, "new")}).status_code == 200
    assert adding.post("/items", json={"url": "http://127.0.0.1/", "id": "x"}).json()["code"] == "url_refused"
    assert adding.post("/items", json={"url": f"{site.url}/", "image_base64": ""}).json()["code"] == "invalid_parameter"


def test_a_request_with_a_url_is_answered_again_as_the_first_time_whatever_the_url_leads_to(
    adding: TestClient, site: Site
) -> None:
    body = {"url": f"{site.url}/once", "id": "new"}
    headers = {"Idempotency-Key": "7"}
    first = adding.post("/items", json=body, headers=headers)
    site.redirected = True
    again = adding.post("/items", json=body, headers=headers)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    other = adding.post("/items", json={**body, "url": f"{site.url}/other"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


def test_lines_with_urls_are_added_and_answered_each_for_itself(adding: TestClient, site: Site) -> None:
    urls = [f"{site.url}/", "http://10.0.0.1/", f"{site.url}/status/404"]
    lines = "".join(json.dumps({"url": url, "id": f"line {n}"}) + "\n" for n, url in enumerate(urls)) + "{}\n"
    answer = adding.post("/items/batch", content=lines, headers={"Content-Type": "application/x-ndjson"})
    answers = [json.loads(line) for line in answer.text.splitlines()]
    assert [(line["status"], (line["problem"] or {}).get("code")) for line in answers] == [
        (201, None),
        (422, "url_refused"),
        (502, "url_failed"),
        (422, "invalid_parameter"),
    ]
