"""Several bundles loaded at once, and searches that name one."""

import base64
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import OpenApi
from tests.api.serving.activation.conftest import SHOP, search, until
from tests.api.test_errors import check_problem


@pytest.fixture(params=['["new"]', "all"])
def both(
    artifacts: Path, open_api: OpenApi, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    """The API with both bundles loaded, as the environment may ask for it."""
    monkeypatch.setenv("LOOKALIKE_BUNDLES", request.param)
    opened = open_api(artifacts=artifacts)
    while not all(each["loaded"] for each in opened.get("/bundles").json()["bundles"]):
        time.sleep(0.01)
    yield opened


def test_every_way_of_asking_asks_the_bundle_that_it_names(both: TestClient) -> None:
    data, item = SHOP[3].data, SHOP[3].id
    assert search(both, data)["bundle"] == "old"
    new, old = search(both, data, bundle="new"), search(both, data, bundle="old")
    assert (new["bundle"], old["bundle"]) == ("new", "old")
    assert [hit["cosine"] for hit in new["hits"]] != [hit["cosine"] for hit in old["hits"]]
    assert both.post("/search", json={"id": item, "bundle": "new"}).json()["bundle"] == "new"
    assert both.get("/search", params={"id": item, "bundle": "new"}).json()["bundle"] == "new"
    queries = [{"id": item, "bundle": name} for name in ("new", "old", "third", "new")]
    pictured = [
        {"image_base64": base64.b64encode(data).decode(), "k": 5} | ({"bundle": name} if name else {})
        for name in ("new", "")
    ]
    answers = both.post("/search/batch", json={"queries": [*queries, *pictured]}).json()["answers"]
    assert [answer.get("bundle") for answer in answers] == ["new", "old", None, "new", "new", "old"]
    assert answers[2]["code"] == "bundle_missing"
    assert [answers[4]["hits"], answers[5]["hits"]] == [new["hits"], old["hits"]]
    assert both.post("/explain", json={"id": item, "item": item, "bundle": "new"}).json()["bundle"] == "new"
    for path, body in (("/search", {"id": item}), ("/explain", {"id": item, "item": item}), ("/faces", {"id": item})):
        check_problem(both.post(path, json=body | {"bundle": "third"}), 404, "bundle_missing")
    check_problem(both.get("/search", params={"id": item, "bundle": "third"}), 404, "bundle_missing")


def test_pages_stay_with_their_bundle_as_long_as_it_is_loaded(both: TestClient, artifacts: Path) -> None:
    whole = [hit["id"] for hit in search(both, SHOP[3].data, k="20")["hits"]]
    page = search(both, SHOP[3].data)
    assert both.post("/bundles/new/activate").json()["live"]
    if not both.get("/bundles").json()["bundles"][1]["loaded"]:
        check_problem(both.get(page["next"]), 410, "cursor_expired")
        return
    ids = [hit["id"] for hit in page["hits"]]
    while page["next"]:
        page = both.get(page["next"]).json()
        assert page["bundle"] == "old"
        ids += [hit["id"] for hit in page["hits"]]
    assert ids == whole


def test_a_bundle_beside_the_live_one_that_cannot_be_loaded_is_named(artifacts: Path, open_api: OpenApi) -> None:
    client = open_api(artifacts=artifacts, bundles=("absent", "new"))
    ready = until(client, lambda ready: ready["status"] == "degraded")
    assert "absent" in ready["detail"]
    while not client.get("/bundles").json()["bundles"][0]["loaded"]:
        time.sleep(0.01)
    assert search(client, SHOP[3].data, bundle="new")["bundle"] == "new"
