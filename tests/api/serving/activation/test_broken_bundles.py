"""What a bundle that cannot be served does: the one before it goes on, and the reason is told."""

import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from retrieval import bundle as bundles
from tests.api.conftest import OpenApi
from tests.api.serving.activation.conftest import SHOP, search, until
from tests.api.test_errors import check_problem


def name_in_current(artifacts: Path, bundle_id: str) -> None:
    """Publish without any check, as a careless hand may."""
    part = artifacts / "part"
    part.write_text(f"{bundle_id}\n")
    part.replace(artifacts / "CURRENT")


def damage(artifacts: Path, name: str) -> bytes:
    path = artifacts / name
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return whole


@pytest.mark.parametrize("name", ["bundles/new/encoder.onnx", "bundles/new/training/config.toml", "vectors/new.sqlite"])
def test_a_broken_bundle_leaves_the_old_one_serving_and_says_why(
    client: TestClient, artifacts: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    bundles.publish(artifacts, "old")
    whole = damage(artifacts, name)
    name_in_current(artifacts, "new")
    ready = until(client, lambda ready: ready["status"] != "ready")
    assert (ready["status"], ready["bundle"]) == ("degraded", "old")
    assert Path(name).name in ready["detail"]
    assert client.get("/readyz").status_code == 200
    assert search(client, SHOP[3].data)["bundle"] == "old"
    time.sleep(0.1)
    assert len([line for line in caplog.messages if "cannot serve" in line]) == 1, "not again at each look"
    (artifacts / name).write_bytes(whole)
    bundles.publish(artifacts, "new")
    assert until(client, lambda ready: ready["status"] == "ready")["bundle"] == "new"


def test_a_way_back_from_a_broken_bundle(client: TestClient, artifacts: Path) -> None:
    name_in_current(artifacts, "no such bundle")
    until(client, lambda ready: ready["status"] == "degraded")
    assert client.post("/bundles/old/activate").json()["live"]
    ready = client.get("/readyz").json()
    assert ready == {"status": "ready", "bundle": "old", "items": 20, "writes": "available", "detail": None}


def test_what_cannot_be_served_is_not_activated(client: TestClient, artifacts: Path) -> None:
    for absent in ("third", "%2e%2e", "%2e%2e%2fbundles%2fnew", ".new.draft"):
        check_problem(client.post(f"/bundles/{absent}/activate"), 404, "bundle_missing")
    damage(artifacts, "bundles/new/encoder.onnx")
    check_problem(client.post("/bundles/new/activate"), 503, "bundle_damaged")
    assert client.get("/readyz").json()["status"] == "ready", "CURRENT was not touched"
    assert bundles.current(artifacts) == "old"


def test_a_bundle_that_fails_only_while_it_is_loaded_is_reported_and_not_left_published(
    client: TestClient, artifacts: Path
) -> None:
    """Else the next start would serve nothing."""
    damage(artifacts, "vectors/new.sqlite")
    answer = client.post("/bundles/new/activate")
    check_problem(answer, 503, "bundle_damaged")
    assert "vectors/new.sqlite" in answer.json()["detail"]
    assert bundles.current(artifacts) == "old"
    ready = client.get("/readyz").json()
    assert ready == {"status": "ready", "bundle": "old", "items": 20, "writes": "available", "detail": None}
    assert search(client, SHOP[3].data)["bundle"] == "old"


def test_where_nothing_is_live_a_bundle_that_cannot_be_loaded_says_so(artifacts: Path, open_api: OpenApi) -> None:
    damage(artifacts, "vectors/old.sqlite")
    damage(artifacts, "vectors/new.sqlite")
    client = open_api(artifacts=artifacts, wait=False)
    answer = client.post("/bundles/new/activate")
    check_problem(answer, 503, "bundle_damaged")
    assert "/readyz" in answer.json()["detail"]
    assert "vectors/new.sqlite" in client.get("/readyz").json()["detail"]
