"""What there is beside the matches: filters, faces, why, files to save; and who may send forms."""

import csv
from io import BytesIO, StringIO

import pytest
from flask.testing import FlaskClient

from frontend.app import create_app
from frontend.settings import Settings
from tests.frontend.conftest import AppFor
from tests.frontend.fake_api import CURSOR, TALL_PNG, FakeApi, as_json, hit, matches, problem
from tests.frontend.test_messages import assert_friendly

FACETS = {
    "facets": [
        {"attribute": "glazed", "values": [{"value": True, "count": 3}], "distinct": 2, "least": None, "most": None},
        {
            "attribute": "price",
            "values": [{"value": 2.5, "count": 9}],
            "distinct": 300,
            "least": 0.5,
            "most": 90,
        },
        {"attribute": "stock", "values": [{"value": 1, "count": 4}], "distinct": 1, "least": 1, "most": 1},
    ]
}


@pytest.fixture
def catalogue(api: FakeApi) -> FakeApi:
    api.replies["GET /labels"] = as_json({"labels": [{"value": "jug", "count": 1200}], "distinct": 81})
    api.replies["GET /facets"] = as_json(FACETS)
    return api


def test_filters_are_counted_without_their_own_condition(page: FlaskClient, catalogue: FakeApi) -> None:
    html = page.get("/search/filters?id=one&label=jug&has.glazed=true").text
    request = {
        target: [each.query["filter"][0] for each in catalogue.requests if each.target.startswith(target)]
        for target in ("/labels", "/facets")
    }
    assert request["/labels"] == ['{"attributes": {"glazed": [true]}}']
    assert request["/facets"] == ['{"label": ["jug"], "attributes": {"glazed": [true]}}', '{"label": ["jug"]}']
    assert '<input type="checkbox" name="label" value="jug" checked>' in html
    assert '<input type="checkbox" name="has.glazed" value="true" checked>' in html
    assert '<input type="checkbox" name="has.stock" value="1">' in html, "few values are boxes"
    assert 'name="least.price" value="" placeholder="0.5"' in html, "many numbers are a range"
    assert "1,200" in html
    assert "of 81 labels" in html


def test_a_value_that_is_chosen_stays_when_it_is_not_among_the_frequent_ones(
    page: FlaskClient, catalogue: FakeApi
) -> None:
    html = page.get("/search/filters?id=one&label=rare&has.stock=7&has.stock=true").text
    for name, value in (("label", "rare"), ("has.stock", "7"), ("has.stock", "true")):
        assert f'<input type="checkbox" name="{name}" value="{value}" checked>' in html


def test_why_shows_both_maps_of_the_part_that_was_searched_with(page: FlaskClient, api: FakeApi) -> None:
    api.replies["POST /explain"] = as_json(
        {"cosine": 0.876, **{side: {"overlay_png_base64": "iVBORw0KGgo="} for side in ("query", "item")}}
    )
    html = page.get("/why?id=one&match=two&left=0&top=0&width=50&height=50&k=50").text
    assert api.requests[-1].json == {"id": "one", "item": "two", "crop": {"x": 0, "y": 0, "width": 0.5, "height": 0.5}}
    assert html.count('src="data:image/png;base64,iVBORw0KGgo="') == 2
    assert "0.88" in html
    assert 'href="/search?id=one&amp;left=0&amp;top=0&amp;width=50&amp;height=50&amp;k=50"' in html, "the way back"

    upload = {"file": (BytesIO(TALL_PNG), "me.png"), "match": "two", "face": "2"}
    assert page.post("/why", data=upload).status_code == 200
    assert api.requests[-1].form == {"file": TALL_PNG, "face": b"2", "item": b"two"}
    assert_friendly(page.post("/why", data={"match": "two"}), 400, "No picture was selected")
    for half in ("/why?id=one", "/why?match=two"):
        assert_friendly(page.get(half), 404, "Not Found")
    api.replies["POST /explain"] = problem(422, code="unsupported_by_model", detail="No cells.")
    assert_friendly(page.get("/why?id=one&match=two"), 422, "cannot do that")


def test_a_heat_map_is_a_picture_and_nothing_else(page: FlaskClient, api: FakeApi) -> None:
    sides = {side: {"overlay_png_base64": '"><script>'} for side in ("query", "item")}
    api.replies["POST /explain"] = as_json({"cosine": 0.5, **sides})
    assert_friendly(page.get("/why?id=one&match=two"), 502, "does not understand")


