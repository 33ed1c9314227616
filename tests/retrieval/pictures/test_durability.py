"""When a picture is durable: its content before its name, its name before anybody is told; and nothing twice."""

from hashlib import sha256
from pathlib import Path

import pytest

from retrieval import durable
from retrieval.pictures import folder, location_of
from retrieval.pictures.folder import FolderPictures
from tests.support.bundles import picture

DATA = picture(1)
PLACE = location_of(sha256(DATA).hexdigest(), "image/jpeg")


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what was made durable."""
    names: list[str] = []
    for module in (durable, folder):
        monkeypatch.setattr(module, "sync", lambda path: names.append(path.name))
    return names


def test_a_picture_is_made_durable_once_and_again_after_it_was_away(tmp_path: Path, synced: list[str]) -> None:
    store = FolderPictures(tmp_path, tmp_path)
    store.keep(PLACE, DATA)
    assert len(synced) == 4  # images/, what it is in, the file, and the folder that names it
    assert synced[2].endswith(".part")
    assert synced[3] == (tmp_path / PLACE).parent.name
    synced.clear()
    store.keep(PLACE, DATA)
    assert synced == []
    store.discard([PLACE])
    store.keep(PLACE, DATA)
    assert len(synced) == 2


def test_a_name_that_somebody_else_has_written_is_made_durable(tmp_path: Path, synced: list[str]) -> None:
    mine, others = FolderPictures(tmp_path, tmp_path), FolderPictures(tmp_path, tmp_path)
    mine.keep(PLACE, DATA)
    others.discard([PLACE])
    others.keep(PLACE, DATA)
    synced.clear()
    mine.keep(PLACE, DATA)
    assert synced == [(tmp_path / PLACE).parent.name]
