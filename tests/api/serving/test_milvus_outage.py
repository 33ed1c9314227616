"""While Milvus is down, searches and changes are refused with a time to come again; afterwards all is as it was."""

import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from retrieval import bundle as bundles
from retrieval.vectors.stores import EmbeddedStores, copy_store, vector_stores
from tests.api.conftest import OpenApi, Shop
from tests.api.items.writes.test_add import FRESH, add, best_hit
from tests.conftest import free_port
from tests.support import milvus, postgres
from tests.support.marks import MILVUS

pytestmark = list(MILVUS)


def test_milvus_goes_and_comes_back(own_shop: Shop, open_api: OpenApi, pgvector_url: str, tmp_path: Path) -> None:
    reason = milvus.reason_to_skip()
    if reason is not None:
        pytest.skip(reason)
    port = free_port()
    items = postgres.copy_of(f"sqlite:///{own_shop.artifacts}/catalogue.sqlite", pgvector_url.removesuffix("postgres"))
    with ExitStack() as running:
        address = running.enter_context(milvus.server(tmp_path, port))
        stores = vector_stores(own_shop.artifacts, address, items)
        folder = bundles.bundle_path(own_shop.artifacts, "tiny")
        copy_store("tiny", lambda: bundles.read_clusters(folder), EmbeddedStores(own_shop.artifacts), stores)
        client = open_api(artifacts=own_shop.artifacts, vectors_url=address, catalogue_url=items)
        add(client, FRESH, id="before")
        running.close()
        searched = client.post("/search", files={"file": FRESH})
        assert (searched.status_code, searched.json()["code"]) == (503, "not_ready")
        assert "Retry-After" in searched.headers
        added = client.post("/items", files={"file": FRESH}, data={"id": "during"})
        assert (added.status_code, added.json()["code"]) == (503, "write_unavailable")
        assert "Retry-After" in added.headers
        until_writes(client, "unavailable")
        running.enter_context(milvus.server(tmp_path, port))
        until_writes(client, "available")
        while client.post("/search", files={"file": FRESH}).status_code == 503:  # Milvus reads its collections again
            time.sleep(0.2)
        assert best_hit(client, FRESH)["id"] == "before"
        assert client.get("/item", params={"id": "during"}).status_code == 404
        add(client, FRESH, id="during")
        ids = {hit["id"] for hit in client.post("/search", files={"file": FRESH}).json()["hits"]}
        assert {"before", "during"} <= ids


def until_writes(client: TestClient, state: str) -> None:
    while client.get("/readyz").json().get("writes") != state:
        time.sleep(0.1)
