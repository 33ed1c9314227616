"""Whatever the API or the visitor does wrong: a page that says what happened, with the form, and the right status."""

import socket
from collections.abc import Callable
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.frontend.conftest import UPLOAD_LIMIT_BYTES, AppFor
from tests.frontend.fake_api import TALL_PNG, FakeApi, Reply, as_json, hit, item, matches, problem

WAYS_IN: dict[str, Callable[[FlaskClient], TestResponse]] = {
    "start": lambda page: page.get("/"),
    "upload": lambda page: page.post("/search", data={"file": (BytesIO(TALL_PNG), "me.png")}),
    "item": lambda page: page.get("/search?id=one"),
}
HUGE = matches() | item("one") | {"items": [], "total": 0, "padding": "x" * 8_100_000}  # else all is right
FAILURES = {
    "is not HTTP": (Reply(raw=b"SSH-2.0-OpenSSH_9.2\r\n"), 503, "not running"),
    "hangs up": (Reply(raw=b""), 503, "not running"),
    "stops halfway": (Reply(body=b"{", headers={"Content-Length": "999"}), 503, "not running"),
    "is not JSON": (Reply(body=b"<h1>It works!</h1>"), 502, "does not understand"),
    "is JSON of another kind": (as_json({"hello": "world"}), 502, "does not understand"),
    "is huge": (as_json(HUGE), 502, "does not understand"),
    "is half a character": (Reply(body=b'{"items": [], "total": 0, "\xff'), 502, "does not understand"),
    "redirects": (Reply(307, headers={"Location": "/elsewhere"}), 502, "does not understand"),
    "fails": (problem(500, "A bug"), 502, "failed"),
    "fails in plain text": (Reply(500, b"oops", "text/plain"), 502, "does not understand"),
    "asks for a key": (problem(401), 502, "LOOKALIKE_FRONTEND_API_KEY"),
    "is not ready": (problem(503, detail="No bundle is published."), 503, "No bundle is published."),
    "is not ready, says a proxy": (Reply(503, b"<h1>503</h1>", "text/html"), 503, "make demo"),
    "knows no such item": (problem(404), 404, "not in the catalogue"),
    "cannot read the form": (problem(400), 400, "could not be done"),
    "refuses the size": (problem(413), 413, "too large"),
    "refuses the format": (problem(415), 415, "JPEG, PNG, WebP"),
    "refuses the picture": (problem(422, detail="Its bytes stop halfway."), 422, "Its bytes stop halfway."),
    "gets too many requests": (problem(429), 429, "Wait a moment"),
}


def assert_friendly(answer: TestResponse, status: int, words: str) -> None:
    assert answer.status_code == status
    assert words in answer.text
    assert 'type="file"' in answer.text, "the form is kept"
    assert "127.0.0.1" not in answer.text, "where the API is, is nobody's business"
    assert "Content-Security-Policy" in answer.headers


@pytest.mark.parametrize("way_in", WAYS_IN)
@pytest.mark.parametrize("failure", FAILURES)
def test_the_api_fails(page: FlaskClient, api: FakeApi, way_in: str, failure: str) -> None:
    reply, status, words = FAILURES[failure]
    api.everything(reply)
    assert_friendly(WAYS_IN[way_in](page), status, words)
    assert all(request.target != "/elsewhere" for request in api.requests), "redirects are not followed"


@pytest.mark.parametrize("way_in", WAYS_IN)
def test_the_api_hangs(hasty_page: FlaskClient, api: FakeApi, way_in: str) -> None:
    api.everything(Reply(hangs=True))
    assert_friendly(WAYS_IN[way_in](hasty_page), 504, "takes too long")


