"""From a link to what the API is asked for: every setting, every part of a query, and back to a link again."""

import json
import re
from datetime import date
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from frontend.forms.search import read
from frontend.search_query import Condition, Crop, SearchQuery
from tests.frontend.fake_api import CURSOR, TALL_PNG, FakeApi, as_json, hit, matches, problem

names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False)
values = st.one_of(st.booleans(), st.integers(-(10**9), 10**9), numbers, names)
conditions = st.one_of(
    st.builds(Condition, st.lists(values, min_size=1, max_size=3, unique_by=json.dumps).map(tuple)),
    st.builds(Condition, st.just(()), numbers, st.none()),
    st.tuples(numbers, numbers).map(lambda ends: Condition((), min(ends), max(ends))),
)
crops = st.tuples(st.integers(0, 99), st.integers(0, 99)).flatmap(
    lambda at: st.builds(Crop, st.just(at[0]), st.just(at[1]), st.integers(1, 100 - at[0]), st.integers(1, 100 - at[1]))
)
searches = st.builds(
    SearchQuery,
    id=names,
    like=st.lists(names, max_size=3, unique=True).map(tuple),
    unlike=st.lists(names, max_size=3, unique=True).map(tuple),
    crop=st.none() | crops.filter(lambda part: (part.width, part.height) != (100, 100)),
    face=st.none() | st.integers(1, 1000),
    k=st.integers(1, 100),
    metric=st.sampled_from(["cosine", "euclidean", "fused"]),
    group=st.none() | st.just("label") | names.map(lambda name: f"attributes.{name}"),
    sure=st.integers(0, 100),
    labels=st.lists(names, max_size=3, unique=True).map(tuple),
    unlabelled=st.booleans(),
    attributes=st.dictionaries(names, conditions, max_size=3),
    created_from=st.none() | st.dates(max_value=date(2026, 1, 1)),
    created_to=st.none() | st.dates(min_value=date(2026, 1, 1)),
)


@given(searches)
def test_a_link_says_all_of_a_search(request: SearchQuery) -> None:
    assert read(MultiDict(request.parameters())) == request


def test_the_api_is_asked_for_all_that_a_link_says(page: FlaskClient, api: FakeApi) -> None:
    link = (
        "/search?id=one&k=5&metric=euclidean&sure=90&group=attributes.shape&label=jug&label=vase&has.glazed=true"
        "&has.colour=%22red%22&has.colour=%22blue%22&least.price=2.5&most.price=10&left=10&top=20&width=50&height=30"
        "&created_from=2026-11-01"
    )
    assert page.get(link).status_code == 200
    assert api.requests[-1].json == {
        "id": "one",
        "k": 5,
        "metric": "euclidean",
        "min_precision": 0.9,
        "group_by": "attributes.shape",
        "filter": {
            "label": ["jug", "vase"],
            "attributes": {"glazed": [True], "colour": ["red", "blue"], "price": {"gte": 2.5, "lte": 10}},
            "created": {"gte": "2026-11-01"},
        },
        "crop": {"x": 0.1, "y": 0.2, "width": 0.5, "height": 0.3},
    }


def test_further_pictures_count_for_and_against(page: FlaskClient, api: FakeApi) -> None:
    page.get("/search?id=one&like=two&unlike=three&metric=fused&sure=90")
    items = [{"id": "one"}, {"id": "two", "weight": 1}, {"id": "three", "weight": -0.5}]
    assert api.requests[-1].json == {"k": 20, "metric": "fused", "items": items}
    upload = {"file": (BytesIO(TALL_PNG), "me.png"), "unlike": "three"}
    page.post("/search", data=upload)
    first, other = api.requests[-1].json["items"]
    assert first["image_base64"].startswith("iVBOR")
    assert other == {"id": "three", "weight": -0.5}
    page.get("/search?like=one")
    assert api.requests[-1].json["id"] == "one", "one alone is the query itself"


def test_an_address_is_passed_on_and_never_fetched_or_shown_by_the_page(page: FlaskClient, api: FakeApi) -> None:
    answer = page.post("/search", data={"address": " https://pictures.example/a.jpg ", "id": "one", "k": "10"})
    assert answer.location == "/search?url=https%3A%2F%2Fpictures.example%2Fa.jpg&k=10"
    html = page.get(answer.location).text
    assert api.requests[-1].json == {"url": "https://pictures.example/a.jpg", "k": 10, "metric": "cosine"}
    assert 'src="https:' not in html
    assert 'href="https:' not in html


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (422, "url_refused", "could not be fetched"),
        (502, "url_failed", "could not be fetched"),
        (504, "url_timeout", "could not be fetched"),
        (410, "cursor_expired", "This link has expired"),
        (422, "unsupported_by_model", "cannot do that"),
    ],
)
def test_what_may_be_wrong_with_a_link_is_explained(
    page: FlaskClient, api: FakeApi, status: int, code: str, words: str
) -> None:
    api.everything(problem(status, code=code, detail="Why it is so."))
    answer = page.get("/search?url=https://pictures.example/a.jpg")
    assert (answer.status_code, words in answer.text, "Why it is so." in answer.text) == (status, True, True)


