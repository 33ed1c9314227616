"""Pictures pass through the page: bytes and caching unchanged, and nothing but pictures."""

import pytest
from flask.testing import FlaskClient

from frontend.api.connection import ApiUnreachable
from tests.frontend.conftest import AppFor
from tests.frontend.fake_api import TALL_PNG, FakeApi, Reply, as_json, item, problem

THUMBNAIL = "/pictures/thumbnail?id=one&size=160"


def test_bytes_and_caching_pass_through(page: FlaskClient, api: FakeApi) -> None:
    kept = {"ETag": '"abc"', "Cache-Control": "public, max-age=60", "Last-Modified": "Sun, 22 Nov 2026 17:00:00 GMT"}
    picture = bytes(range(256)) * 1000
    api.everything(Reply(body=picture, media_type="image/webp", headers=kept | {"Set-Cookie": "a=b"}))
    answer = page.get(THUMBNAIL)
    assert api.requests[-1].target == "/item/thumbnail?id=one&size=160"
    assert answer.data == picture
    assert answer.content_type == "image/webp"
    assert answer.content_length == len(picture)
    assert {name: answer.headers[name] for name in kept} == kept
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_full_picture_is_the_items_image(page: FlaskClient, api: FakeApi) -> None:
    assert page.get("/pictures/full?id=one").data == TALL_PNG
    assert api.requests[-1].target == "/item/image?id=one&format=browser"


def test_what_the_browser_has_is_not_sent_again(page: FlaskClient, api: FakeApi) -> None:
    api.everything(Reply(304, headers={"ETag": '"abc"'}))
    answer = page.get(THUMBNAIL, headers={"If-None-Match": '"abc"'})
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == '"abc"'
    assert api.requests[-1].headers["If-None-Match"] == '"abc"'


@pytest.mark.parametrize(("etag", "is_kept"), [("a" * 64, True), ("b" * 64, False)], ids=["same", "replaced"])
def test_a_thumbnail_of_this_very_content_is_kept_for_good(
    page: FlaskClient, api: FakeApi, etag: str, is_kept: bool
) -> None:
    api.everything(Reply(body=TALL_PNG, media_type="image/png", headers={"ETag": f'"{etag}-160-srgb"'}))
    answer = page.get(f"{THUMBNAIL}&sha256={'a' * 64}")
    assert ("immutable" in answer.headers["Cache-Control"]) is is_kept


def test_pages_name_the_content_of_their_thumbnails(page: FlaskClient, api: FakeApi) -> None:
    api.replies["GET /item?id=one"] = as_json(item("one", sha256="c" * 64))
    html = page.get("/items/?id=one").text
    assert html.count(f"&amp;sha256={'c' * 64}") == 4


def test_no_credentials_of_the_visitor_reach_the_api(page: FlaskClient, api: FakeApi) -> None:
    page.get(THUMBNAIL, headers={"Cookie": "session=1", "Authorization": "Bearer x"})
    assert not {"cookie", "authorization"} & {name.lower() for name in api.requests[-1].headers}


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "IMAGE/SVG+XML", "application/json", ""])
def test_only_pictures_pass(page: FlaskClient, api: FakeApi, media_type: str) -> None:
    api.everything(Reply(body=b"<script>alert(1)</script>", media_type=media_type))
    answer = page.get(THUMBNAIL)
    assert answer.status_code == 502
    assert b"script" not in answer.data


@pytest.mark.parametrize(("reply", "status"), [(problem(404), 404), (problem(503), 503), (Reply(raw=b""), 503)])
def test_failures_are_a_bare_status(page: FlaskClient, api: FakeApi, reply: Reply, status: int) -> None:
    api.everything(reply)
    answer = page.get(THUMBNAIL)
    assert (answer.status_code, answer.data) == (status, b"")


def test_a_picture_that_never_comes_is_given_up(hasty_page: FlaskClient, api: FakeApi) -> None:
    api.everything(Reply(hangs=True))
    assert hasty_page.get(THUMBNAIL).status_code == 504


def test_half_a_picture_is_never_passed_off_as_whole(page: FlaskClient, api: FakeApi) -> None:
    api.everything(Reply(body=TALL_PNG, media_type="image/png", headers={"Content-Length": "9999"}))
    with pytest.raises(ApiUnreachable):  # after the headers are out, breaking the connection is all that can be done
        page.get(THUMBNAIL)


@pytest.mark.parametrize("query", ["", "id=", "id=one&size=161", "id=one&size=huge"])
def test_other_sizes_do_not_exist(page: FlaskClient, api: FakeApi, query: str) -> None:
    status = page.get(f"/pictures/thumbnail?{query}").status_code
    assert status == 404
    assert not api.requests


def test_the_environments_proxies_are_not_used(app_for: AppFor, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert app_for(api.url).test_client().get(THUMBNAIL).data == TALL_PNG
