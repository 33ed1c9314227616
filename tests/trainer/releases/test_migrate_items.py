"""`lookalike migrate --items`: a catalogue there and back again, whole or not at all."""

from contextlib import closing
from pathlib import Path

import pytest

from retrieval import bundle
from retrieval.catalogue import Catalogue, Item
from retrieval.errors import CatalogueError
from tests.conftest import run_trainer
from tests.support import postgres
from tests.support.bundles import pieces, write_artifacts
from trainer.errors import SourceError
from trainer.releases.migrate_items import migrate_items


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """A shop with an item that was added, one in the bin, and one that was changed."""
    folder = tmp_path / "artifacts"
    write_artifacts(folder, pieces(20), bundle_id="live")
    with closing(Catalogue(bundle.catalogue_url(folder))) as catalogue, catalogue.writing() as rows:
        rows.insert([Item("ünï ◆", "a.jpg", "0" * 64, "image/jpeg", 3, 4, "tasse", {"price": 1.5, "new": True}, "api")])
    return folder


def everything(url: str) -> tuple[list[Item], int, list[str]]:
    with closing(Catalogue(url)) as catalogue:
        catalogue.check()
        items = list(catalogue.items())
        words = [item.id for word in ("tasse", "uni") for item, _ in catalogue.find_words([word], limit=5).items]
        return items, catalogue.count(), words


def test_a_catalogue_goes_there_and_comes_back(artifacts: Path, postgres_server: str, tmp_path: Path) -> None:
    here, there = bundle.catalogue_url(artifacts), postgres.new_database(postgres_server)
    counts, copied = migrate_items(artifacts, None, there)
    assert (counts["items"], copied) == (21, True)
    assert everything(there) == everything(here)
    assert everything(there)[2] == ["ünï ◆"] * 2
    assert migrate_items(artifacts, None, there) == (counts, False), "there is nothing left to do"

    back = tmp_path / "back"
    back.mkdir()
    with closing(Catalogue(there)) as catalogue:
        assert catalogue.releases is not None
        catalogue.releases.go_live("live")
    assert migrate_items(back, there, None) == (counts, True)
    assert everything(bundle.catalogue_url(back)) == everything(here)
    assert bundle.current(back) == "live"


def test_a_database_with_other_items_is_left_as_it_is(artifacts: Path, postgres_url: str) -> None:
    other = Item("other", "b.jpg", "1" * 64, "image/jpeg", 3, 4, None, {}, "api")
    with closing(Catalogue(postgres_url)) as catalogue, catalogue.writing() as rows:
        rows.insert([other])
    with pytest.raises(CatalogueError, match="has items already"):
        migrate_items(artifacts, None, postgres_url)
    with closing(Catalogue(postgres_url)) as catalogue:
        assert catalogue.ids() == ["other"]


def test_what_is_no_database_is_refused(artifacts: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no catalogue\.sqlite"):
        migrate_items(tmp_path / "nowhere", None, f"sqlite:///{tmp_path / 'copy.sqlite'}")
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(SourceError, match="milvus://"):
        migrate_items(artifacts, None, "milvus://host:19530")
    with pytest.raises(SourceError, match="PGPASSWORD") as raised:
        migrate_items(artifacts, None, "postgresql://user:hush@db/items")
    assert "hush" not in str(raised.value)


def test_the_command_says_what_it_did(artifacts: Path, tmp_path: Path) -> None:
    done = run_trainer("migrate", "--items", "--to", f"sqlite:///{tmp_path / 'copy.sqlite'}", "--artifacts", artifacts)
    assert done.returncode == 0, done.stderr
    assert "21 items: copied, every row the same" in done.stdout
