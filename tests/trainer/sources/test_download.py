"""Pictures at URLs, from a real server on this machine: fetched once, and told why where they are not."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.bundles import picture
from trainer.errors import SourceError
from trainer.sources import download
from trainer.sources.table import read_csv

PICTURE = picture(0) + bytes(200_000)


class Shop(ThreadingHTTPServer):
    """Serves a few pictures and troubles, and keeps count."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[str] = []
        self.closing = threading.Event()


class Handler(BaseHTTPRequestHandler):
    server: Shop

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path == "/missing.jpg":
            self.send_error(404)
        elif self.path == "/moved.jpg":
            self.send_response(302)
            self.send_header("Location", "/picture.jpg")
            self.end_headers()
        elif self.path == "/loop.jpg":
            self.send_response(302)
            self.send_header("Location", "/loop.jpg")
            self.end_headers()
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(PICTURE)))
            self.end_headers()
            if self.path == "/login.jpg":
                self.wfile.write(b"<html>Please log in</html>".ljust(len(PICTURE)))
            elif self.path == "/stalls.jpg":
                self.wfile.write(PICTURE[:100])
                self.server.closing.wait()
            elif self.path == "/short.jpg":
                self.wfile.write(PICTURE[:-1])
            else:
                self.wfile.write(PICTURE)

    def log_message(self, *_: object) -> None:
        """Not into the tests' output."""


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "a" / "cache"


def test_a_picture_is_fetched_once(shop: Shop, cache: Path) -> None:
    urls = [f"{shop.url}/picture.jpg", f"{shop.url}/other.jpg?size=2", f"{shop.url}/picture.jpg"]
    told: list[tuple[int, int]] = []
    first = download.fetch_all(urls, cache, lambda done, of: told.append((done, of)))
    assert set(first) == set(urls)
    assert [Path(first[url]).read_bytes() for url in urls] == [PICTURE] * 3
    assert first[urls[0]] != first[urls[1]]
    assert told == [(1, 2), (2, 2)]
    assert sorted(shop.asked) == ["/other.jpg?size=2", "/picture.jpg"]
    assert download.fetch_all(urls, cache) == first
    assert len(shop.asked) == 2


def test_what_cannot_be_fetched_is_told_and_leaves_nothing_behind(shop: Shop, cache: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/1.jpg"
    reasons = {
        f"{shop.url}/missing.jpg": "the server answered 404",
        f"{shop.url}/short.jpg": "it could not be fetched (ChunkedEncodingError)",
        f"{shop.url}/loop.jpg": "it could not be fetched (TooManyRedirects)",
        nobody: "it could not be fetched (ConnectionError)",
    }
    assert download.fetch_all(list(reasons), cache) == reasons
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("url", ["http://", "http://[", "http://a..b/1.jpg", f"http://{'x' * 70}.example/1.jpg"])
def test_what_is_no_address_is_told(url: str, cache: Path) -> None:
    (reason,) = download.fetch_all([url], cache).values()
    assert str(reason).startswith("it could not be fetched (")


def test_a_failed_picture_is_asked_for_again_and_a_moved_one_followed(shop: Shop, cache: Path) -> None:
    for _run in range(2):
        download.fetch_all([f"{shop.url}/missing.jpg"], cache)
    assert shop.asked == ["/missing.jpg", "/missing.jpg"]
    (found,) = download.fetch_all([f"{shop.url}/moved.jpg"], cache).values()
    assert Path(found).read_bytes() == PICTURE


def test_what_is_no_picture_is_not_kept_as_one(shop: Shop, cache: Path) -> None:
    for _run in range(2):
        (reason,) = download.fetch_all([f"{shop.url}/login.jpg"], cache).values()
        assert str(reason).startswith("what the server sent is no picture: not a picture in a format")
        assert list(cache.iterdir()) == []
    assert shop.asked == ["/login.jpg", "/login.jpg"]


def test_files_are_absolute_wherever_the_cache_is(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (found,) = download.fetch_all([f"{shop.url}/picture.jpg"], Path("cache")).values()
    assert isinstance(found, Path)
    assert found.parent == tmp_path / "cache"


def test_a_run_that_is_stopped_fetches_no_more(shop: Shop, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "WORKERS", 1)

    def stop(_done: int, _of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download.fetch_all([f"{shop.url}/{number}.jpg" for number in range(50)], cache, stop)
    assert len(shop.asked) < 10
    assert not list(cache.glob("*.part"))


def test_a_picture_that_is_too_large_is_given_up(shop: Shop, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"{shop.url}/picture.jpg"
    monkeypatch.setattr(download, "MAX_BYTES", len(PICTURE) - 1)
    (reason,) = download.fetch_all([url], cache).values()
    assert str(reason).startswith("it is larger than")
    assert list(cache.iterdir()) == []
    monkeypatch.setattr(download, "MAX_BYTES", len(PICTURE))
    assert isinstance(download.fetch_all([url], cache)[url], Path)


@pytest.mark.parametrize("where", ["before an answer", "within an answer"])
def test_a_server_that_falls_silent_is_given_up(
    where: str, shop: Shop, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "TIMEOUT_SECONDS", (5, 0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/1.jpg" if "before" in where else f"{shop.url}/stalls.jpg"
        reason = download.fetch_all([url], cache)[url]
    assert reason in ("it could not be fetched (ReadTimeout)", "it could not be fetched (ConnectionError)")
    assert list(cache.iterdir()) == []


def test_no_urls_make_no_folder(cache: Path) -> None:
    assert download.fetch_all([], cache) == {}
    assert not cache.exists()


# --- the same through a CSV


def test_rows_with_a_url_become_pictures(shop: Shop, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "here.jpg").touch()
    table = tmp_path / "shop.csv"
    table.write_text(
        "url,path,label\n"
        f"{shop.url}/picture.jpg,,cup\n"
        f"{shop.url}/missing.jpg,,cup\n"
        f"{shop.url}/never.jpg,here.jpg,plate\n"
        f"{shop.url.replace('http', 'HTTP')}/other.jpg,,plate\n",
        encoding="utf-8",
    )
    listing = read_csv(table, cache)
    assert [picture.label for picture in listing.pictures] == ["cup", "plate", "plate"]
    assert [picture.path.parent for picture in listing.pictures] == [cache, tmp_path, cache]
    assert listing.pictures[0].path.read_bytes() == PICTURE
    assert [(entry.place, entry.reason) for entry in listing.skipped] == [
        (f"shop.csv, row 3: {shop.url}/missing.jpg", "the server answered 404")
    ]
    asked = list(shop.asked)
    assert "/never.jpg" not in asked
    assert read_csv(table, cache) == listing
    assert shop.asked == [*asked, "/missing.jpg"]


def test_no_picture_at_any_url_is_an_error(shop: Shop, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_text(f"url\n{shop.url}/missing.jpg\n", encoding="utf-8")
    with pytest.raises(SourceError, match="can be used: the server answered 404"):
        read_csv(tmp_path / "shop.csv", cache)