def test_an_upload_becomes_a_link_without_its_picture(page: FlaskClient, api: FakeApi) -> None:
    html = page.post("/search", data={"file": (BytesIO(TALL_PNG), "me.png"), "k": "50"}).text
    assert f'data-link="/search?k=50&amp;cursor={CURSOR}"' in html
    answer = page.get(f"/search?k=50&cursor={CURSOR}&metric=euclidean")
    assert answer.status_code == 200
    assert api.requests[-1].json == {"k": 50, "metric": "euclidean", "cursor": CURSOR}
    assert "The picture itself is not part of this link" in answer.text


def test_the_next_page_is_a_link_that_still_shows_the_query(page: FlaskClient, api: FakeApi) -> None:
    further = matches(hit("two", rank=21), offset=20, total=21)
    api.replies["POST /search"] = as_json(matches(hit("one"), next_cursor="bmV4dA"))
    assert 'href="/search?id=one&amp;cursor=bmV4dA" data-load-more' in page.get("/search?id=one").text
    api.replies["POST /search"] = as_json(further)
    html = page.get("/search?id=one&cursor=bmV4dA").text
    assert api.requests[-1].json == {"cursor": "bmV4dA", "k": 20, "metric": "cosine"}
    assert "Matches 21 to 21" in html
    assert "<h1>Tall bottle</h1>" in html
    assert 'href="/search?id=two"' in html


def test_each_group_says_how_many_more_there_are(page: FlaskClient, api: FakeApi) -> None:
    result = hit("one", group="jug", more=1234), hit("two", rank=2, group=None, more=3), hit("three", rank=3, more=0)
    api.replies["POST /search"] = as_json(matches(*result))
    html = page.get("/search?id=one&group=attributes.shape").text
    assert html.count("more of this shape") == 1
    assert 'href="/search?id=one&amp;has.shape=%22jug%22" data-same>1,234 more of this shape' in html


def test_nothing_sure_enough_and_nothing_that_passes_are_answers(page: FlaskClient, api: FakeApi) -> None:
    api.replies["POST /search"] = as_json(matches())
    sure = page.get("/search?id=one&sure=95").text
    assert "No match is 95 % sure" in sure
    assert 'href="/search?id=one" data-same>Show the closest' in sure
    filtered = page.get("/search?id=one&label=none").text
    assert "No other picture matches the filters" in filtered
    assert 'href="/search?id=one" data-same>Search among all' in filtered


def test_a_later_page_is_what_is_saved_from_it(page: FlaskClient, api: FakeApi) -> None:
    html = page.get("/search?id=one&cursor=bmV4dA").text
    assert 'href="/search/matches.csv?id=one&amp;cursor=bmV4dA"' in html
    assert 'href="/search/matches.csv?id=one"' in page.get("/search?id=one").text


def test_a_match_of_an_address_can_be_explained(page: FlaskClient, api: FakeApi) -> None:
    api.replies["POST /search"] = as_json(matches(hit("one")))
    assert (
        'href="/why?match=one&amp;url=https%3A%2F%2Fa.example%2Fb.jpg"'
        in page.get("/search?url=https://a.example/b.jpg").text
    )


@pytest.mark.parametrize(
    ("query", "part", "adding"),
    [("id=one", True, True), ("id=one&like=two", False, True), ("id=one&face=1", True, False)],
)
def test_nothing_is_offered_that_the_api_takes_only_alone(
    page: FlaskClient, query: str, part: bool, adding: bool
) -> None:
    html = page.get(f"/search?{query}").text.partition("<template")[0]
    assert ('name="left"' in html) is part
    assert ("Add to the query" in html) is adding


def test_a_search_on_its_way_names_no_picture_of_the_page_before(page: FlaskClient) -> None:
    waiting = (
        page.get("/search?id=one&like=two").text.partition('<template id="searching">')[2].partition("</template>")[0]
    )
    assert 'name="k"' in waiting
    assert 'name="id"' not in waiting
    assert 'name="like"' not in waiting


@pytest.mark.parametrize("path", ["/search", "/browse/", "/search/filters", "/search/matches.csv"])
def test_a_search_that_no_proxy_would_take_as_a_link_says_so(page: FlaskClient, path: str) -> None:
    fields = {"label": [f"label {number}" for number in range(190)], "has.shape": ['"' + "é" * 500 + '"']}
    answer = page.get(path, query_string=fields if path == "/browse/" else fields | {"id": "one"})
    assert answer.status_code == 400
    assert "and a link has up to 4,000. Select fewer labels and values" in answer.text


def test_links_to_further_pages_are_short(page: FlaskClient, api: FakeApi) -> None:
    """The longest search that is taken, with the longest cursor that the API writes."""
    api.replies["POST /search"] = as_json(matches(hit("one"), next_cursor="c" * 1000))
    fields = {"id": "one", "label": [f"label {number}" for number in range(200)]}
    html = page.get("/search", query_string=fields).text
    (further,) = re.findall('href="([^"]*)" data-load-more', html)
    assert len(further.replace("&amp;", "&")) < 5100