def test_faces_are_told_in_percent_of_the_picture(page: FlaskClient, api: FakeApi) -> None:
    face = {"face": 1, "x": 20, "y": 10, "width": 50, "height": 40, "confidence": 0.9, "landmarks": None}
    api.replies["POST /faces"] = as_json({"width": 200, "height": 100, "faces": [face]})
    request = {"file": (BytesIO(TALL_PNG), "me.png")}
    faces = page.post("/search/faces", data=request).json
    assert faces == [{"face": 1, "left": 10, "top": 10, "width": 25, "height": 40}]
    assert page.post("/search/faces", data={"id": "one"}).json == faces
    assert api.requests[-1].json == {"id": "one"}
    assert page.post("/search/faces", data={"url": "https://a.example"}).status_code == 204


@pytest.mark.parametrize(
    ("code", "status", "page_status"),
    [("unsupported_by_model", 422, 204), ("face_missing", 422, 204), ("overloaded", 503, 503)],
)
def test_where_there_are_no_faces_the_page_goes_on(
    page: FlaskClient, api: FakeApi, code: str, status: int, page_status: int
) -> None:
    api.replies["POST /faces"] = problem(status, code=code)
    answer = page.post("/search/faces", data={"id": "one"})
    assert (answer.status_code, answer.data) == (page_status, b"")


def test_matches_are_saved_as_they_are_shown(page: FlaskClient, api: FakeApi) -> None:
    hits = hit("=1+1", label="@SUM(A1)", attributes={"price": -3.5, "-x": "\n+1"}), hit("two", rank=2, attributes={})
    api.replies["POST /search"] = api.replies["GET /search"] = as_json(matches(*hits))
    answer = page.get("/search/matches.json?id=one&k=7&metric=euclidean")
    assert api.requests[-1].json == {"id": "one", "k": 7, "metric": "euclidean"}
    assert [each["id"] for each in answer.json["hits"]] == ["=1+1", "two"]
    assert answer.headers["Content-Disposition"] == 'attachment; filename="matches.json"'
    table = page.get(f"/search/matches.csv?cursor={CURSOR}").text
    first, second = csv.DictReader(StringIO(table))
    assert (first["id"], first["label"], first["attributes.-x"]) == ("'=1+1", "'@SUM(A1)", "'\n+1"), "no formulas"
    assert (first["attributes.price"], second["attributes.price"]) == ("-3.5", "")
    assert first["created"] == "2026-11-24T18:05:42.000001+00:00"
    for nothing in ("/search/matches.csv", "/search/matches.exe?id=one"):
        assert page.get(nothing).status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Origin": "http://localhost"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({"Origin": "http://localhost:81"}, 403),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/search", "/why", "/search/faces", "/nowhere"])
def test_no_other_site_sends_forms(
    page: FlaskClient, api: FakeApi, path: str, headers: dict[str, str], status: int
) -> None:
    answer = page.post(path, data={"file": (BytesIO(TALL_PNG), "me.png")}, headers=headers)
    if status == 403:
        assert answer.status_code == 403
        assert not api.requests
    else:
        assert answer.status_code != 403
    assert page.get("/", headers=headers).status_code == 200, "links from elsewhere are fine"


def test_the_key_goes_to_the_api_and_nowhere_else(api: FakeApi, app_for: AppFor) -> None:
    page = create_app(Settings(api_url=api.url, frontend_api_key="s3cret-key")).test_client()
    answers = [page.get("/"), page.get("/search?id=one"), page.get("/pictures/full?id=one")]
    assert {request.headers["Authorization"] for request in api.requests} == {"Bearer s3cret-key"}
    api.everything(problem(403, code="insufficient_scope"))
    answers.append(page.get("/"))
    assert_friendly(answers[-1], 502, "refuses the key of this page")
    assert all(b"s3cret" not in answer.data + str(answer.headers).encode() for answer in answers)
    app_for(api.url).test_client().get("/")
    assert "Authorization" not in api.requests[-1].headers


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "schlüssel"])
def test_a_key_that_cannot_be_sent_is_named(key: str) -> None:
    with pytest.raises(ValueError, match="without spaces"):
        Settings(frontend_api_key=key)
