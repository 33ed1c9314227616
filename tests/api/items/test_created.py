"""`created` over HTTP: told of items and hits, ordered by, filtered by; and what is no date or moment is refused."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import OpenApi, Shop
from tests.api.items.test_listing import pages
from tests.api.test_errors import check_problem
from tests.support.bundles import picture


def add(client: TestClient, id_: str, seed: int = 900) -> Any:
    answer = client.post("/items", files={"file": picture(seed)}, data={"id": id_})
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


def moment(item: Any) -> datetime:
    assert item["created"].endswith("Z")
    return datetime.fromisoformat(item["created"])


def test_an_item_says_when_it_came_and_keeps_that(own_shop: Shop, open_api: OpenApi) -> None:
    client = open_api(artifacts=own_shop.artifacts)
    before = datetime.now(UTC)
    new = add(client, "a new/one")
    assert before <= moment(new) <= datetime.now(UTC)
    path = f"/item?id={quote('a new/one', safe='')}"
    assert client.get(path).json() == new
    assert add(client, "a new/one") == new  # it is there already
    changed = client.patch(path, json={"label": "amphora"}).json()
    assert changed == {**new, "label": "amphora"}
    (hit, *_) = client.post("/search", files={"file": picture(900)}).json()["hits"]
    assert (hit["id"], hit["created"]) == (new["id"], new["created"])
    client.delete(path)
    assert moment(add(client, "a new/one")) > moment(new)


def test_a_caller_cannot_set_it(own_shop: Shop, open_api: OpenApi) -> None:
    client = open_api(artifacts=own_shop.artifacts)
    answer = client.post("/items", files={"file": picture(1)}, data={"created": "2020-01-01"})
    check_problem(answer, 422, "invalid_parameter")
    answer = client.patch(f"/item?id={quote(next(iter(own_shop.pieces)), safe='')}", json={"created": "2020-01-01"})
    check_problem(answer, 422, "invalid_parameter")


def test_the_newest_first_page_by_page_and_since_a_moment(own_shop: Shop, open_api: OpenApi) -> None:
    client = open_api(artifacts=own_shop.artifacts)
    added = [add(client, f"new-{number}", 900 + number) for number in (3, 1, 2)]
    ids = [item["id"] for item in added]
    newest = [item_id for page in pages(client, order="-created", limit=7) for item_id in page]
    assert newest[:3] == ids[::-1]
    assert newest == [item_id for page in pages(client, order="created", limit=60) for item_id in page][::-1]

    def since(**bounds: str) -> list[str]:
        filter_ = json.dumps({"created": bounds})
        return [item_id for page in pages(client, filter=filter_, order="created", limit=2) for item_id in page]

    assert since(gte=added[0]["created"]) == ids
    assert since(gt=added[0]["created"]) == ids[1:]
    assert since(gte=added[0]["created"], lt=added[2]["created"]) == ids[:2]
    assert since(gt=added[0]["created"], gte=added[0]["created"], lte=added[1]["created"]) == ids[1:2]
    east = moment(added[1]).astimezone().isoformat()
    assert since(gt=east) == ids[2:]

    filter_ = json.dumps({"created": {"gte": added[1]["created"]}})
    hits = client.post("/search", files={"file": picture(1)}, data={"filter": filter_, "k": "10"}).json()
    assert {hit["id"] for hit in hits["hits"]} == set(ids[1:])
    again = client.get(hits["link"]).json()
    assert {hit["id"] for hit in again["hits"]} == set(ids[1:])
    gone = client.delete("/items", params={"filter": filter_}).json()
    assert gone["deleted"] == 2


def test_a_date_is_the_whole_day(client: TestClient) -> None:
    item = client.get("/items", params={"limit": 1}).json()["items"][0]
    day = moment(item).date()
    yesterday, tomorrow = day - timedelta(days=1), day + timedelta(days=1)

    def total(**bounds: Any) -> int:
        filter_ = {"created": {name: str(bound) for name, bound in bounds.items()}}
        return int(client.get("/items", params={"filter": json.dumps(filter_)}).json()["total"])

    everything = client.get("/items").json()["total"]
    assert total(gte=yesterday, lte=tomorrow) == total(gt="0001-01-01", lt="9999-12-31") == everything
    assert total(lte="9999-12-31") == total(gte="0001-01-01") == everything
    assert total(gt=tomorrow) == total(lt=yesterday) == total(gt="9999-12-31") == total(gt=day, lt=day) == 0
    assert total(gte=day, lte=day) + total(gt=day) + total(lt=day) == everything


@pytest.mark.parametrize(
    "period",
    [
        {},
        {"gte": "yesterday"},
        {"gte": "2026-11"},
        {"gte": "2026-02-30"},
        {"gte": "20261124"},
        {"gte": "2026-W48-2"},
        {"gte": "2026-11-24T18:05:42"},
        {"gte": "2026-11-24T18:05:42 02:00"},
        {"gte": "2026-11-24T25:05:42Z"},
        {"gte": 1_796_000_000},
        {"gte": None, "lt": ""},
        {"since": "2026-11-24"},
        {"not": {"gte": "2026-11-24"}},
        "2026-11-24",
        ["2026-11-24"],
        None,
    ],
    ids=repr,
)
def test_what_is_no_period_is_refused_by_every_door(client: TestClient, period: Any) -> None:
    filter_ = {"created": period}
    if period is None:  # no condition, as for a caller that names every field
        assert client.get("/items", params={"filter": json.dumps(filter_)}).status_code == 200
        return
    answers = [
        client.get("/items", params={"filter": json.dumps(filter_)}),
        client.get("/labels", params={"filter": json.dumps(filter_)}),
        client.get("/facets", params={"filter": json.dumps(filter_)}),
        client.delete("/items", params={"filter": json.dumps(filter_), "dry_run": "true"}),
        client.post("/search", files={"file": picture(1)}, data={"filter": json.dumps(filter_)}),
        client.post("/search", json={"id": "x", "filter": filter_}),
    ]
    for answer in answers:
        check_problem(answer, 422, "invalid_parameter")
