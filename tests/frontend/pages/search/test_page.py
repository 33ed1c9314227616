"""The start page and the matches: what is shown, and what the API is asked for."""

import re
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

import frontend
from frontend.formatting import probability_words, similarity_words
from tests.frontend.fake_api import TALL_PNG, FakeApi, as_json, hit, item, matches

STATIC = Path(frontend.__file__).parent / "static"


def uploaded(page: FlaskClient, picture: bytes = TALL_PNG, name: str = "me.png", **fields: str) -> TestResponse:
    return page.post("/search", data=fields | {"file": (BytesIO(picture), name)})


def links(html: str) -> list[str]:
    return [unescape(href) for href in re.findall(r'href="([^"]*)"', html)]


def test_the_start_page_offers_a_form_and_pictures_to_start_from(page: FlaskClient) -> None:
    answer = page.get("/")
    assert answer.status_code == 200
    assert 'type="file"' in answer.text
    assert "1,200 pictures" in answer.text
    assert "/search?id=one" in links(answer.text)
    assert 'alt="Tall bottle"' in answer.text


def test_the_first_page_is_small_and_needs_few_requests(page: FlaskClient) -> None:
    html = page.get("/", headers={"Accept-Encoding": "gzip"})
    addresses = {
        each for each in re.findall(r'(?:href|src)="(/[^"]+)"', page.get("/").text) if "." in each.rpartition("/")[2]
    }
    files = [page.get(each, headers={"Accept-Encoding": "gzip"}, buffered=True) for each in addresses]
    assert {file.mimetype for file in files} == {"text/css", "text/javascript", "image/svg+xml"}
    assert len(files) == 3
    assert sum(len(file.data) for file in (html, *files)) < 40_000


def test_an_empty_catalogue_says_how_to_fill_it(page: FlaskClient, api: FakeApi) -> None:
    api.replies["GET /items"] = as_json({"items": [], "total": 0})
    answer = page.get("/")
    assert answer.status_code == 200
    assert "make demo IMAGES=" in answer.text


def test_an_upload_reaches_the_api_unchanged(page: FlaskClient, api: FakeApi) -> None:
    picture = bytes(range(256)) * 40
    assert uploaded(page, picture, k="50", metric="euclidean").status_code == 200
    assert api.requests[-1].form == {"file": picture, "k": b"50", "metric": b"euclidean"}


def test_matches_are_shown_beside_the_upload(page: FlaskClient) -> None:
    html = uploaded(page).text
    assert 'src="data:image/png;base64,iVBOR' in html
    assert html.index("data:image/png") < html.index("/search?id=one") < html.index("/search?id=three")
    assert re.search(r"very close ·\s+0\.91", html)
    assert "Round jug" in html
    assert "<dt>shape</dt> <dd>jug</dd>" in html
    assert "<dt>glazed</dt> <dd>yes</dd>" in html
    assert "age" not in re.findall(r"<dt>(.*?)</dt>", html), "an attribute without a value is left out"
    how = " ".join(re.sub(r"<[^>]+>", "", html.split('class="facts">')[1].split("</details>")[0]).split())
    assert how == "Details exact · opened 12 of 139 clusters · 11 ms · model 20261122-demo"


def test_the_script_gets_no_copy_of_the_picture_it_has(page: FlaskClient) -> None:
    upload = {"file": (BytesIO(TALL_PNG), "me.png")}
    assert "data:image" not in page.post("/search", data=upload, headers={"X-Lookalike-Script": "1"}).text


def test_a_file_that_is_no_picture_by_name_is_not_shown(page: FlaskClient) -> None:
    assert "data:" not in uploaded(page, b"<script>", "me.html").text


def test_distances_are_shown_when_they_were_asked_for(page: FlaskClient, api: FakeApi) -> None:
    api.replies["POST /search"] = as_json(matches(hit("one"), metric="euclidean", exact=False))
    html = page.get("/search?id=two&metric=euclidean").text
    assert "distance 0.42" in html
    assert "approximate" in html
    assert "/search?id=one&metric=euclidean" in links(html), "the next search keeps the settings"


