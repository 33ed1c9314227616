"""What makes the page quick: compressed answers, and calls to the API at the same time."""

import gzip
import threading

import pytest
from flask.testing import FlaskClient

from tests.frontend.fake_api import FakeApi, ReceivedRequest, Reply, as_json
from tests.frontend.fake_catalogue import fill


@pytest.mark.parametrize("path", ["/", "/static/css/base.css", "/static/js/search.js"])
def test_text_is_compressed_for_whoever_reads_that(page: FlaskClient, path: str) -> None:
    plain = page.get(path, buffered=True)
    packed = page.get(path, headers={"Accept-Encoding": "gzip"}, buffered=True)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < 0.6 * len(plain.data)
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert "Content-Encoding" not in plain.headers
    assert page.head(path, headers={"Accept-Encoding": "gzip"}, buffered=True).status_code == 200


def test_what_a_browser_has_is_not_sent_again_when_compressed(page: FlaskClient) -> None:
    headers = {"Accept-Encoding": "gzip"}
    etag = page.get("/static/css/base.css", headers=headers, buffered=True).headers["ETag"]
    again = page.get("/static/css/base.css", headers=headers | {"If-None-Match": etag}, buffered=True)
    assert (again.status_code, again.data) == (304, b"")


def test_pictures_are_passed_on_as_they_are(page: FlaskClient) -> None:
    answer = page.get("/pictures/thumbnail?id=one&size=160", headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["ETag"] == '"red"'


def test_browsing_asks_for_everything_at_the_same_time(page: FlaskClient, api: FakeApi) -> None:
    """Each answer waits until all three requests are there: one after the other, they would never be."""
    fill(api)
    together = threading.Barrier(3, timeout=30)
    known = {name: api.replies.pop(name) for name in ("POST /items/list", "GET /labels", "GET /facets")}

    def reply(request: ReceivedRequest) -> Reply:
        together.wait()
        return known[f"{request.method} {request.target.partition('?')[0]}"]

    api.fallback = reply
    assert page.get("/browse/").status_code == 200


def test_the_first_error_of_several_calls_is_shown(page: FlaskClient, api: FakeApi) -> None:
    fill(api)
    api.replies |= {name: as_json({}) for name in ("POST /items/list", "GET /labels", "GET /facets")}
    answer = page.get("/browse/")
    assert answer.status_code == 502
    assert "does not understand" in answer.text
