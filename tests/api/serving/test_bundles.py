"""GET /bundles and the reports below it: what is listed, what is served, and that nothing else is."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from api.settings import Settings
from retrieval import bundle as bundles
from tests.api.conftest import OpenApi, until_ready
from tests.api.test_errors import check_problem
from tests.support.bundles import picture, pieces, write_artifacts, write_bundle

PAGE = "<!doctype html><title>Report</title><script>1</script>"
FILES = {
    "index.html": (PAGE.encode(), "text/html; charset=utf-8"),
    "lonely.csv": (b"id,distance\na,0.5\n", "text/csv; charset=utf-8"),
    "report.json": (b"{}", "application/json"),
    "autoencoder/epoch 1+\u00fc.png": (b"pixels", "image/png"),
    "drawing.svg": (b"<svg/>", "image/svg+xml"),
    "other.bin": (b"\0", "application/octet-stream"),
}


@pytest.fixture
def reported(tmp_path: Path) -> Path:
    """Artifacts with two bundles: "old" without a report, and "new" with one, which is published."""
    report = tmp_path / "report"
    for name, (content, _) in FILES.items():
        (report / name).parent.mkdir(parents=True, exist_ok=True)
        (report / name).write_bytes(content)
    artifacts, made = tmp_path / "artifacts", pieces(12)
    write_artifacts(artifacts, made, bundle_id="old")
    write_artifacts(artifacts, made, bundle_id="new", report=report)
    return artifacts


@pytest.fixture
def reports(reported: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(artifacts=reported, workers=2))) as client:
        yield until_ready(client)


def test_what_can_be_served_is_listed_and_which_one_is_live(reports: TestClient) -> None:
    new, old = reports.get("/bundles").json()["bundles"]
    assert (new["id"], new["live"], new["report_url"]) == ("new", True, "/bundles/new/report/index.html")
    assert (old["id"], old["live"], old["report_url"]) == ("old", False, None)
    assert new["created"] > old["created"]
    assert (new["encoder"], new["stage"], new["items"], new["preset"]) == ("tiny", "frozen", 12, None)
    assert new["metrics"] == {"frozen": {"map": 0.5, "queries": 40}}
    assert new["intervals"] == {"frozen": {"map": [0.4, 0.6]}}
    assert reports.get(new["report_url"]).text == PAGE
    assert reports.post("/search", files={"file": picture(1)}).json()["report_url"] == new["report_url"]


def test_what_cannot_be_served_is_not_listed(reported: Path, open_api: OpenApi) -> None:
    (bundles.bundle_path(reported, "old") / "manifest.json").write_text("{}")
    shutil.copytree(bundles.bundle_path(reported, "new"), bundles.bundle_path(reported, ".new.draft"))
    shutil.copytree(bundles.bundle_path(reported, "new"), bundles.bundle_path(reported, "renamed"))
    bundles.bundle_path(reported, "empty").mkdir()
    write_bundle(reported, [picture(n) for n in range(12)], "without-vectors")
    listed = open_api(artifacts=reported).get("/bundles").json()["bundles"]
    assert [bundle["id"] for bundle in listed] == ["new"]


def test_bundles_are_listed_and_reports_shown_while_nothing_can_be_searched(reported: Path, open_api: OpenApi) -> None:
    (reported / "CURRENT").unlink()
    client = open_api(artifacts=reported, wait=False)
    assert [bundle["live"] for bundle in client.get("/bundles").json()["bundles"]] == [False, False]
    assert client.get("/bundles/new/report/index.html").status_code == 200
    nowhere = open_api(artifacts=reported / "nowhere", wait=False)
    assert nowhere.get("/bundles").json() == {"bundles": []}


@pytest.mark.parametrize("name", FILES)
def test_a_report_comes_as_it_was_written_and_may_load_nothing(reports: TestClient, name: str) -> None:
    content, media_type = FILES[name]
    answer = reports.get(f"/bundles/new/report/{quote(name)}")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, content, media_type)
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts allow-downloads"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = reports.get(f"/bundles/new/report/{quote(name)}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("new/report/", "report_missing"),
        ("new/report/nothing.html", "report_missing"),
        ("new/report/..%2Fmanifest.json", "report_missing"),
        ("new/report/%2e%2e/encoder.onnx", "report_missing"),
        ("new/report/index.html%00", "report_missing"),
        ("new/report/index.html/", "report_missing"),
        ("old/report/index.html", "report_missing"),
        ("third/report/index.html", "bundle_missing"),
        ("%2e%2e/report/index.html", "bundle_missing"),
        ("..%2Fbundles%2Fnew/report/index.html", "bundle_missing"),
        (".new.draft/report/index.html", "bundle_missing"),
        ("new%00/report/index.html", "bundle_missing"),
        ("empty/report/index.html", "bundle_missing"),
    ],
)
def test_nothing_else_is_served(reports: TestClient, reported: Path, path: str, code: str) -> None:
    bundles.bundle_path(reported, "empty").mkdir()
    shutil.copytree(bundles.bundle_path(reported, "new"), bundles.bundle_path(reported, ".new.draft"))
    check_problem(reports.get(f"/bundles/{path}"), 404, code)


def test_a_file_that_the_manifest_does_not_list_is_not_served(reports: TestClient, reported: Path) -> None:
    (bundles.bundle_path(reported, "new") / "report" / "slipped in.html").write_text("<script>")
    check_problem(reports.get("/bundles/new/report/slipped%20in.html"), 404, "report_missing")


@pytest.mark.parametrize("damaged", ["report/index.html", "manifest.json", "manifest.sha256"])
def test_a_file_that_has_changed_is_not_served(
    reports: TestClient, reported: Path, damaged: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = bundles.bundle_path(reported, "new") / damaged
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    check_problem(reports.get("/bundles/new/report/index.html"), 503, "bundle_damaged")
    assert path.name in caplog.text, "the log says what the answer does not"
    path.unlink()
    assert reports.get("/bundles/new/report/index.html").status_code in {404, 503}


def test_searches_go_on_beside_a_report_that_has_changed(reports: TestClient, reported: Path) -> None:
    (bundles.bundle_path(reported, "new") / "report" / "index.html").write_text("another")
    assert reports.post("/search", files={"file": picture(1)}).status_code == 200