def test_a_calibrated_match_says_first_how_sure_it_is(page: FlaskClient, api: FakeApi) -> None:
    hits = hit("one", match_probability=0.968), hit("two", rank=2, match_probability=0.0)
    of_labels, of_pictures = ({"meaning": meaning, "pairs": 340} for meaning in ("label", "picture"))
    api.replies["POST /search"] = as_json(matches(*hits, calibration=of_labels))
    html = uploaded(page).text
    assert re.search(r"97\N{NO-BREAK SPACE}% sure ·\s+0\.91", html)
    assert re.search(r"under 1\N{NO-BREAK SPACE}% sure ·\s+0\.91", html)
    assert "very close" not in html, "the words of a measured similarity_words would be a second opinion"
    assert "about 90 have the same label" in html
    api.replies["POST /search"] = as_json(matches(*hits, calibration=of_pictures, metric="euclidean"))
    html = uploaded(page).text
    assert re.search(r"97\N{NO-BREAK SPACE}% sure ·\s+distance 0\.42", html)
    assert "about 90 are the same picture" in html


def test_the_report_of_the_live_bundle_is_one_click_away(page: FlaskClient, api: FakeApi) -> None:
    assert "The report" not in uploaded(page).text, "there is none"
    api.replies["POST /search"] = as_json(matches(hit("one"), report_url="//evil.example/report"))
    html = uploaded(page).text
    assert "/reports/20261122-demo/index.html" in links(html)
    assert "How good is this search? The report" in html
    assert "evil" not in html, "what the API calls its address is not one of this page"


def test_a_click_searches_with_an_item(page: FlaskClient, api: FakeApi) -> None:
    html = page.get("/search?id=two&k=35").text
    assert api.requests[-1].json == {"id": "two", "k": 35, "metric": "cosine"}
    assert "<h1>Tall bottle</h1>" in html
    assert "<option selected>35</option>" in html
    assert "/search?id=one&k=35" in links(html)


def test_the_form_without_a_new_picture_searches_with_the_item_again(page: FlaskClient) -> None:
    answer = page.post("/search", data={"id": "a/b", "k": "10", "metric": "euclidean"})
    assert answer.status_code == 303
    assert answer.location == "/search?id=a%2Fb&k=10&metric=euclidean"


def test_no_other_item_is_an_empty_state_not_an_error(page: FlaskClient, api: FakeApi) -> None:
    api.replies["POST /search"] = as_json(matches())
    answer = page.get("/search?id=one")
    assert answer.status_code == 200
    assert "nothing else in the catalogue" in answer.text


def test_items_without_label_or_attributes_are_fine(page: FlaskClient, api: FakeApi) -> None:
    bare: dict[str, Any] = {"label": None, "attributes": {}}
    api.replies["GET /items"] = as_json({"items": [item("one", **bare)], "total": 1})
    api.replies["GET /item?id=one"] = as_json(item("one", **bare))
    api.replies["POST /search"] = as_json(matches(hit("two", **bare)))
    assert page.get("/").status_code == 200
    html = page.get("/search?id=one").text
    assert "None" not in html
    assert 'alt="Match 1"' in html


def test_search_without_a_picture_goes_to_the_start(page: FlaskClient) -> None:
    assert page.get("/search").location == "/"


@pytest.mark.parametrize(
    ("cosine", "words"),
    [(1.0, "nearly the same"), (0.8, "very close"), (0.799, "very close"), (0.79, "close"), (-0.3, "barely alike")],
)
def test_words_agree_with_the_digits_beside_them(cosine: float, words: str) -> None:
    assert similarity_words(cosine) == words


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (1.0, "over 99 % sure"),
        (0.996, "over 99 % sure"),
        (0.994, "99 % sure"),
        (0.006, "1 % sure"),
        (0, "under 1 % sure"),
    ],
)
def test_nothing_is_ever_certain(probability: float, words: str) -> None:
    assert probability_words(probability).replace("\N{NO-BREAK SPACE}", " ") == words


printable = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=128
)


@given(item_id=printable.filter(lambda text: text.strip() and text not in {".", ".."}))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_id_comes_back_as_it_was(page: FlaskClient, api: FakeApi, item_id: str) -> None:
    api.reset()
    api.replies["GET /items"] = as_json({"items": [item(item_id)], "total": 1})
    html = page.get("/").text
    (search,) = [link for link in links(html) if link.startswith("/search?id=")]
    (picture,) = [unescape(source) for source in re.findall(r'<img src="(/pictures[^"]*)"', html)]

    known = dict(api.replies)
    api.fallback = lambda _: known["GET /item?id=one"]
    assert page.get(search).status_code == 200
    assert api.requests[-1].json["id"] == item_id
    path, _, quoted = api.requests[-2].target.partition("?id=")
    assert (path, unquote(quoted)) == ("/item", item_id)
    page.get(picture)
    assert api.requests[-1].target == f"/item/thumbnail?id={quoted}&size=320"
