"""Bundles in a store by its URL: kept whole, fetched whole, and compared with their checksums; and what is live."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from retrieval import bundle
from retrieval.bundle import Library
from retrieval.bundle.remote import BundleStore
from retrieval.catalogue import Catalogue
from retrieval.errors import BundleDamaged, BundleMissing, StorageUnavailable
from tests.retrieval.pictures.conftest import s3_server, url  # noqa: F401  # fixtures
from tests.support.bundles import pieces, write_artifacts


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    artifacts = tmp_path_factory.mktemp("bundles") / "artifacts"
    write_artifacts(artifacts, pieces(8), bundle_id="one")
    return artifacts


@pytest.fixture
def store(url: str | None, tmp_path: Path) -> BundleStore:  # noqa: F811
    """An empty one of each kind."""
    return BundleStore(url or f"file://{tmp_path / 'shelf'}")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_bundle_is_fetched_as_it_was_kept(made: Path, store: BundleStore, tmp_path: Path) -> None:
    store.check()
    assert store.ids() == []
    with pytest.raises(BundleMissing, match="no bundle one in"):
        store.fetch("one", tmp_path / "cache" / "one")
    for _ in range(2):  # the second time there is nothing to do
        store.keep(made / "bundles" / "one")
    assert store.ids() == ["one"]
    assert store.manifest("one") == bundle.read_manifest(made / "bundles" / "one")
    store.fetch("one", tmp_path / "cache" / "one")
    assert files(tmp_path / "cache" / "one") == files(made / "bundles" / "one")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["one"]
    store.delete("one")
    store.delete("one")
    assert store.ids() == []


def test_what_was_damaged_in_the_store_is_never_there(made: Path, tmp_path: Path) -> None:
    store = BundleStore(f"file://{tmp_path / 'shelf'}")
    store.keep(made / "bundles" / "one")
    kept = tmp_path / "shelf" / "bundles" / "one"
    sound = (kept / "encoder.onnx").read_bytes()
    (kept / "encoder.onnx").write_bytes(sound[:-1] + b"?")
    with pytest.raises(BundleDamaged, match="has changed"):
        store.fetch("one", tmp_path / "cache" / "one")
    (kept / "encoder.onnx").unlink()
    with pytest.raises(BundleDamaged, match=r"lacks encoder\.onnx"):
        store.fetch("one", tmp_path / "cache" / "one")
    assert not list((tmp_path / "cache").iterdir()), "not even a draft"
    (kept / "encoder.onnx").write_bytes(sound)
    (kept / "manifest.json").write_bytes((kept / "manifest.json").read_bytes() + b" ")
    with pytest.raises(BundleDamaged, match=r"manifest\.sha256"):
        store.fetch("one", tmp_path / "cache" / "one")
    (kept / "manifest.sha256").unlink()
    assert store.ids() == [], "it is not whole"


def test_another_bundle_of_the_same_id_is_refused(made: Path, tmp_path: Path) -> None:
    store = BundleStore("memory://same-id/shop")
    store.keep(made / "bundles" / "one")
    write_artifacts(tmp_path / "other", pieces(8), bundle_id="one", seed=9)
    with pytest.raises(BundleDamaged, match="another bundle of the id one"):
        store.keep(tmp_path / "other" / "bundles" / "one")


def test_a_library_fetches_what_the_folder_lacks(made: Path, tmp_path: Path) -> None:
    artifacts, home = tmp_path / "artifacts", f"file://{tmp_path / 'shelf'}"
    artifacts.mkdir()
    BundleStore(home).keep(made / "bundles" / "one")
    library = Library(artifacts, home)
    assert library.ids() == ["one"]
    assert library.manifest("one").id == "one"
    assert not (artifacts / "bundles").exists(), "its manifest alone was read"
    library.publish("one")
    assert library.current() == "one"
    assert bundle.verify(artifacts / "bundles" / "one").id == "one"
    assert not library.folder("../one").is_dir()
    assert not library.folder("two").exists()


def test_a_library_lists_its_folder_while_the_store_does_not_answer(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library(made, "memory://silent/shop")

    def silent(_path: str) -> None:
        raise TimeoutError

    assert library.store is not None
    monkeypatch.setattr(library.store._files, "find", silent)
    assert library.ids() == ["one"]
    with pytest.raises(StorageUnavailable, match="cannot be listed"):
        library.store.ids()


def test_what_is_live_is_a_row_where_servers_share_a_database(made: Path, tmp_path: Path, postgres_url: str) -> None:
    artifacts = shutil.copytree(made, tmp_path / "artifacts")
    write_artifacts(tmp_path / "second", pieces(8), bundle_id="two", seed=8)
    shutil.copytree(tmp_path / "second" / "bundles" / "two", artifacts / "bundles" / "two")
    with closing(Catalogue(postgres_url)) as catalogue:
        library = Library(artifacts, catalogue=lambda: catalogue)
        other = Library(tmp_path / "elsewhere", catalogue=lambda: catalogue)
        assert library.current() == "one", "until something is published, CURRENT counts"
        with pytest.raises(BundleMissing):
            other.current()
        versions = [library.version()]
        for bundle_id in ("two", "two", "one"):
            library.publish(bundle_id)
            assert library.current() == other.current() == bundle_id
            versions.append(other.version())
        assert len(set(versions)) == 4
        library.take_back("two", "one")
        assert library.version() == versions[-1], "it was not live any more"
        library.take_back("one", "two")
        assert other.current() == "two"
        assert (artifacts / "CURRENT").read_text() == "one\n"
    with closing(Catalogue(f"sqlite:///{tmp_path / 'items.sqlite'}")) as embedded:
        assert embedded.releases is None
