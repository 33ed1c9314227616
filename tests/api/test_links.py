"""Links of any search and list are short; what is too long for them is stored, or travels in a body."""

import base64
import json
import zlib
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from fastapi.testclient import TestClient

from api.links import MAX_LINK, LongValues
from tests.api.conftest import OpenApi, Shop
from tests.api.search.test_query import ITEM, METRICS, ask, untimed
from tests.api.test_errors import check_problem
from tests.support.bundles import Piece, picture, write_artifacts

EVERY_LABEL = {"label": [f"label-{number}" for number in range(10)]}
LONG_FILTERS: dict[str, dict[str, Any]] = {
    "many labels": {"label": [*EVERY_LABEL["label"], *(f"no such label {number}" for number in range(900))]},
    "long texts": {"label": {"not": ["花" * 1000, "é" * 1000]}},
    "many attributes": {
        "attributes": {
            "stock": {"gte": 0},
            **{f"attribute {number} {'x' * 200}": {"not": f"{number} " + "y" * 900} for number in range(19)},
        }
    },
}


def followed(client: TestClient, answer: dict[str, Any]) -> list[dict[str, Any]]:
    """An answer and all after it, by their links."""
    answers = [answer]
    while link := answers[-1]["next"]:
        assert len(link) <= MAX_LINK
        page = client.get(link)
        assert page.status_code == 200, page.text
        answers.append(page.json())
    return answers


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", sorted(LONG_FILTERS))
def test_a_search_with_a_long_filter_has_short_links(client: TestClient, name: str, metric: str) -> None:
    body = {"k": 7, "metric": metric, "filter": LONG_FILTERS[name], "exclude": [f"{n} {'z' * 100}" for n in range(200)]}
    whole = ask(client, body | {"k": 100}, picture(5))
    answers = followed(client, ask(client, body, picture(5)))
    assert len(answers) > 4
    assert [hit for answer in answers for hit in answer["hits"]] == whole["hits"]
    assert all(len(answer["link"]) <= MAX_LINK for answer in answers)
    again = client.get(answers[-1]["link"]).json()
    assert untimed(again)["hits"] == untimed(answers[0])["hits"]


@pytest.mark.parametrize("name", sorted(LONG_FILTERS))
@pytest.mark.parametrize("order", ["id", "-label", f"attributes.{'n' * 1000}"])
def test_a_list_with_a_long_filter_has_short_links(client: TestClient, name: str, order: str) -> None:
    body = {"filter": LONG_FILTERS[name], "order": order}
    whole = client.post("/items/list", json=body | {"limit": 200}).json()
    first = client.get("/items", params={"filter": json.dumps(LONG_FILTERS[name]), "order": order, "limit": 9}).json()
    answers = followed(client, first)
    assert [item for answer in answers for item in answer["items"]] == whole["items"]
    assert len(whole["items"]) == whole["total"] > 20
    assert {answer["total"] for answer in answers} == {whole["total"]}


def test_a_list_of_long_texts_has_short_links(tmp_path_factory: pytest.TempPathFactory, open_api: OpenApi) -> None:
    artifacts = tmp_path_factory.mktemp("long")
    write_artifacts(artifacts, [Piece(f"{n} " + "花" * 120, picture(n), "花" * 990 + str(n), {}) for n in range(3)])
    client = open_api(artifacts=artifacts)
    answers = followed(client, client.get("/items?order=label&limit=1").json())
    assert [answer["items"][0]["label"][-1] for answer in answers] == ["0", "1", "2"]
    assert all(len(answer["next_cursor"] or "") <= MAX_LINK for answer in answers)


@pytest.mark.parametrize("as_form", [False, True])
def test_a_cursor_travels_in_a_body(client: TestClient, as_form: bool) -> None:
    options: dict[str, Any] = {"k": 20, "metric": "euclidean", "filter": LONG_FILTERS["many labels"]}
    whole = ask(client, options | {"k": 100}, picture(5))["hits"]
    answer = ask(client, options, picture(5))
    hits = answer["hits"]
    while cursor := answer["next_cursor"]:
        parameters = options | {"cursor": cursor}
        if as_form:
            texts = {name: json.dumps(each) if name == "filter" else each for name, each in parameters.items()}
            page = client.post("/search", files={name: (None, str(text)) for name, text in texts.items()})
        else:
            page = client.post("/search", json=parameters)
        assert page.status_code == 200, page.text
        answer = page.json()
        hits += answer["hits"]
    assert hits == whole
    assert len(hits) > 40


