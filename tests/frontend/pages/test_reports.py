"""Reports pass through the page: bytes and caching unchanged, and under their own policy whatever the API sends."""

import pytest
from flask.testing import FlaskClient

from api.routes.bundles import REPORT_HEADERS
from tests.frontend.fake_api import FakeApi, Reply, problem
from tests.frontend.test_messages import assert_friendly

REPORT = b"<!doctype html><title>Report</title><script>1</script>"


def test_a_report_comes_as_it_is_under_the_policy_that_the_api_sends_with_it(page: FlaskClient, api: FakeApi) -> None:
    lax = {
        "Content-Security-Policy": "default-src *",
        "Set-Cookie": "a=b",
        "ETag": '"abc"',
        "Cache-Control": "no-cache",
    }
    api.replies["GET /bundles/20261122-demo/report/index.html"] = Reply(200, REPORT, "text/html; charset=utf-8", lax)
    answer = page.get("/reports/20261122-demo/index.html")
    assert (answer.status_code, answer.data, answer.content_type) == (200, REPORT, "text/html; charset=utf-8")
    assert answer.headers.getlist("Content-Security-Policy") == [REPORT_HEADERS["Content-Security-Policy"]]
    assert "sandbox allow-scripts allow-downloads" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (answer.headers["ETag"], answer.headers["Cache-Control"]) == ('"abc"', "no-cache")
    assert "Set-Cookie" not in answer.headers


def test_what_the_browser_has_is_not_sent_again(page: FlaskClient, api: FakeApi) -> None:
    api.everything(Reply(304, headers={"ETag": '"abc"'}))
    answer = page.get("/reports/demo/index.html", headers={"If-None-Match": '"abc"'})
    assert (answer.status_code, answer.data) == (304, b"")
    assert api.requests[-1].headers["If-None-Match"] == '"abc"'


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("demo/lonely.csv", "/bundles/demo/report/lonely.csv"),
        ("demo/sheets/epoch%201.png", "/bundles/demo/report/sheets%2Fepoch%201.png"),
        ("demo/a%3Fb%23c", "/bundles/demo/report/a%3Fb%23c"),
        ("demo/sheets/%2e%2e/%2e%2e/manifest.json", "/bundles/demo/report/sheets%2F..%2F..%2Fmanifest.json"),
    ],
)
def test_a_name_reaches_the_api_as_one_name(page: FlaskClient, api: FakeApi, name: str, target: str) -> None:
    api.everything(Reply(body=b"1", media_type="text/csv"))
    assert page.get(f"/reports/{name}").data == b"1"
    assert api.requests[-1].target == target


@pytest.mark.parametrize("name", ["demo/%2e%2e", "%2e%2e/index.html", "./index.html"])
def test_no_name_leads_out_of_the_reports(page: FlaskClient, api: FakeApi, name: str) -> None:
    assert page.get(f"/reports/{name}").status_code == 404
    assert not api.requests


@pytest.mark.parametrize(
    ("reply", "status", "words"),
    [
        (problem(404, code="bundle_missing"), 404, "This model is not there"),
        (problem(404, code="report_missing"), 404, "There is no such report"),
        (problem(503, code="bundle_damaged"), 503, "This model is damaged"),
        (Reply(raw=b""), 503, "not running"),
        (Reply(raw=b"SSH"), 503, "not running"),
    ],
)
def test_a_failure_is_a_page_under_the_pages_own_policy(
    page: FlaskClient, api: FakeApi, reply: Reply, status: int, words: str
) -> None:
    api.everything(reply)
    answer = page.get("/reports/demo/index.html")
    assert_friendly(answer, status, words)
    assert "sandbox" not in answer.headers["Content-Security-Policy"]
