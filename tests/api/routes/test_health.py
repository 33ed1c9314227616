"""/livez and /readyz: what they say before, while and after something can be served."""

import time

import pytest
from fastapi.testclient import TestClient

from api.serving import engine
from retrieval import bundle as bundles
from tests.api.conftest import OpenApi, Shop
from tests.support.bundles import picture, pieces, write_artifacts


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LOOK_SECONDS", 0.02)


def wait_for(client: TestClient, status: str) -> dict[str, object]:
    while (answer := client.get("/readyz").json())["status"] != status:
        assert answer["status"] != "ready", "and it would stay so"
        time.sleep(0.01)
    return answer


def test_a_ready_api_says_what_it_serves(client: TestClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "bundle": "tiny", "items": 60, "writes": "available", "detail": None}
    assert client.get("/livez").json() == {"status": "alive"}


def test_it_starts_without_a_bundle_and_serves_it_once_it_is_published(own_shop: Shop, open_api: OpenApi) -> None:
    (own_shop.artifacts / "CURRENT").unlink()
    client = open_api(artifacts=own_shop.artifacts, wait=False)
    assert "make demo" in str(wait_for(client, "no_bundle")["detail"])
    answer = client.get("/readyz")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/json")
    assert client.get("/livez").status_code == 200
    for refused in (client.post("/search", files={"file": picture(1)}), client.get("/items"), client.get("/item?id=a")):
        assert (refused.status_code, refused.json()["code"]) == (503, "not_ready")
        assert int(refused.headers["retry-after"]) > 0
    bundles.publish(own_shop.artifacts, "tiny")
    wait_for(client, "ready")
    assert client.post("/search", files={"file": picture(1)}).status_code == 200


def test_an_artifacts_folder_that_is_not_there_yet_is_no_bundle(open_api: OpenApi, own_shop: Shop) -> None:
    client = open_api(artifacts=own_shop.artifacts / "nowhere", wait=False)
    wait_for(client, "no_bundle")


@pytest.mark.parametrize(
    "name",
    [
        "bundles/tiny/encoder.onnx",
        "bundles/tiny/manifest.json",
        "bundles/tiny/training/config.toml",
        "vectors/tiny.sqlite",
    ],
)
def test_a_damaged_bundle_is_broken_until_another_is_published(own_shop: Shop, open_api: OpenApi, name: str) -> None:
    damaged = own_shop.artifacts / name
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    client = open_api(artifacts=own_shop.artifacts, wait=False)
    assert damaged.name in str(wait_for(client, "broken")["detail"])
    assert client.post("/search", files={"file": picture(1)}).json()["code"] == "not_ready"
    write_artifacts(own_shop.artifacts, pieces(60), bundle_id="mended")
    assert wait_for(client, "ready")["bundle"] == "mended"


def test_a_catalogue_that_cannot_be_opened_is_broken(own_shop: Shop, open_api: OpenApi) -> None:
    url = f"sqlite:///{own_shop.artifacts / 'no' / 'such' / 'folder.sqlite'}"
    wait_for(open_api(artifacts=own_shop.artifacts, catalogue_url=url, wait=False), "broken")


def test_a_mistake_while_opening_is_seen_and_logged(
    own_shop: Shop, open_api: OpenApi, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr("retrieval.vectors.stores.EmbeddedStores.open", fails)
    client = open_api(artifacts=own_shop.artifacts, wait=False)
    assert wait_for(client, "broken")["detail"] == "ZeroDivisionError: a mistake"
    assert any(record.exc_info for record in caplog.records)
    monkeypatch.undo()
    wait_for(client, "ready")
