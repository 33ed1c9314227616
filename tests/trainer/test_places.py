"""Where a run keeps items and pictures: checked before anything is trained, remembered, and used by everybody after."""

import re
from hashlib import sha256
from pathlib import Path

import pytest
import requests

from retrieval import bundle
from retrieval.catalogue import Item
from retrieval.errors import StorageError
from retrieval.images import inspect
from retrieval.pictures import is_ours, open_pictures
from tests.conftest import CONFIG, Trained, free_port, run_trainer, serving
from tests.support.bundles import picture
from trainer.config import Config, StoreConfig
from trainer.data.features import PictureFile
from trainer.errors import ConfigError, SourceError
from trainer.pictures import copy_pictures, picture_path
from trainer.places import remember_places
from trainer.sources.base import Picture


def a_file(folder: Path) -> PictureFile:
    data = picture(5)
    (folder / "cup.jpg").write_bytes(data)
    return PictureFile(Picture("cup", folder / "cup.jpg"), sha256(data).hexdigest(), inspect(data))


def quiet(_done: int, _total: int) -> None:
    """Nobody watches."""


def test_places_are_remembered_and_leave_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifacts, database = tmp_path / "artifacts", f"sqlite:///{tmp_path / 'items.sqlite'}"
    monkeypatch.setenv("LOOKALIKE_CATALOGUE_URL", database)
    config = Config(store=StoreConfig(pictures_url=f"file://{tmp_path / 'shelf'}"))
    assert remember_places(artifacts, config) == Config()
    assert (bundle.catalogue_url(artifacts), bundle.pictures_url(artifacts)) == (database, f"file://{tmp_path}/shelf")
    monkeypatch.delenv("LOOKALIKE_CATALOGUE_URL")
    remember_places(artifacts, Config())
    assert bundle.catalogue_url(artifacts) == database, "the next run keeps them"
    assert remember_places(tmp_path / "other", Config()) == Config()
    assert not (tmp_path / "other").exists()


def test_what_cannot_be_used_is_told_and_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKALIKE_CATALOGUE_URL", "postgresql://user:hush@db/items")
    with pytest.raises(ConfigError, match=r"LOOKALIKE_CATALOGUE_URL: .*PGPASSWORD") as raised:
        remember_places(tmp_path, Config())
    assert "hush" not in str(raised.value)
    monkeypatch.delenv("LOOKALIKE_CATALOGUE_URL")
    (tmp_path / "shelf").write_text("a file")
    with pytest.raises(StorageError, match="not a folder"):
        remember_places(tmp_path, Config(store=StoreConfig(pictures_url=f"file://{tmp_path / 'shelf'}")))
    assert not (tmp_path / "store.json").exists()


def test_pictures_are_copied_once_and_read_from_there(tmp_path: Path) -> None:
    file = a_file(tmp_path)
    assert copy_pictures(tmp_path, [file], quiet) == {}, "without a store, nothing is copied"
    bundle.write_places(tmp_path, bundle.Places(pictures_url="memory://trained/shop"))
    locations = copy_pictures(tmp_path, [file, file], quiet)
    (location,) = locations.values()
    assert is_ours(location)
    item = Item("cup", location, file.sha256, "image/jpeg", 60, 44, None, {}, "source")
    for _ in range(2):  # the second time from the cache
        assert picture_path(tmp_path, item).read_bytes() == picture(5)
    assert open_pictures(tmp_path, "memory://trained/shop").read(location) == picture(5)


def test_a_picture_that_has_changed_is_not_copied(tmp_path: Path) -> None:
    file = a_file(tmp_path)
    bundle.write_places(tmp_path, bundle.Places(pictures_url="memory://changed/shop"))
    (tmp_path / "cup.jpg").write_bytes(picture(6))
    with pytest.raises(SourceError, match="has changed"):
        copy_pictures(tmp_path, [file], quiet)


@pytest.mark.slow
def test_a_run_fills_the_database_and_the_store_that_it_names(
    trained: Trained, tmp_path: Path, postgres_url: str
) -> None:
    config, shelf, artifacts = tmp_path / "config.toml", tmp_path / "shelf", tmp_path / "artifacts"
    config.write_text(f'{CONFIG}\n[store]\ncatalogue_url = "{postgres_url}"\npictures_url = "file://{shelf}"\n')
    done = run_trainer("run", "--source", trained.table, "--config", config, "--artifacts", artifacts)
    assert done.returncode == 0, done.stderr
    assert not (artifacts / "catalogue.sqlite").exists()
    assert len(list(shelf.rglob("*.jpg"))) == 96
    (copy,) = artifacts.glob("bundles/*/training/config.toml")
    assert not re.search("postgres|shelf", copy.read_text())
    port = free_port()
    with serving("api", port, "/readyz", artifacts=artifacts, api_port=port) as address:
        item = requests.get(f"{address}/items?limit=1", timeout=60).json()["items"][0]
        assert requests.get(f"{address}{item['image_url']}", timeout=60).status_code == 200
        result = requests.get(f"{address}/search", params={"id": item["id"]}, timeout=60).json()
        assert result["hits"]
