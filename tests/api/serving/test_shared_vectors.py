"""The API with its vectors in PostgreSQL or Milvus answers as with those in its folder, and two of it are as one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from retrieval import bundle as bundles
from retrieval.vectors.stores import vector_stores
from tests.api.conftest import OpenApi, Shop
from tests.api.items.writes.test_add import FRESH, add, best_hit
from tests.support import postgres
from tests.support.marks import MILVUS

pytestmark = pytest.mark.slow

Settings = dict[str, str]


@pytest.fixture(params=["pgvector", pytest.param("milvus", marks=MILVUS)])
def elsewhere(request: pytest.FixtureRequest, own_shop: Shop, pgvector_url: str) -> Iterator[Settings]:
    """Settings of an API, with the place to which the shop's vectors were moved, by the command."""
    settings = {"vectors_url": pgvector_url}
    if request.param == "milvus":
        address = pgvector_url.removesuffix("postgres")
        items = postgres.copy_of(f"sqlite:///{own_shop.artifacts}/catalogue.sqlite", address)
        settings = {"vectors_url": str(request.getfixturevalue("milvus_url")), "catalogue_url": items}
    variables = {f"LOOKALIKE_{name.upper()}": value for name, value in settings.items() if name != "vectors_url"}
    for said in ("moved", "there already"):  # the second time there is nothing to do
        command = ("migrate", "--to", settings["vectors_url"], "--artifacts", str(own_shop.artifacts))
        done = subprocess.run(
            [sys.executable, "-m", "trainer", *command],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | variables,
        )
        assert f"tiny: 60 vectors {said}, same answers" in done.stdout, done.stderr
    yield settings
    vector_stores(own_shop.artifacts, **_of_vectors(settings)).delete("tiny")


def _of_vectors(settings: Settings) -> Settings:
    return {"url": settings["vectors_url"]} | {
        name: value for name, value in settings.items() if name == "catalogue_url"
    }


def test_answers_are_those_of_the_vectors_in_the_folder(own_shop: Shop, open_api: OpenApi, elsewhere: Settings) -> None:
    here = open_api(artifacts=own_shop.artifacts)
    there = open_api(artifacts=own_shop.artifacts, **elsewhere)
    items = here.get("/items").json()["items"]
    label = items[0]["label"]
    for metric in ("cosine", "euclidean", "fused"):
        for item in items[:5]:
            for narrowed in ({}, {"filter": f'{{"label": ["{label}"]}}'}):
                query = {"id": item["id"], "metric": metric, "k": 10} | narrowed
                answers = [client.get("/search", params=query) for client in (here, there)]
                assert answers[0].status_code == 200, answers[0].text
                assert answers[0].json()["hits"] == answers[1].json()["hits"]
                assert answers[1].json()["exact"]


def test_what_is_added_to_one_api_is_found_and_deleted_by_another(
    own_shop: Shop, open_api: OpenApi, elsewhere: Settings
) -> None:
    first = open_api(artifacts=own_shop.artifacts, **elsewhere)
    second = open_api(artifacts=own_shop.artifacts, **elsewhere)
    location = add(first, FRESH, id="new").headers["location"]
    assert best_hit(second, FRESH)["id"] == "new"
    assert second.delete(location).status_code == 204
    assert best_hit(first, FRESH)["id"] != "new"
    for client in (first, second):
        assert client.get("/readyz").json()["status"] == "ready"


def test_a_bundle_whose_vectors_are_elsewhere_is_not_served(
    own_shop: Shop, open_api: OpenApi, elsewhere: Settings
) -> None:
    stores = vector_stores(own_shop.artifacts, **_of_vectors(elsewhere))
    with closing(stores.open("tiny", bundles.load(bundles.bundle_path(own_shop.artifacts, "tiny")).clusters)) as store:
        assert len(store) == 60
    stores.delete("tiny")
    client = open_api(artifacts=own_shop.artifacts, **elsewhere, wait=False)
    while (answer := client.get("/readyz").json())["status"] == "starting":
        pass
    assert "lookalike migrate" in answer["detail"]


def test_an_index_is_moved_to_by_its_vectors(own_shop: Shop, pgvector_url: str) -> None:
    command = ("migrate", "--to", f"{pgvector_url}?index=hnsw", "--artifacts", str(own_shop.artifacts))
    done = subprocess.run([sys.executable, "-m", "trainer", *command], capture_output=True, text=True, check=False)
    assert "tiny: 60 vectors moved, same vectors" in done.stdout, done.stderr
    vector_stores(own_shop.artifacts, pgvector_url).delete("tiny")
