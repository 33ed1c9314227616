"""The API with its vectors in PostgreSQL answers as with those in the artifacts folder, and two of it are as one."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from retrieval import bundle as bundles
from retrieval.vectors.stores import vector_stores
from tests.api.conftest import OpenApi, Shop
from tests.api.items.writes.test_add import FRESH, add, best_hit

pytestmark = pytest.mark.slow


@pytest.fixture
def url(own_shop: Shop, pgvector_url: str) -> Iterator[str]:
    """A database to which the shop's vectors were moved, by the command."""
    for said in ("moved", "there already"):  # the second time there is nothing to do
        command = ("migrate", "--to", pgvector_url, "--artifacts", str(own_shop.artifacts))
        done = subprocess.run([sys.executable, "-m", "trainer", *command], capture_output=True, text=True, check=True)
        assert f"tiny: 60 vectors {said}, same answers" in done.stdout
    yield pgvector_url
    vector_stores(own_shop.artifacts, pgvector_url).delete("tiny")


def test_answers_are_those_of_the_vectors_in_the_folder(own_shop: Shop, open_api: OpenApi, url: str) -> None:
    here = open_api(artifacts=own_shop.artifacts)
    there = open_api(artifacts=own_shop.artifacts, vectors_url=url)
    ids = [item["id"] for item in here.get("/items").json()["items"]]
    for metric in ("cosine", "euclidean", "fused"):
        for id_ in ids[:5]:
            query = {"id": id_, "metric": metric, "k": 10}
            hits = [client.get("/search", params=query).json()["hits"] for client in (here, there)]
            assert hits[0] == hits[1]


def test_what_is_added_to_one_api_is_found_and_deleted_by_another(own_shop: Shop, open_api: OpenApi, url: str) -> None:
    first = open_api(artifacts=own_shop.artifacts, vectors_url=url)
    second = open_api(artifacts=own_shop.artifacts, vectors_url=url)
    location = add(first, FRESH, id="new").headers["location"]
    assert best_hit(second, FRESH)["id"] == "new"
    assert second.delete(location).status_code == 204
    assert best_hit(first, FRESH)["id"] != "new"
    for client in (first, second):
        assert client.get("/readyz").json()["status"] == "ready"


def test_a_bundle_whose_vectors_are_elsewhere_is_not_served(own_shop: Shop, open_api: OpenApi, url: str) -> None:
    stores = vector_stores(own_shop.artifacts, url)
    with closing(stores.open("tiny", bundles.load(bundles.bundle_path(own_shop.artifacts, "tiny")).clusters)) as store:
        assert len(store) == 60
    stores.delete("tiny")
    client = open_api(artifacts=own_shop.artifacts, vectors_url=url, wait=False)
    while (answer := client.get("/readyz").json())["status"] == "starting":
        pass
    assert "lookalike migrate" in answer["detail"]
