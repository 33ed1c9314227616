"""Searching with words: from the form or a link to the API, and what is shown of its answer."""

import json
from html import unescape

import pytest
from flask.testing import FlaskClient

from tests.frontend.fake_api import CURSOR, FakeApi, as_json, hit, matches
from tests.frontend.pages.search.test_page import links

WORDS = {"metric": None, "text_search": "words", "clusters_opened": 0}


def found(*ids: str, **changes: object) -> dict[str, object]:
    """The answer to words: hits without scores."""
    hits = [hit(name, n, cosine=None, euclidean=None, cluster=None) for n, name in enumerate(ids, start=1)]
    return matches(*hits, **(WORDS | {"total": len(ids)} | changes))


def requested(api: FakeApi) -> dict[str, object]:
    return next(request.json for request in api.requests if request.target == "/search")


def test_words_are_a_link_that_shows_the_pictures_with_them(page: FlaskClient, api: FakeApi) -> None:
    api.replies["POST /search"] = as_json(found("one", "two", total=134, next_cursor=CURSOR))
    html = unescape(page.get("/search?text=round+jug&label=Jug").text)
    assert requested(api) == {"k": 20, "text": "round jug", "filter": {"label": ["Jug"]}}
    assert "“round jug”" in html
    assert "134 pictures" in html
    assert "cosine" not in html
    assert "sure" not in html
    assert "/search?text=round+jug&label=Jug&cursor=" + CURSOR in links(html)
    assert "/search?id=one&label=Jug" in links(html)
    assert "/why" not in html, "only vectors can be explained"


def test_the_next_page_of_words_keeps_the_words(page: FlaskClient, api: FakeApi) -> None:
    api.replies["POST /search"] = as_json(found("one", offset=20, total=21))
    html = page.get(f"/search?text=jug&cursor={CURSOR}").text
    assert requested(api) == {"k": 20, "cursor": CURSOR}
    assert "Matches 21 to 21" in html
    assert 'value="jug"' in html


def test_words_in_a_form_replace_its_picture_and_what_only_pictures_have(page: FlaskClient) -> None:
    fields = {"text": " round jug ", "id": "one", "like": "two", "left": "10", "metric": "fused", "group": "label"}
    answer = page.post("/search", data=fields | {"sure": "50", "k": "50", "has.shape": '"jug"'})
    assert answer.status_code == 303
    assert answer.location == "/search?text=round+jug&k=50&has.shape=%22jug%22"


def test_an_address_in_a_form_replaces_its_words(page: FlaskClient) -> None:
    answer = page.post("/search", data={"text": "jug", "address": "https://shop.example/a.jpg"})
    assert answer.location == "/search?url=https%3A%2F%2Fshop.example%2Fa.jpg"


def test_another_spelling_is_offered_where_there_is_nothing(page: FlaskClient, api: FakeApi) -> None:
    api.replies["POST /search"] = as_json(found(near_words=[{"word": "amfora", "near": ["amphora", "aurora"]}]))
    html = page.get("/search?text=Red+Amfora").text
    assert "No picture has all of these words" in html
    assert {"/search?text=Red+amphora", "/search?text=Red+aurora"} <= set(links(html))


def test_labels_and_values_are_suggested(page: FlaskClient, api: FakeApi) -> None:
    known = [{"attribute": None, "value": "jug", "count": 3}, {"attribute": "shape", "value": "jug", "count": 2}]
    api.replies["GET /suggest"] = as_json({"suggestions": known, "near_words": []})
    assert page.get("/search/suggestions?text=ju").json == known
    assert page.get("/search/suggestions?text=").json == []


def test_matches_of_words_are_saved(page: FlaskClient, api: FakeApi) -> None:
    api.replies["POST /search"] = as_json(found("one"))
    saved = json.loads(page.get("/search/matches.json?text=jug").text)
    assert [each["id"] for each in saved["hits"]] == ["one"]
    assert page.get("/search/matches.csv?text=jug").text.splitlines()[1].startswith("1,one,Round jug")


@pytest.mark.parametrize(
    "link", ["/search?text=jug&id=one", "/search/matches.csv?text=jug&id=one", f"/search?text={1001 * 'a'}"]
)
def test_a_link_that_says_two_things_or_too_much_is_refused(page: FlaskClient, link: str) -> None:
    assert page.get(link).status_code == 400
