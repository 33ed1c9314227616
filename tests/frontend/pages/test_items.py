"""The page of one item: what is known of it, changed and deleted."""

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from frontend.forms.item import parse_description
from tests.frontend.fake_api import FakeApi, Reply, problem
from tests.frontend.fake_catalogue import fill
from tests.frontend.pages.search.test_page import links


@pytest.fixture(autouse=True)
def catalogue(api: FakeApi) -> FakeApi:
    return fill(api)


def form(*rows: tuple[str, str, str], **fields: str) -> MultiDict[str, str]:
    pairs = [(name, value) for row in rows for name, value in zip(("name", "kind", "value"), row, strict=True)]
    return MultiDict([*fields.items(), *pairs])


def changes(api: FakeApi, method: str) -> list[str]:
    return [request.target for request in api.requests if request.method == method]


def test_an_item_shows_what_is_known_and_leads_to_its_likes(page: FlaskClient) -> None:
    html = page.get("/items/?id=one").text
    assert "<h1>Tall bottle</h1>" in html
    moment = "Nov 24, 2026, 6:05\N{NARROW NO-BREAK SPACE}PM UTC"
    assert f'added: <time datetime="2026-11-24T18:05:42.000001+00:00" data-moment>{moment}</time>' in html
    assert 'name="label" value="Tall bottle"' in html
    assert 'value="shape" maxlength="1000" autocomplete="off" readonly' in html
    assert "/search?id=one" in links(html)
    assert page.get("/items/").status_code == 404


def test_a_description_is_saved_with_the_kinds_of_its_values(page: FlaskClient, api: FakeApi) -> None:
    rows = ("shape", "text", "jug"), ("price", "number", "4"), ("glazed", "truth", "Yes"), ("age", "number", "")
    answer = page.post("/items/change", data=form(*rows, id="one", label=" Round jug "))
    assert answer.status_code == 303
    assert answer.location == "/items/?id=one&done=saved"
    (change,) = [request for request in api.requests if request.method == "PATCH"]
    assert change.target == "/item?id=one"
    attributes = {"shape": "jug", "price": 4, "glazed": True, "age": None}
    assert change.json == {"label": "Round jug", "attributes": attributes}
    assert "are saved" in page.get(answer.location).text


def test_an_empty_label_is_taken_away(page: FlaskClient, api: FakeApi) -> None:
    page.post("/items/change", data=form(id="one", label=""))
    assert api.requests[-1].json == {"label": None, "attributes": {}}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("price", "number", "cheap")], "“price” is to be a number"),
        ([("price", "number", "inf")], "“price” is to be a number"),
        ([("glazed", "truth", "perhaps")], "“glazed” is yes or no"),
        ([("", "text", "lost")], "“lost” has no name"),
        ([("shape", "text", "jug"), ("shape", "text", "bowl")], "“shape” is there twice"),
    ],
)
def test_a_mistake_is_named_and_nothing_that_was_written_is_lost(
    page: FlaskClient, api: FakeApi, rows: list[tuple[str, str, str]], words: str
) -> None:
    answer = page.post("/items/change", data=form(*rows, id="one", label="Half-written"))
    assert answer.status_code == 400
    assert words in answer.text
    assert 'value="Half-written"' in answer.text
    assert all(f'value="{value}"' in answer.text for _, _, value in rows)
    assert changes(api, "PATCH") == []


def test_what_the_api_refuses_is_said_beside_the_form(page: FlaskClient, api: FakeApi) -> None:
    api.replies["PATCH /item?id=one"] = problem(422, detail="At most 64 attributes.")
    answer = page.post("/items/change", data=form(id="one", label="Half-written"))
    assert answer.status_code == 422
    assert "At most 64 attributes." in answer.text
    assert 'value="Half-written"' in answer.text


@pytest.mark.parametrize("reply", [problem(503, code="not_ready"), problem(404, code="item_missing"), problem(500)])
def test_whatever_fails_nothing_that_was_written_is_lost(page: FlaskClient, api: FakeApi, reply: Reply) -> None:
    api.replies["PATCH /item?id=one"] = reply
    answer = page.post("/items/change", data=form(("price", "number", "4"), id="one", label="Half-written"))
    assert answer.status_code >= 400
    assert "Not saved yet" in answer.text
    assert all(f'value="{each}"' in answer.text for each in ("one", "Half-written", "price", "4"))


@pytest.mark.parametrize(
    ("text", "number"),
    [("4", 4), ("-4", -4), ("4.0", 4.0), ("1e3", 1000.0), ("12345678901234567890", 12345678901234567890.0)],
)
def test_whole_numbers_stay_whole(text: str, number: float) -> None:
    (known,) = parse_description(form(("n", "number", text))).attributes.values()
    assert (type(known), known) == (type(number), number)


def test_too_long_a_label_is_refused() -> None:
    with pytest.raises(BadRequest, match="1000 letters"):
        parse_description(form(label="a" * 1001))


def test_deleting_asks_first(page: FlaskClient, api: FakeApi) -> None:
    asking = page.post("/items/delete", data={"id": "one"})
    assert "Delete this picture?" in asking.text
    assert changes(api, "DELETE") == []
    done = page.post(
        "/items/delete", data={"id": ["one", "two", "one"], "sure": "yes", "back": "/duplicates/?tier=identical"}
    )
    assert done.location == "/duplicates/?tier=identical"
    assert (api.requests[-1].target, api.requests[-1].json) == ("/items/delete", {"ids": ["one", "two"]})


def test_of_several_those_that_are_gone_already_are_passed_over(page: FlaskClient, api: FakeApi) -> None:
    api.replies["POST /items/delete"] = problem(404, code="item_missing")
    api.replies["DELETE /item?id=one"] = problem(404, code="item_missing")
    assert page.post("/items/delete", data={"id": ["one", "two"], "sure": "yes"}).status_code == 303
    assert changes(api, "DELETE") == ["/item?id=one", "/item?id=two"]


def test_what_is_gone_already_is_no_failure(page: FlaskClient, api: FakeApi) -> None:
    api.replies["DELETE /item?id=one"] = problem(404, code="item_missing")
    assert page.post("/items/delete", data={"id": "one", "sure": "yes"}).status_code == 303
    api.replies.pop("GET /item?id=one")
    assert "Nothing is left to delete" in page.post("/items/delete", data={"id": "one"}).text


@pytest.mark.parametrize("back", ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a\r\nb: c"])
def test_after_deleting_one_stays_on_this_site(page: FlaskClient, back: str) -> None:
    answer = page.post("/items/delete", data={"id": "one", "sure": "yes", "back": back})
    assert answer.location == "/browse/"


@pytest.mark.parametrize("path", ["/items/change", "/items/delete"])
def test_another_site_changes_nothing(page: FlaskClient, api: FakeApi, path: str) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert page.post(path, data={"id": "one", "sure": "yes"}, headers=foreign).status_code == 403
    assert api.requests == []


def test_a_key_that_may_only_read_is_named(page: FlaskClient, api: FakeApi) -> None:
    api.replies["DELETE /item?id=one"] = problem(403, code="insufficient_scope", detail="The key may not do this.")
    answer = page.post("/items/delete", data={"id": "one", "sure": "yes"})
    assert answer.status_code == 502
    assert "LOOKALIKE_FRONTEND_API_KEY" in answer.text
