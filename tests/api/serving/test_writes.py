"""Changes that cannot be written: told as what they are, by the answer and by /readyz, while searches go on."""

import resource
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from api.serving import writes
from tests.api.conftest import OpenApi, Serve, Shop
from tests.api.items.writes.test_add import FRESH, add
from tests.api.test_errors import check_problem
from tests.support.bundles import picture

KNOWN = "/item?id=shelf%200%2Fpiece-000"


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writes, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(writes, "RETRY_SECONDS", 0.05)


@pytest.fixture
def client(own_shop: Shop, open_api: OpenApi) -> TestClient:
    return open_api(artifacts=own_shop.artifacts, write_seconds=0.1)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process that has begun to write, and does not end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("ROLLBACK")


@contextmanager
def disk_full() -> Iterator[None]:
    """No file can grow, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def no_folder(path: Path) -> Iterator[None]:
    """A file where a folder should be: nothing can be made in it, not even by root."""
    path.write_bytes(b"")
    yield
    path.unlink()


def until_writes(client: TestClient, state: str) -> dict[str, Any]:
    while (ready := client.get("/readyz").json())["writes"] != state:
        time.sleep(0.01)
    return dict(ready)


def every_change(client: TestClient) -> list[httpx2.Response]:
    return [
        add(client, FRESH, id="fresh"),
        client.patch(KNOWN, json={"label": "other"}),
        client.delete(KNOWN),
        client.delete("/items", params={"filter": "{}"}),
        client.post("/duplicates/dismissed", json={"ids": ["shelf 0/piece-000", "shelf 1/piece-001"]}),
    ]


def check_nothing_changed(client: TestClient) -> None:
    assert client.get("/items").json()["total"] == 60
    assert client.get(KNOWN).json()["label"] != "other"
    assert client.get("/item?id=fresh").status_code == 404


def test_a_locked_database_refuses_changes_and_searches_go_on(client: TestClient, own_shop: Shop) -> None:
    with locked(own_shop.artifacts / "catalogue.sqlite"):
        for refused in every_change(client):
            check_problem(refused, 503, "write_unavailable")
            assert int(refused.headers["retry-after"]) > 0
        ready = until_writes(client, "unavailable")
        assert ready["status"] == "degraded"
        assert "locked" in ready["detail"]
        assert client.post("/search", files={"file": picture(1)}).status_code == 200
        assert "lookalike_writable 0.0" in client.get("/metrics").text
    check_nothing_changed(client)
    assert until_writes(client, "available")["detail"] is None
    assert add(client, FRESH, id="fresh").status_code == 201


def test_locked_vectors_refuse_what_needs_them(client: TestClient, own_shop: Shop) -> None:
    with locked(own_shop.artifacts / "vectors" / "tiny.sqlite"):
        check_problem(add(client, FRESH, id="fresh"), 503, "write_unavailable")
        lines = client.post(
            "/items/batch",
            content=b'{"id": "fresh", "image_base64": "UDUgNCA0IDI1NQowMTIzNDU2Nzg5YWJjZGVm"}\n',
            headers={"Content-Type": "application/x-ndjson"},
        )
        assert lines.json()["problem"]["code"] == "write_unavailable"
        assert client.post("/search", files={"file": picture(1)}).status_code == 200
    check_nothing_changed(client)


def test_a_full_disk_has_a_code_of_its_own(client: TestClient) -> None:
    with disk_full():
        for refused in every_change(client):
            check_problem(refused, 507, "storage_full")
        assert "free room" in until_writes(client, "unavailable")["detail"]
        assert client.post("/search", files={"file": picture(1)}).status_code == 200
        assert client.get(KNOWN.replace("/item?", "/item/thumbnail?")).status_code == 200
    check_nothing_changed(client)
    until_writes(client, "available")
    assert add(client, FRESH, id="fresh").status_code == 201


def test_a_folder_that_takes_no_files_is_told_and_what_needs_none_is_done(client: TestClient, own_shop: Shop) -> None:
    with no_folder(own_shop.artifacts / "images"):
        check_problem(add(client, FRESH, id="fresh"), 503, "write_unavailable")
        assert "images" in until_writes(client, "unavailable")["detail"]
        assert client.patch(KNOWN, json={"label": "kept"}).status_code == 200
    until_writes(client, "available")
    assert add(client, FRESH, id="fresh").status_code == 201


def test_a_bundle_cannot_be_activated_where_nothing_can_be_written(client: TestClient) -> None:
    with disk_full():
        check_problem(client.post("/bundles/tiny/activate"), 507, "storage_full")
    assert client.post("/bundles/tiny/activate").status_code == 200


def test_an_api_starts_and_searches_while_the_catalogue_is_locked(own_shop: Shop, open_api: OpenApi) -> None:
    with locked(own_shop.artifacts / "catalogue.sqlite"):
        client = open_api(artifacts=own_shop.artifacts, write_seconds=0.05)
        assert client.post("/search", files={"file": picture(1)}).status_code == 200
        until_writes(client, "unavailable")


@pytest.mark.parametrize("name", ["catalogue.sqlite", "vectors/tiny.sqlite"])
def test_writers_that_wait_hold_up_no_reader(own_shop: Shop, serve: Serve, name: str) -> None:
    """More changes than there are threads wait for a lock that is kept; every search is answered meanwhile."""
    url = f"http://127.0.0.1:{serve(own_shop.artifacts, workers=1, write_workers=2, write_seconds=20)}"

    def change(number: int) -> httpx2.Response:
        return httpx2.post(f"{url}/items", files={"file": picture(8000 + number)}, timeout=120)

    with ThreadPoolExecutor(4) as clients:
        with locked(own_shop.artifacts / name):
            pending = [clients.submit(change, number) for number in range(4)]
            while "lookalike_write_workers_busy 2.0" not in httpx2.get(f"{url}/metrics").text:
                time.sleep(0.01)
            for number in range(20):
                assert httpx2.post(f"{url}/search", files={"file": picture(number)}, timeout=60).status_code == 200
                assert httpx2.get(f"{url}/items", timeout=60).status_code == 200
            assert not any(each.done() for each in pending)
        assert [each.result().status_code for each in pending] == [201] * 4
