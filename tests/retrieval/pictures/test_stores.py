"""What every store of pictures promises, whichever it is."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from retrieval.errors import PictureMissing
from retrieval.pictures import PictureStore, is_ours, keep_all, location_of, open_pictures, remote
from tests.support.bundles import picture

ONE, OTHER = picture(1), picture(2)


def place(data: bytes) -> str:
    return location_of(sha256(data).hexdigest(), "image/jpeg")


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    folder = tmp_path / "artifacts"
    folder.mkdir()
    return folder


@pytest.fixture
def store(url: str | None, artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> PictureStore:
    monkeypatch.setattr(remote, "MIN_AGE_SECONDS", -10)  # so that what a test has just written may be swept
    return open_pictures(artifacts, url)


def test_what_is_kept_is_read_listed_and_discarded(store: PictureStore) -> None:
    store.check()
    assert list(store.locations()) == []
    for data in (ONE, OTHER, ONE):
        store.keep(place(data), data)
    store.check()
    assert store.read(place(ONE)) == ONE
    assert sorted(store.locations()) == sorted([place(ONE), place(OTHER)])
    store.discard([place(ONE), place(picture(3))])
    assert list(store.locations()) == [place(OTHER)]
    with pytest.raises(PictureMissing):
        store.read(place(ONE))


def test_nothing_that_is_there_is_written_again(store: PictureStore) -> None:
    store.keep(place(ONE), ONE)
    store.keep(place(ONE), b"not this picture")
    assert store.read(place(ONE)) == ONE


def test_pictures_that_are_kept_together_are_all_there(store: PictureStore) -> None:
    store.keep(place(ONE), ONE)
    pictures = {place(data): data for data in map(picture, range(20))}
    keep_all(store, pictures)
    assert {location: store.read(location) for location in store.locations()} == pictures
    keep_all(store, {})


def test_a_picture_that_was_deleted_meanwhile_is_written_again(store: PictureStore) -> None:
    for _turn in range(3):
        store.keep(place(ONE), ONE)
        store.keep(place(ONE), ONE)
        assert store.read(place(ONE)) == ONE
        store.discard([place(ONE)])


def test_writers_of_the_same_picture_do_not_disturb_each_other(
    store: PictureStore, url: str | None, artifacts: Path
) -> None:
    stores = [store, open_pictures(artifacts, url)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda turn: stores[turn % 2].keep(place(ONE), ONE), range(16)))
    assert [each.read(place(ONE)) for each in stores] == [ONE, ONE]
    assert list(store.locations()) == [place(ONE)]


def test_pictures_of_a_source_are_read_and_never_touched(store: PictureStore, artifacts: Path, tmp_path: Path) -> None:
    (artifacts / "pictures").mkdir()
    for file in (artifacts / "pictures" / "cup.jpg", tmp_path / "elsewhere.jpg"):
        file.write_bytes(OTHER)
        location = str(file.relative_to(artifacts)) if file.is_relative_to(artifacts) else str(file)
        assert store.read(location) == OTHER
        store.discard([location])
        assert file.exists()
        assert not is_ours(location)
        assert store.link(location, 60) is None


def test_what_was_added_before_the_move_is_still_read(store: PictureStore, artifacts: Path) -> None:
    earlier = open_pictures(artifacts)
    earlier.keep(place(ONE), ONE)
    assert store.read(place(ONE)) == ONE


def test_young_pictures_are_not_swept(artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_pictures(artifacts, "memory://young/shop")
    store.keep(place(ONE), ONE)
    assert list(store.locations()) == [], "a release may just be about to name it"
    monkeypatch.setattr(remote, "MIN_AGE_SECONDS", -10)
    assert list(store.locations()) == [place(ONE)]