def test_cursors_of_several_searches_travel_in_a_batch(client: TestClient) -> None:
    bodies: list[dict[str, Any]] = [{"id": ITEM, "k": 5}, {"id": ITEM, "k": 3, "metric": "fused"}]
    first = client.post("/search/batch", json={"queries": bodies}).json()["answers"]
    further = [
        {**body, "cursor": answer["next_cursor"]} for body, answer in zip(bodies, first, strict=True) if body.pop("id")
    ]
    second = client.post("/search/batch", json={"queries": [*further, {"cursor": "canary"}]}).json()["answers"]
    for body, one, two in zip(bodies, first, second[:2], strict=True):
        both = client.post("/search", json={**body, "id": ITEM, "k": 2 * body["k"]}).json()["hits"]
        assert one["hits"] + two["hits"] == both
    assert second[2]["code"] == "invalid_parameter"


def test_a_list_goes_on_by_a_body(client: TestClient, shop: Shop) -> None:
    body: dict[str, Any] = {"order": "-id", "limit": 25}
    ids: list[str] = []
    while True:
        answer = client.post("/items/list", json=body).json()
        ids += [item["id"] for item in answer["items"]]
        if answer["next_cursor"] is None:
            break
        body["cursor"] = answer["next_cursor"]
    assert ids == sorted(shop.pieces, reverse=True)
    check_problem(client.post("/items/list", json={"limit": 0}), 422, "invalid_parameter")
    check_problem(client.post("/items/list", json={"cursor": "canary"}), 422, "invalid_parameter")
    check_problem(client.post("/items/list", json={"offset": 3}), 422, "invalid_parameter")
    check_problem(client.post("/items/list", content="{}"), 415, "unsupported_body")


@pytest.mark.parametrize(
    "more", [{"id": ITEM}, {"items": [{"id": ITEM}]}, {"offset": 3}, {"expand": 2}, {"face": 1}, {"metric": "fused"}]
)
def test_a_cursor_and_what_contradicts_it_are_refused(client: TestClient, more: dict[str, Any]) -> None:
    cursor = client.post("/search", json={"id": ITEM, "k": 5}).json()["next_cursor"]
    check_problem(client.post("/search", json={"cursor": cursor, "k": 5, **more}), 422, "invalid_parameter")


def test_a_name_that_stands_for_nothing_is_told(client: TestClient) -> None:
    """It expires, and is never taken for a value: a filter that is lost would show everything."""
    name = "~" + "A" * 22
    for url in (f"/search?cursor={name}", f"/items?cursor={name}", f"/items?filter=%7E{name[1:]}"):
        check_problem(client.get(url), 410, "cursor_expired")
    check_problem(client.get(f"/search?id={quote(ITEM)}&exclude={name}"), 410, "cursor_expired")
    check_problem(client.post("/search", json={"cursor": name}), 410, "cursor_expired")
    check_problem(client.post("/items/list", json={"cursor": name}), 410, "cursor_expired")
    check_problem(client.get(f"/facets?filter={name}"), 422, "invalid_parameter")  # no link of ours
    assert client.get("/item", params={"id": name}).json()["code"] == "item_missing"


def test_links_of_earlier_versions_are_read(client: TestClient) -> None:
    """They had their content as JSON, not packed."""
    answer = client.get("/items?limit=7").json()
    last = json.dumps([answer["items"][-1]["id"]]).encode()
    old = base64.urlsafe_b64encode(last).decode().rstrip("=")
    (new,) = parse_qs(urlsplit(answer["next"]).query)["cursor"]
    assert client.get(f"/items?limit=7&cursor={old}").json() == client.get(f"/items?limit=7&cursor={new}").json()


def test_a_cursor_that_unpacks_to_far_more_is_refused(client: TestClient) -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(b"[" + b" " * 10_000_000 + b"]")).decode().rstrip("=")
    check_problem(client.get(f"/items?cursor={bomb}"), 422, "invalid_parameter")


def test_values_are_stored_until_they_are_old_or_too_many() -> None:
    now = [0.0]
    values = LongValues(max_bytes=100, seconds=60, clock=lambda: now[0])
    names = [values.store(letter * 40) for letter in "ab"]
    assert values.store("a" * 40) == names[0]  # the same text has the same name
    values.store("c" * 40)  # in place of b, which was used least lately
    assert values.read(names[1]) is None
    assert values.read(names[0]) == "a" * 40
    now[0] = 50
    assert values.read(names[0]) == "a" * 40
    now[0] = 109
    assert values.read(names[0]) == "a" * 40
    now[0] = 170
    assert values.read(names[0]) is None
    assert LongValues().store("a" * 40) != names[0]  # nobody can work it out
