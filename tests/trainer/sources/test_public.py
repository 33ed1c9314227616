"""Public data sets: downloaded from a real server on this machine, and what is said where that does not work."""

import hashlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.trainer.sources.fetch.test_remote import tar
from tests.trainer.sources.serving import Handler, Server, serving
from tests.trainer.sources.test_flowers102 import fill
from trainer import sources
from trainer.config import SourceConfig
from trainer.errors import SourceError
from trainer.sources import read_source
from trainer.sources.fetch.remote import RemoteFile
from trainer.sources.folder import read_folder
from trainer.sources.public import DataSet, download


class FilesHandler(Handler):
    """Serves the files that a test has put there."""

    files: dict[str, bytes]

    def respond(self) -> None:
        self.answer(200, self.files[self.path])


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    archive = tar(tmp_path / "packed", {"jpg/cup/1.jpg": b"one", "jpg/plate/2.jpg": b"two"}).read_bytes()
    monkeypatch.setattr(FilesHandler, "files", {"/shop.tgz": archive, "/names.txt": b"cup plate"}, raising=False)
    with serving(FilesHandler) as running:
        yield running


def remote(server: Server, name: str, unpacked: str | None = None) -> RemoteFile:
    checksum = hashlib.sha256(FilesHandler.files[f"/{name}"]).hexdigest()
    return RemoteFile(name, f"sha256:{checksum}", f"{server.url}/{name}", unpacked)


@pytest.fixture
def shop(server: Server, monkeypatch: pytest.MonkeyPatch) -> DataSet:
    """A data set of two pictures, known to the command line as `shop`."""
    files = (remote(server, "shop.tgz", "jpg"), remote(server, "names.txt"))
    data_set = DataSet("shop", "https://shop.example/", files, lambda folder: read_folder(folder / "jpg"))
    monkeypatch.setitem(sources.DATA_SETS, "shop", data_set)
    return data_set


def test_a_data_set_is_downloaded_once_and_read(shop: DataSet, server: Server, tmp_path: Path) -> None:
    for _run in range(2):
        listing = read_source("shop", tmp_path / "artifacts")
        assert [picture.label for picture in listing.pictures] == ["cup", "plate"]
        assert listing.pictures[0].path == tmp_path / "artifacts" / "datasets" / "shop" / "jpg" / "cup" / "1.jpg"
    assert server.asked == ["/shop.tgz", "/names.txt"]


def test_only_what_is_missing_is_downloaded(shop: DataSet, server: Server, tmp_path: Path) -> None:
    (tmp_path / "shop.tgz").write_bytes(FilesHandler.files["/shop.tgz"])  # put there by hand
    download(shop, tmp_path)
    assert server.asked == ["/names.txt"]
    assert not shop.missing(tmp_path)


def test_an_archive_with_a_wrong_checksum_is_not_unpacked(shop: DataSet, tmp_path: Path) -> None:
    tar(tmp_path / "shop.tgz", {"jpg/cup/evil.jpg": b"x"})
    with pytest.raises(SourceError, match=r"shop\.tgz is not the shop\.tgz that was published"):
        download(shop, tmp_path)
    assert not (tmp_path / "jpg").exists()


def test_dir_names_where_a_data_set_lies_and_nothing_is_downloaded_there(
    shop: DataSet, server: Server, tmp_path: Path
) -> None:
    there = SourceConfig(dir=tmp_path / "there")
    with pytest.raises(SourceError, match=r"Fetch shop\.tgz, names\.txt by hand from https://shop\.example/\."):
        read_source("shop", tmp_path, there)
    assert server.asked == []
    download(shop, tmp_path / "there")
    assert len(read_source("shop", tmp_path / "artifacts", there).pictures) == 2
    assert not (tmp_path / "artifacts").exists()


def test_offline_it_is_said_what_to_fetch_from_where_and_where_to_put_it(shop: DataSet, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/names.txt"
    offline = replace(shop, files=(shop.files[0], replace(shop.files[1], url=nobody)))
    with pytest.raises(SourceError) as raised:
        download(offline, tmp_path)
    assert str(raised.value) == (
        f"shop is not complete in {tmp_path}, and it could not be fetched from here (ConnectionError). Fetch names.txt "
        f"by hand from https://shop.example/. Put them into {tmp_path}, and run `lookalike download shop --dir "
        f"{tmp_path}`, which checks and unpacks them. If they already lie unpacked elsewhere, name that folder as dir "
        "under [source] in the configuration."
    )
    assert (tmp_path / "jpg").is_dir()


def test_what_needs_a_login_is_said_and_taken_from_where_a_person_puts_it(shop: DataSet, tmp_path: Path) -> None:
    closed = replace(shop, files=tuple(replace(file, url=None) for file in shop.files))
    with pytest.raises(SourceError, match=r"its publisher asks for a login. Fetch shop\.tgz, names\.txt by hand"):
        download(closed, tmp_path)
    for name, content in FilesHandler.files.items():
        (tmp_path / name.removeprefix("/")).write_bytes(content)
    download(closed, tmp_path)
    assert len(closed.read(tmp_path).pictures) == 2


@pytest.mark.parametrize("name", ["flowers102", "lfw", "celeba"])
def test_every_data_set_says_what_it_needs(name: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as raised:
        read_source(name, tmp_path, SourceConfig(dir=tmp_path / "absent"))
    data_set = sources.DATA_SETS[name]
    assert all(file.name in str(raised.value) for file in data_set.files)
    assert data_set.page in str(raised.value)
    assert all(len(file.checksum) == len("md5:") + 32 for file in data_set.files)


# --- the command


def run_command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    code = "import typer; from trainer.commands.download import download; typer.run(download)"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_the_command_says_what_is_there_and_how_to_go_on(tmp_path: Path) -> None:
    fill(tmp_path, [1, 2, 3, 4, 5])
    result = run_command("flowers102", "--dir", str(tmp_path))
    said = " ".join(result.stdout.split())
    assert "flowers102 is complete, with 5 pictures, in" in said
    assert "Train on it with --source flowers102, and with dir =" in said


def test_the_command_knows_its_data_sets() -> None:
    result = run_command("imagenet")
    assert result.returncode != 0
    said = " ".join(result.stderr.split())
    assert "There is no data set imagenet. Known are flowers102, lfw, celeba, and faces for models." in said
