"""Several servers over one database act as one: they change bundles together, count keys together, and take turns."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.security.keys import new_key, setting_for
from api.serving import engine as engines
from api.serving import replicas
from retrieval import bundle as bundles
from retrieval.catalogue import Catalogue
from tests.api.conftest import OpenApi
from tests.support.bundles import pieces, write_artifacts

Servers = Callable[..., TestClient]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(engines, "REPORT_SECONDS", 0.02)
    monkeypatch.setattr(replicas, "LOOK_SECONDS", 0.02)


@pytest.fixture
def servers(open_api: OpenApi, postgres_url: str, tmp_path: Path) -> Servers:
    """Opens servers of one database; the bundle "old" is published, and "new" is there, too."""
    artifacts = tmp_path / "artifacts"
    write_artifacts(artifacts, pieces(20), bundle_id="old", seed=7)
    write_artifacts(artifacts, pieces(20), bundle_id="new", seed=8, publish=False)
    embedded = f"sqlite:///{artifacts / 'catalogue.sqlite'}"
    with closing(Catalogue(embedded)) as here, closing(Catalogue(postgres_url)) as there:
        there.replace_source(here.items())
    return lambda **settings: open_api(artifacts=artifacts, catalogue_url=postgres_url, **settings)


def loaded(client: TestClient) -> list[str]:
    return [each["id"] for each in client.get("/bundles").json()["bundles"] if each["loaded"]]


def live(client: TestClient) -> str:
    return str(client.get("/readyz").json()["bundle"])


def metric(client: TestClient, name: str) -> float:
    (line,) = [line for line in client.get("/metrics").text.splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


def until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.02)


def test_a_bundle_goes_live_once_every_server_has_it(servers: Servers, postgres_url: str) -> None:
    first, second = servers(), servers()
    until(lambda: metric(first, "lookalike_replicas") == metric(second, "lookalike_replicas") == 2)
    answer = first.post("/bundles/new/activate").json()
    assert answer["live"]
    assert set(loaded(second)) == {"old", "new"}, "it was loaded before it went live"
    until(lambda: live(second) == "new")
    for client in (first, second):
        assert set(loaded(client)) == {"old", "new"}, "what was live may still be named"
        query = {"id": client.get("/items").json()["items"][0]["id"], "bundle": "old"}
        assert client.get("/search", params=query).json()["bundle"] == "old"
    with closing(Catalogue(postgres_url)) as catalogue:
        assert catalogue.releases is not None
        assert catalogue.releases.next() is None


def test_what_was_live_is_let_go_after_a_while(servers: Servers) -> None:
    client = servers(keep_seconds=0)
    assert client.post("/bundles/new/activate").json()["live"]
    until(lambda: loaded(client) == ["new"])


def test_a_bundle_that_one_server_cannot_load_does_not_go_live(servers: Servers, postgres_url: str) -> None:
    client = servers()
    until(lambda: metric(client, "lookalike_replicas") == 1)
    with closing(Catalogue(postgres_url)) as catalogue:
        assert catalogue.shared is not None
        assert catalogue.releases is not None
        catalogue.shared.report("another", {"loaded": ["old"], "failed": {"new": "its disk is full"}}, 60)
        answer = client.post("/bundles/new/activate")
        assert answer.status_code >= 400
        assert "another" in answer.json()["detail"]
        assert "its disk is full" in answer.json()["detail"]
        assert live(client) == "old"
        assert catalogue.releases.next() is None


def test_a_server_that_is_gone_is_not_waited_for(servers: Servers, postgres_url: str) -> None:
    client = servers()
    with closing(Catalogue(postgres_url)) as catalogue:
        assert catalogue.shared is not None
        catalogue.shared.report("killed", {"loaded": ["old"], "failed": {}}, 0.5)
        catalogue.shared.report("starting", {"loaded": [], "failed": {}}, 60)
        assert client.post("/bundles/new/activate").json()["live"]


def test_keys_are_counted_by_all_servers_together(servers: Servers) -> None:
    key = new_key()
    settings = {"api_keys": setting_for("shop", "read", key).split("=", 1)[1].strip("'"), "rate_per_minute": 10}
    clients, headers = [servers(**settings) for _ in range(2)], {"Authorization": f"Bearer {key}"}
    codes = [clients[number % 2].get("/items", headers=headers) for number in range(16)]
    refused = [answer for answer in codes if answer.status_code == 429]
    assert 5 <= len(refused) <= 6, "one may flow in meanwhile"
    assert all(1 <= int(answer.headers["Retry-After"]) <= 6 for answer in refused)


def test_one_server_at_a_time_embeds_what_a_bundle_lacks(servers: Servers, postgres_url: str) -> None:
    client = servers()
    with closing(Catalogue(postgres_url)) as catalogue:
        assert catalogue.shared is not None
        assert catalogue.shared.take_lease("vectors of new", "another", 60)
        thread = threading.Thread(target=client.post, args=("/bundles/new/activate",))
        thread.start()
        time.sleep(0.3)
        assert loaded(client) == ["old"]
        catalogue.shared.drop_lease("vectors of new", "another")
        thread.join()
    assert live(client) == "new"


def test_the_file_counts_where_nothing_is_shared(tmp_path: Path, open_api: OpenApi) -> None:
    write_artifacts(tmp_path / "artifacts", pieces(20), bundle_id="old", seed=7)
    client = open_api(artifacts=tmp_path / "artifacts")
    assert bundles.current(tmp_path / "artifacts") == "old"
    assert metric(client, "lookalike_replicas") == 1
