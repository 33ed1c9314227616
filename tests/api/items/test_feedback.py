"""Feedback: kept with the pictures it was said of, by whom and when; listed by page; written as everything else is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.security.keys import ApiKey, digest_of, new_key
from tests.api.conftest import OpenApi, Shop
from tests.api.search.test_query import ITEM
from tests.api.test_errors import check_problem

SHA256 = "ab" * 32


@pytest.fixture
def api(own_shop: Shop, open_api: OpenApi) -> TestClient:
    """An API that may be written to."""
    return open_api(artifacts=own_shop.artifacts)


def say(client: TestClient, **body: Any) -> dict[str, Any]:
    answer = client.post("/feedback", json=body)
    assert answer.status_code == 201, answer.text
    entry: dict[str, Any] = answer.json()
    return entry


def test_what_is_said_is_listed_the_latest_first(api: TestClient) -> None:
    other = next(item["id"] for item in api.get("/items").json()["items"] if item["id"] != ITEM)
    verdicts = ["right", "wrong", "same", "different"]
    said = [say(api, sha256=SHA256, item=ITEM, verdict=verdict, by="Ann") for verdict in verdicts]
    said.append(say(api, id=ITEM, item=other, verdict="same"))
    listed = api.get("/feedback").json()
    assert listed == {"feedback": said[::-1], "next": None}
    first = said[0]
    assert (first["id"], first["sha256"], first["item"], first["by"], first["key"]) == (None, SHA256, ITEM, "Ann", None)
    assert datetime.now(UTC) - datetime.fromisoformat(first["created"]) < timedelta(minutes=5)
    assert (said[-1]["id"], said[-1]["sha256"]) == (ITEM, first["item_sha256"])
    assert api.get("/feedback", params={"item": other}).json()["feedback"] == said[-1:]


def test_pages_bring_everything_once(api: TestClient) -> None:
    said = [say(api, sha256=SHA256, item=ITEM, verdict="right")["entry"] for _ in range(5)]
    page, entries = api.get("/feedback", params={"limit": 2, "item": ITEM}).json(), []
    while True:
        entries += [each["entry"] for each in page["feedback"]]
        if page["next"] is None:
            break
        page = api.get(page["next"]).json()
    assert entries == said[::-1]


def test_it_stays_when_the_item_goes(api: TestClient) -> None:
    said = say(api, sha256=SHA256, item=ITEM, verdict="wrong")
    assert api.delete("/item", params={"id": ITEM}).status_code == 204
    assert api.get("/feedback", params={"item": ITEM}).json()["feedback"] == [said]
    check_problem(api.post("/feedback", json={"sha256": SHA256, "item": ITEM, "verdict": "wrong"}), 404, "item_missing")


def test_sent_again_with_its_key_it_is_kept_once(api: TestClient) -> None:
    body = {"sha256": SHA256, "item": ITEM, "verdict": "right"}
    headers = {"Idempotency-Key": "said-1"}
    answers = [api.post("/feedback", json=body, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert [answer.status_code for answer in answers] == [201, 201]
    assert len(api.get("/feedback").json()["feedback"]) == 1
    other = api.post("/feedback", json=body | {"verdict": "wrong"}, headers=headers)
    check_problem(other, 409, "idempotency_conflict")
    check_problem(api.post("/feedback", json=body, headers={"If-Match": '"a"'}), 422, "invalid_parameter")


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "maybe"},
        {"verdict": None},
        {"sha256": "AB" * 32},
        {"sha256": "ab"},
        {"id": ITEM},
        {"sha256": ...},
        {"by": " "},
        {"created": "2026-01-01T00:00:00Z"},
    ],
)
def test_what_cannot_be_kept_is_refused(client: TestClient, change: dict[str, Any]) -> None:
    body = {"sha256": SHA256, "item": ITEM, "verdict": "right"} | change
    body = {name: value for name, value in body.items() if value is not ...}
    check_problem(client.post("/feedback", json=body), 422, "invalid_parameter")
    assert client.get("/feedback").json()["feedback"] == []


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 201}, {"cursor": "x"}, {"verdict": "right"}])
def test_what_cannot_be_listed_is_refused(client: TestClient, query: dict[str, Any]) -> None:
    check_problem(client.get("/feedback", params=query), 422, "invalid_parameter")


def test_it_takes_a_key_that_may_write_and_says_which(own_shop: Shop, open_api: OpenApi) -> None:
    reading, writing = new_key(), new_key()
    keys = (
        ApiKey(name="readers", scope="read", sha256=digest_of(reading)),
        ApiKey(name="editors", scope="write", sha256=digest_of(writing)),
    )
    api = open_api(artifacts=own_shop.artifacts, api_keys=keys, wait=False)
    body = {"sha256": SHA256, "item": ITEM, "verdict": "right"}
    assert api.post("/feedback", json=body, headers={"Authorization": f"Bearer {reading}"}).status_code == 403
    while (said := api.post("/feedback", json=body, headers={"Authorization": f"Bearer {writing}"})).status_code == 503:
        pass
    assert said.json()["key"] == "editors"
    assert api.get("/feedback").status_code == 401
    listed = api.get("/feedback", headers={"Authorization": f"Bearer {reading}"}).json()
    assert [each["entry"] for each in listed["feedback"]] == [said.json()["entry"]]