@pytest.mark.parametrize("way_in", WAYS_IN)
def test_the_api_is_down(app_for: AppFor, way_in: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    page = app_for(f"http://127.0.0.1:{port}").test_client()
    assert_friendly(WAYS_IN[way_in](page), 503, "lookalike api")


@pytest.mark.parametrize(
    "wrong",
    [
        {"hits": [hit("one", cosine="very")]},
        {"hits": [hit("")]},
        {"hits": [hit("x" * 129)]},
        {"hits": [hit("one", attributes=["a", "b"])]},
        {"hits": [hit("one", cosine=float("nan"))]},
        {"hits": None},
        {"metric": "hamming"},
        {"clusters_opened": -1},
        {"milliseconds": {}},
    ],
    ids=str,
)
def test_one_wrong_field_is_not_a_crash(page: FlaskClient, api: FakeApi, wrong: dict[str, object]) -> None:
    api.replies["POST /search"] = as_json(matches(hit("one")) | wrong)
    assert_friendly(WAYS_IN["upload"](page), 502, "does not understand")


def test_the_settings_survive_a_failure(page: FlaskClient, api: FakeApi) -> None:
    api.replies["POST /search"] = problem(415)
    answer = page.post("/search", data={"file": (BytesIO(b"x"), "x.txt"), "k": "50", "metric": "euclidean"})
    assert_friendly(answer, 415, "cannot be searched")
    assert "<option selected>50</option>" in answer.text
    assert '<option value="euclidean" selected>' in answer.text


def test_when_to_come_back_and_what_to_quote_are_passed_on(page: FlaskClient, api: FakeApi) -> None:
    api.everything(problem(503, **{"Retry-After": "7"}))
    answer = page.get("/search?id=one&k=50")
    assert answer.headers["Retry-After"] == "7"
    assert "request-7" in answer.text
    assert 'href="/search?id=one&amp;k=50"' in answer.text, "trying again is the same search"


@pytest.mark.parametrize("excess_bytes", [1, 300_000])
def test_too_large_uploads_are_refused_before_the_api_sees_them(
    page: FlaskClient, api: FakeApi, excess_bytes: int
) -> None:
    upload = BytesIO(bytes(UPLOAD_LIMIT_BYTES + excess_bytes))
    assert_friendly(page.post("/search", data={"file": (upload, "me.png")}), 413, "up to 0.1\N{NO-BREAK SPACE}MB")
    assert not api.requests


def test_the_largest_upload_is_let_through(page: FlaskClient, api: FakeApi) -> None:
    upload = BytesIO(bytes(UPLOAD_LIMIT_BYTES))
    assert page.post("/search", data={"file": (upload, "me.png"), "k": "20"}).status_code == 200
    assert len(api.requests[-1].form["file"]) == UPLOAD_LIMIT_BYTES


def test_sending_no_picture_is_explained(page: FlaskClient, api: FakeApi) -> None:
    assert_friendly(page.post("/search", data={"k": "20"}), 400, "No picture was selected")
    assert not api.requests


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("k=0", "k must be a whole number from 1 to 100"),
        ("k=101", "k must be a whole number from 1 to 100"),
        ("k=0000000001234567", "k must be a whole number from 1 to 100"),
        ("k=many", "k must be a whole number from 1 to 100"),
        ("k=%C2%B2", "k must be a whole number from 1 to 100"),
        ("k=99999999999999999999", "k must be a whole number from 1 to 100"),
        ("metric=hamming", "cosine, euclidean, fused"),
        ("sure=101", "sure must be a whole number from 0 to 100"),
        ("left=-1", "left must be a whole number from 0 to 99"),
        ("width=0", "width must be a whole number from 1 to 100"),
        ("face=0", "face must be a whole number from 1"),
        ("group=price", "grouped by label"),
        ("group=attributes.", "grouped by label"),
        ("has.shape=bottle", "JSON text"),
        ("has.price=1&least.price=1", "cannot be combined"),
        ("least.price=2&most.price=1", "least.price is greater"),
        ("has.shape=[1]", "JSON text"),
        ("has.shape=NaN", "JSON text"),
        ("least.price=cheap", "are numbers"),
        ("created_from=yesterday", "such as 2026-11-24"),
        ("created_to=2026-02-30", "such as 2026-11-24"),
        ("created_to=20261124", "such as 2026-11-24"),
        ("created_from=2026-11-02&created_to=2026-11-01", "is after the last one"),
        ("most.price=inf", "are numbers"),
        ("url=javascript:alert(1)", "begins with https://"),
        ("url=file:///etc/passwd", "begins with https://"),
        ("&".join(f"like={n}" for n in range(16)), "At most 15"),
        ("&".join(f"least.a{n}=1" for n in range(21)), "20 attributes"),
        ("label=" + "x" * 1001, "1000 letters"),
    ],
)
def test_links_that_make_no_sense_are_explained(page: FlaskClient, api: FakeApi, query: str, words: str) -> None:
    assert_friendly(page.get(f"/search?id=one&{query}"), 400, words)
    assert not api.requests


