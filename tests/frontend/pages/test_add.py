"""Adding pictures: what reaches the API, and what is said of each."""

import json
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.frontend.conftest import UPLOAD_LIMIT_BYTES, AppFor
from tests.frontend.fake_api import TALL_PNG, FakeApi, as_json, item, problem
from tests.frontend.fake_catalogue import fill
from tests.frontend.pages.search.test_page import links

DESCRIPTION = {"label": "Jug", "name": ["price", "shape"], "kind": ["number", "text"], "value": ["4", ""]}


@pytest.fixture(autouse=True)
def catalogue(api: FakeApi) -> FakeApi:
    return fill(api)


def files(*names: str) -> dict[str, Any]:
    return {"file": [(BytesIO(TALL_PNG), name) for name in names]}


def added(api: FakeApi) -> list[dict[str, bytes]]:
    return [request.form for request in api.requests if request.method == "POST"]


def test_a_picture_reaches_the_api_with_what_is_known_of_it(page: FlaskClient, api: FakeApi) -> None:
    answer = page.post("/add/one", data=DESCRIPTION | files("jug.png"))
    (fields,) = added(api)
    assert (fields["file"], fields["label"]) == (TALL_PNG, b"Jug")
    assert json.loads(fields["attributes"]) == {"price": 4}
    assert answer.json is not None
    assert (answer.json["state"], answer.json["page"]) == ("added", "/items/?id=one")


def test_the_same_file_again_is_said_to_be_there(page: FlaskClient, api: FakeApi) -> None:
    api.replies["POST /items"] = as_json(item("one"), 200)
    answer = page.post("/add/one", data=files("jug.png"))
    assert answer.json is not None
    assert answer.json["state"] == "known"
    assert "1 was in the catalogue already" in page.post("/add/", data=files("jug.png")).text


@pytest.mark.parametrize(("path", "label"), [("shop/jugs/7.png", b"jugs"), ("7.png", b"Jug")])
def test_a_folder_is_a_label_where_that_is_wanted(page: FlaskClient, api: FakeApi, path: str, label: bytes) -> None:
    page.post("/add/one", data=DESCRIPTION | files("7.png") | {"by_folder": "yes", "path": path})
    page.post("/add/", data=DESCRIPTION | files(path) | {"by_folder": "yes"})
    page.post("/add/one", data=DESCRIPTION | files("7.png") | {"path": path})
    assert [fields["label"] for fields in added(api)] == [label, label, b"Jug"]


@pytest.mark.parametrize(
    ("status", "code", "ends"),
    [
        (409, "item_exists", False),
        (413, "too_many_bytes", False),
        (415, "unsupported_format", False),
        (422, "broken_image", False),
        (403, "insufficient_scope", True),
        (429, "rate_limited", True),
        (503, "not_ready", True),
        (507, "storage_full", True),
    ],
)
def test_a_refusal_says_why_and_whether_others_may_fare_better(
    page: FlaskClient, api: FakeApi, status: int, code: str, ends: bool
) -> None:
    later = {"Retry-After": "7"} if status in (429, 503) else {}
    api.replies["POST /items"] = problem(status, detail="Because.", code=code, **later)
    result = page.post("/add/one", data=files("jug.png")).json
    assert result is not None
    assert (result["state"], result["ends"]) == ("refused", ends)
    assert result["why"]
    assert result["advice"]
    assert result["wait"] == (7 if later else None)
    assert "search" not in result["why"].lower() or status in (403, 503)

    text = page.post("/add/", data=files("a.png", "b.png", "c.png")).text
    assert text.count("<strong>") == (1 if ends else 3)
    assert ("2 more were not tried" in text) is ends


@pytest.mark.parametrize(
    ("detail", "text"),
    [
        ("this is a text file", "This kind of file cannot be added. This is a text file. Save it as"),
        ("Not a picture; send one.", "This kind of file cannot be added. Not a picture; send one. Save it as"),
        ("file: send one", "This kind of file cannot be added. file: send one. Save it as"),
    ],
)
def test_what_happened_and_what_to_do_are_sentences(page: FlaskClient, api: FakeApi, detail: str, text: str) -> None:
    api.replies["POST /items"] = problem(415, detail=detail, code="unsupported_format")
    assert f"</strong> {text}" in page.post("/add/", data=files("a.png")).text
    result = page.post("/add/one", data=files("jug.png")).json
    assert result is not None
    assert f"{result['why']} {result['advice']}".startswith(text)
    in_japanese = page.post("/add/one", data=files("jug.png"), headers={"Accept-Language": "ja"}).json
    assert in_japanese is not None
    assert ". " not in in_japanese["why"]


def test_a_mistake_in_the_form_is_said_before_anything_is_added(page: FlaskClient, api: FakeApi) -> None:
    wrong = {"label": "Jug", "name": "price", "kind": "number", "value": "cheap"}
    answer = page.post("/add/", data=wrong | files("a.png"))
    assert answer.status_code == 400
    assert "“price” is to be a number" in answer.text
    assert 'value="cheap"' in answer.text
    result = page.post("/add/one", data=wrong | files("a.png")).json
    assert result is not None
    assert result["ends"]
    assert added(api) == []


def test_a_form_without_a_picture_says_so(page: FlaskClient, api: FakeApi) -> None:
    answer = page.post("/add/", data={"file": (BytesIO(b""), "")})
    assert answer.status_code == 400
    assert "No picture was selected" in answer.text


def test_pictures_together_may_be_larger_than_one(page: FlaskClient, api: FakeApi) -> None:
    half = bytes(UPLOAD_LIMIT_BYTES // 2)
    many = {"file": [(BytesIO(half), f"{n}.png") for n in range(6)]}
    assert page.post("/add/", data=many).status_code == 200
    assert len(added(api)) == 6
    too_many = {"file": [(BytesIO(half), f"{n}.png") for n in range(10)]}
    assert page.post("/add/", data=too_many).status_code == 413


def test_one_that_is_too_large_stops_no_other_one(page: FlaskClient, api: FakeApi) -> None:
    large = {"file": [(BytesIO(bytes(UPLOAD_LIMIT_BYTES + 1)), "large.png"), (BytesIO(TALL_PNG), "small.png")]}
    html = page.post("/add/", data=large).text
    assert "1 picture is added" in html
    assert "large.png" in html
    assert "/items/?id=one" in links(html)


def test_an_api_that_is_down_is_said(app_for: AppFor) -> None:
    answer = app_for("http://127.0.0.1:1").test_client().post("/add/", data=files("a.png", "b.png"))
    assert "lookalike api" not in answer.text
    assert "1 more was not tried" in answer.text
    assert "is not running" in answer.text


def test_another_site_adds_nothing(page: FlaskClient, api: FakeApi) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site"}
    for path in ("/add/", "/add/one"):
        assert page.post(path, data=files("a.png"), headers=foreign).status_code == 403
    assert added(api) == []
