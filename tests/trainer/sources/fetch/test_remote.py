"""Files of public data sets, from a real server on this machine: resumed, verified, unpacked."""

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.trainer.sources.serving import Handler, Server, serving
from trainer.errors import SourceError
from trainer.sources.fetch import web
from trainer.sources.fetch.archives import unpack
from trainer.sources.fetch.remote import RemoteFile, fetch_file, verify

CONTENT = bytes(range(256)) * 10_000
FILE = RemoteFile("data.bin", f"md5:{hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}")
ETAG = '"v1"'


class FileHandler(Handler):
    """Serves CONTENT with ranges; breaks off after `broken_after` bytes as often as `breaks` says."""

    content = CONTENT
    etag = ETAG
    breaks = 0
    resumable = True
    ranges: list[tuple[str | None, str | None]]

    def respond(self) -> None:
        kind = type(self)
        wanted, version = self.headers["Range"], self.headers["If-Range"]
        kind.ranges.append((wanted, version))
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        if start >= len(self.content):
            return self.answer(416, Content_Range=f"bytes */{len(self.content)}")
        whole = not wanted or not self.resumable or version not in (None, self.etag)
        body = self.content if whole else self.content[start:]
        sent = body
        if kind.breaks:
            kind.breaks -= 1
            sent = body[: len(body) // 2]
        headers = {} if whole else {"Content_Range": f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"}
        return self.answer(200 if whole else 206, sent, length=len(body), ETag=self.etag, **headers)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(FileHandler, "ranges", [], raising=False)
    for name in ("content", "etag", "breaks", "resumable"):  # put back what a test changes
        monkeypatch.setattr(FileHandler, name, getattr(FileHandler, name))
    with serving(FileHandler) as running:
        yield running


def fetch(server: Server, folder: Path) -> bytes:
    fetch_file(FILE, f"{server.url}/data.bin", folder)
    assert [path.name for path in folder.iterdir()] == ["data.bin"]
    return (folder / "data.bin").read_bytes()


def stop_halfway(server: Server, folder: Path) -> Path:
    """A run that is stopped with Ctrl-C after some of the file."""

    def stop(_done: int, _of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_file(FILE, f"{server.url}/data.bin", folder, stop)
    part = folder / "data.bin.part"
    assert 0 < part.stat().st_size < len(CONTENT)
    return part


def test_a_file_is_fetched_with_progress_in_megabytes(server: Server, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    fetch_file(FILE, f"{server.url}/data.bin", tmp_path / "new", lambda done, of: steps.append((done, of)))
    assert (tmp_path / "new" / "data.bin").read_bytes() == CONTENT
    assert steps == sorted(steps)
    assert steps[-1] == (3, 3)
    assert {of for _, of in steps} == {3}


def test_a_stopped_download_is_resumed(server: Server, tmp_path: Path) -> None:
    size = stop_halfway(server, tmp_path).stat().st_size
    assert fetch(server, tmp_path) == CONTENT
    assert FileHandler.ranges == [(None, None), (f"bytes={size}-", ETAG)]


def test_a_download_that_breaks_off_is_resumed_in_the_same_run(server: Server, tmp_path: Path) -> None:
    FileHandler.breaks = 3
    assert fetch(server, tmp_path) == CONTENT
    half = len(CONTENT) // 2
    assert [range_ for range_, _ in FileHandler.ranges[:3]] == [None, f"bytes={half}-", f"bytes={half + half // 2}-"]


def test_a_download_that_always_breaks_off_is_given_up_and_goes_on_next_time(server: Server, tmp_path: Path) -> None:
    FileHandler.breaks = 100
    with pytest.raises(web.BrokenOff):
        fetch(server, tmp_path)
    assert (tmp_path / "data.bin.part").stat().st_size > len(CONTENT) * 0.9
    FileHandler.breaks = 0
    assert fetch(server, tmp_path) == CONTENT


def test_a_file_that_has_changed_or_a_server_that_cannot_resume_begins_again(server: Server, tmp_path: Path) -> None:
    for number, (name, value) in enumerate({"etag": '"v2"', "resumable": False}.items()):
        stop_halfway(server, tmp_path / str(number))
        setattr(FileHandler, name, value)
        assert fetch(server, tmp_path / str(number)) == CONTENT


@pytest.mark.parametrize("extra", [b"", b"more than there is"])
def test_a_part_that_is_as_long_as_the_file_or_longer(extra: bytes, server: Server, tmp_path: Path) -> None:
    (tmp_path / "data.bin.part").write_bytes(CONTENT + extra)
    assert fetch(server, tmp_path) == CONTENT


def test_a_part_of_something_else_is_refused_and_not_gone_on_from(server: Server, tmp_path: Path) -> None:
    (tmp_path / "data.bin.part").write_bytes(b"something else")  # and nothing beside it that tells its version
    with pytest.raises(SourceError, match=r"not the data\.bin that was published: its md5 is"):
        fetch(server, tmp_path)
    assert fetch(server, tmp_path) == CONTENT


def test_a_wrong_checksum_is_refused(server: Server, tmp_path: Path) -> None:
    FileHandler.content = CONTENT[:-1] + b"x"
    with pytest.raises(SourceError, match=FILE.checksum.removeprefix("md5:")):
        fetch(server, tmp_path)
    assert not (tmp_path / "data.bin").exists()


def test_a_server_in_trouble_is_told_and_costs_nothing_that_was_fetched(server: Server, tmp_path: Path) -> None:
    class Gone(Handler):
        def respond(self) -> None:
            self.answer(404)

    size = stop_halfway(server, tmp_path).stat().st_size
    with serving(Gone) as gone, pytest.raises(requests.HTTPError, match="404"):
        fetch(gone, tmp_path)
    assert (tmp_path / "data.bin.part").stat().st_size == size


def test_a_server_that_sends_another_range_is_not_believed(server: Server, tmp_path: Path) -> None:
    class Odd(FileHandler):
        def respond(self) -> None:
            if self.headers["Range"]:
                self.answer(206, CONTENT[7:], Content_Range=f"bytes 7-{len(CONTENT) - 1}/{len(CONTENT)}")
            else:
                super().respond()

    stop_halfway(server, tmp_path)
    with serving(Odd) as odd:
        assert fetch(odd, tmp_path) == CONTENT


def test_sha256_is_known_too(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    verify(RemoteFile("x", f"sha256:{hashlib.sha256(b'abc').hexdigest()}"), tmp_path / "x")


# --- archives


def tar(path: Path, names: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for name, content in names.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path


def zipped(path: Path, names: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in names.items():
            file.writestr(name, content)
    return path


@pytest.mark.parametrize("pack", [tar, zipped])
def test_an_archive_is_unpacked_beside_itself(pack: type, tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.tgz", {"jpg/1.jpg": b"one", "jpg/2.jpg": b"two", "readme": b""})
    (tmp_path / ".a.tgz.unpacking").mkdir()  # of a run that was killed
    unpack(archive, "jpg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tgz", "jpg"]
    assert sorted(path.read_bytes() for path in (tmp_path / "jpg").iterdir()) == [b"one", b"two"]


@pytest.mark.parametrize("pack", [tar, zipped])
def test_an_archive_that_reaches_outside_is_refused(pack: type, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("../../escaped.jpg", f"{tmp_path}/escaped.jpg"):
        archive = pack(tmp_path / "in" / "a.tgz", {"jpg/1.jpg": b"one", name: b"x"})
        if pack is tar and name.startswith("/"):
            unpack(archive, "jpg")  # tar's own filter takes the root away
        else:
            with pytest.raises(SourceError, match="cannot be unpacked"):
                unpack(archive, "jpg")
    assert not list(tmp_path.glob("*.jpg"))


def test_a_broken_archive_and_one_of_something_else_are_told(tmp_path: Path) -> None:
    whole = tar(tmp_path / "a.tgz", {"jpg/1.jpg": CONTENT}).read_bytes()
    for content in (whole[: len(whole) // 2], b"<html>", b""):
        (tmp_path / "a.tgz").write_bytes(content)
        with pytest.raises(SourceError, match=r"a\.tgz cannot be unpacked"):
            unpack(tmp_path / "a.tgz", "jpg")
    tar(tmp_path / "a.tgz", {"png/1.jpg": b"one"})
    with pytest.raises(SourceError, match="holds no folder jpg"):
        unpack(tmp_path / "a.tgz", "jpg")
    assert [path.name for path in tmp_path.iterdir()] == ["a.tgz"]