@pytest.mark.parametrize("item_id", [".", "..", "x" * 129, "a\nb", "\N{RIGHT-TO-LEFT OVERRIDE}a"])
def test_what_cannot_be_an_id_never_reaches_the_api(page: FlaskClient, api: FakeApi, item_id: str) -> None:
    assert_friendly(page.get("/search", query_string={"id": item_id}), 404, "not in the catalogue")
    assert page.get("/pictures/full", query_string={"id": item_id}).status_code == 404
    assert not api.requests


@pytest.mark.parametrize("item_id", ["\u2764\ufe0f\u200d\U0001f525", "a\u00a0b", "caf\u00e9", "\U0001fae8"])
def test_ids_of_every_script_and_emoji_reach_the_api(page: FlaskClient, api: FakeApi, item_id: str) -> None:
    assert page.get("/pictures/full", query_string={"id": item_id}).status_code == 200
    assert len(api.requests) == 1


def test_unknown_pages_and_methods_look_like_the_page(page: FlaskClient) -> None:
    assert_friendly(page.get("/nowhere"), 404, "Not Found")
    assert_friendly(page.delete("/search"), 405, "Method Not Allowed")


def test_a_bug_of_ours_is_a_page_too(page: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frontend.api.client.ApiClient.sample", lambda *_: 1 / 0)
    assert_friendly(page.get("/"), 500, "Internal Server Error")


@pytest.mark.parametrize("detail", ["", "/readyz says why."])
def test_why_it_is_not_ready_is_asked_for(page: FlaskClient, api: FakeApi, detail: str) -> None:
    api.everything(problem(503, code="not_ready", detail=detail))
    api.replies["GET /readyz"] = as_json({"status": "unready", "detail": "Nothing is published in artifacts."}, 503)
    answer = page.get("/")
    assert_friendly(answer, 503, "Nothing is published in artifacts.")
    assert "make demo" in answer.text
    assert "/readyz" not in answer.text

    del api.replies["GET /readyz"]
    assert_friendly(page.get("/"), 503, "not ready")


def test_too_much_at_once_is_not_a_missing_model(page: FlaskClient, api: FakeApi) -> None:
    api.everything(problem(503, code="overloaded"))
    answer = page.get("/")
    assert_friendly(answer, 503, "busy")
    assert "make demo" not in answer.text


def test_the_page_is_ready_when_the_api_is(page: FlaskClient, api: FakeApi) -> None:
    api.replies["GET /readyz"] = as_json({"status": "ready"})
    assert page.get("/readyz").status_code == 200
    api.replies["GET /readyz"] = as_json({"status": "unready", "detail": "Loading."}, 503)
    answer = page.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "Loading.\n")
    api.everything(Reply(raw=b""))
    assert page.get("/readyz").status_code == 503


def test_the_page_is_alive_whatever_the_api_does(page: FlaskClient, api: FakeApi) -> None:
    api.everything(Reply(raw=b""))
    assert page.get("/livez").status_code == 200


def test_an_item_that_is_gone_by_the_time_it_is_searched(page: FlaskClient, api: FakeApi) -> None:
    api.replies["GET /item?id=one"] = as_json(item("one"))
    api.replies["POST /search"] = problem(404)
    assert_friendly(WAYS_IN["item"](page), 404, "not in the catalogue")


def test_a_service_that_cannot_write_is_not_a_missing_model(page: FlaskClient, api: FakeApi) -> None:
    api.replies["DELETE /item?id=one"] = problem(503, code="write_unavailable", **{"Retry-After": "3"})
    answer = page.post("/items/delete", data={"id": "one", "sure": "yes"})
    assert_friendly(answer, 503, "Nothing can be changed at the moment")
    assert answer.headers["Retry-After"] == "3"
    assert "make demo" not in answer.text
