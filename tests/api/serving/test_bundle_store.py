"""The API fetches its bundles from a store, and takes what is live from the database that it shares with others."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from api.serving import engine as engines
from retrieval.bundle.remote import BundleStore
from retrieval.catalogue import Catalogue
from tests.api.conftest import OpenApi, Shop
from tests.support.bundles import pieces, write_artifacts


def test_a_bundle_that_only_the_store_has_is_served(own_shop: Shop, open_api: OpenApi, tmp_path: Path) -> None:
    url = f"file://{tmp_path / 'shelf'}"
    BundleStore(url).keep(own_shop.artifacts / "bundles" / "tiny")
    shutil.rmtree(own_shop.artifacts / "bundles")
    client = open_api(artifacts=own_shop.artifacts, artifacts_url=url)
    assert client.get("/readyz").json()["bundle"] == "tiny"
    (listed,) = client.get("/bundles").json()["bundles"]
    assert (listed["id"], listed["live"]) == ("tiny", True)
    assert (own_shop.artifacts / "bundles" / "tiny" / "encoder.onnx").exists()


def test_a_bundle_that_arrives_damaged_is_not_served(own_shop: Shop, open_api: OpenApi, tmp_path: Path) -> None:
    url = f"file://{tmp_path / 'shelf'}"
    BundleStore(url).keep(own_shop.artifacts / "bundles" / "tiny")
    shutil.rmtree(own_shop.artifacts / "bundles")
    with (tmp_path / "shelf" / "bundles" / "tiny" / "clusters.npz").open("r+b") as file:
        file.write(b"damage")
    client = open_api(artifacts=own_shop.artifacts, artifacts_url=url, wait=False)
    while (answer := client.get("/readyz").json())["status"] == "starting":
        pass
    assert answer["status"] == "broken"
    assert "clusters.npz has changed" in answer["detail"]
    assert not (own_shop.artifacts / "bundles" / "tiny").exists()


def test_servers_of_one_database_change_bundles_together(
    open_api: OpenApi, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "LOOK_SECONDS", 0.02)
    artifacts = tmp_path / "artifacts"
    write_artifacts(artifacts, pieces(20), bundle_id="old", seed=7)
    write_artifacts(artifacts, pieces(20), bundle_id="new", seed=8, publish=False)
    with (
        closing(Catalogue(f"sqlite:///{artifacts / 'catalogue.sqlite'}")) as here,
        closing(Catalogue(postgres_url)) as there,
    ):
        there.replace_source(here.items())
    first = open_api(artifacts=artifacts, catalogue_url=postgres_url)
    second = open_api(artifacts=artifacts, catalogue_url=postgres_url)
    assert first.post("/bundles/new/activate").json()["live"]
    while second.get("/readyz").json()["bundle"] != "new":
        pass
    assert (artifacts / "CURRENT").read_text() == "old\n", "the database says what is live"
    for client in (first, second):
        assert [each["id"] for each in client.get("/bundles").json()["bundles"] if each["live"]] == ["new"]
