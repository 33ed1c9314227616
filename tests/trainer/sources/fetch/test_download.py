"""Pictures at URLs, from a real server on this machine: fetched once, and told why where they are not."""

import csv
import socket
from hashlib import sha256
from pathlib import Path

import pytest

from tests.trainer.sources.serving import Server
from tests.trainer.sources.shop import OTHER, PICTURE
from trainer.errors import SourceError
from trainer.sources.fetch import download
from trainer.sources.table import read_csv


def pictures_in(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir() if not path.name.startswith("index.sqlite"))


def fates(cache: Path) -> list[dict[str, str]]:
    with (cache.parent / "fetched.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_picture_is_fetched_once_and_kept_under_its_content(shop: Server, cache: Path) -> None:
    urls = [f"{shop.url}/{name}" for name in ("picture.jpg", "other.jpg?size=2", "picture.jpg", "copy.jpg")]
    steps: list[tuple[int, int]] = []
    first = download.fetch_all(urls, cache, lambda done, of: steps.append((done, of)))
    assert set(first) == set(urls)
    assert [Path(first[url]).read_bytes() for url in urls] == [PICTURE, OTHER, PICTURE, PICTURE]
    assert pictures_in(cache) == sorted(sha256(content).hexdigest() for content in (PICTURE, OTHER))
    assert all(Path(path).name == sha256(Path(path).read_bytes()).hexdigest() for path in first.values())
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert sorted(shop.asked) == ["/copy.jpg", "/other.jpg?size=2", "/picture.jpg"]
    assert download.fetch_all(urls, cache) == first
    assert len(shop.asked) == 3


def test_what_cannot_be_fetched_is_told_and_leaves_nothing_behind(shop: Server, cache: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/1.jpg"
    reasons = {
        f"{shop.url}/missing.jpg": "the server answered 404",
        f"{shop.url}/short.jpg": "it could not be fetched (BrokenOff)",
        f"{shop.url}/loop.jpg": "it could not be fetched (TooManyRedirects)",
        nobody: "it could not be fetched (ConnectionError)",
    }
    assert download.fetch_all(list(reasons), cache) == reasons
    assert pictures_in(cache) == []
    assert [(row["url"], row["reason"]) for row in fates(cache)] == list(reasons.items())


@pytest.mark.parametrize("url", ["http://", "http://[", "http://a..b/1.jpg", f"http://{'x' * 70}.example/1.jpg"])
def test_what_is_no_address_is_told(url: str, cache: Path) -> None:
    (reason,) = download.fetch_all([url], cache).values()
    assert str(reason).startswith("it could not be fetched (")


def test_a_failed_picture_is_asked_for_again_and_a_moved_one_followed(shop: Server, cache: Path) -> None:
    for _run in range(2):
        download.fetch_all([f"{shop.url}/missing.jpg"], cache)
    assert shop.asked == ["/missing.jpg", "/missing.jpg"]
    (result,) = download.fetch_all([f"{shop.url}/moved.jpg"], cache).values()
    assert Path(result).read_bytes() == PICTURE


def test_what_is_no_picture_is_not_kept_as_one(shop: Server, cache: Path) -> None:
    for _run in range(2):
        (reason,) = download.fetch_all([f"{shop.url}/login.jpg"], cache).values()
        assert str(reason).startswith("what the server sent is no picture: this is a web page")
        assert pictures_in(cache) == []
    assert shop.asked == ["/login.jpg", "/login.jpg"]


def test_files_are_absolute_wherever_the_cache_is(
    shop: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (result,) = download.fetch_all([f"{shop.url}/picture.jpg"], Path("cache")).values()
    assert isinstance(result, Path)
    assert result.parent == tmp_path / "cache"


def test_a_picture_that_is_too_large_is_given_up(shop: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"{shop.url}/picture.jpg"
    monkeypatch.setattr(download, "MAX_BYTES", len(PICTURE) - 1)
    (reason,) = download.fetch_all([url], cache).values()
    assert str(reason).startswith("it is larger than")
    assert pictures_in(cache) == []
    monkeypatch.setattr(download, "MAX_BYTES", len(PICTURE))
    assert isinstance(download.fetch_all([url], cache)[url], Path)


def test_no_urls_make_no_folder(cache: Path) -> None:
    assert download.fetch_all([], cache) == {}
    assert not cache.parent.exists()


# --- what a run leaves behind


def test_a_run_that_is_stopped_fetches_no_more_and_loses_nothing(shop: Server, cache: Path) -> None:
    urls = [f"{shop.url}/{number}.jpg" for number in range(50)]

    def stop(_done: int, _of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download.fetch_all(urls, cache, stop)
    fetched = len(shop.asked)
    assert fetched < 20
    assert not list(cache.glob("*.part"))
    listed = [row["reason"] for row in fates(cache)]
    assert len(listed) == 50
    assert listed.count("") >= 1
    assert listed.count("not asked for yet") >= 30
    download.fetch_all(urls, cache)
    assert sorted(shop.asked) == sorted(url.removeprefix(shop.url) for url in urls)  # each once in both runs


def test_the_table_tells_the_fate_of_each(shop: Server, cache: Path) -> None:
    urls = [f"{shop.url}/missing.jpg", f"{shop.url}/picture.jpg", "http://["]
    download.fetch_all(urls, cache)
    missing, fetched, wrong = fates(cache)
    reason = "the server answered 404"
    assert missing == {"url": urls[0], "status": "404", "digest": "", "bytes": "", "reason": reason}
    digest = sha256(PICTURE).hexdigest()
    assert fetched == {"url": urls[1], "status": "200", "digest": digest, "bytes": str(len(PICTURE)), "reason": ""}
    assert (wrong["url"], wrong["status"]) == ("http://[", "")
    assert wrong["reason"].startswith("it could not be fetched")


def test_a_file_that_was_lost_or_cut_is_fetched_again(shop: Server, cache: Path) -> None:
    url = f"{shop.url}/picture.jpg"
    (result,) = download.fetch_all([url], cache).values()
    Path(result).write_bytes(PICTURE[:10])
    assert Path(download.fetch_all([url], cache)[url]).read_bytes() == PICTURE
    Path(result).unlink()
    assert Path(download.fetch_all([url], cache)[url]).read_bytes() == PICTURE
    assert len(shop.asked) == 3


# --- the same through a CSV


def test_rows_with_a_url_become_pictures(shop: Server, cache: Path, tmp_path: Path) -> None:
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
    requests = list(shop.asked)
    assert "/never.jpg" not in requests
    assert read_csv(table, cache) == listing
    assert shop.asked == [*requests, "/missing.jpg"]


def test_no_picture_at_any_url_is_an_error(shop: Server, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_text(f"url\n{shop.url}/missing.jpg\n", encoding="utf-8")
    with pytest.raises(SourceError, match="can be used: the server answered 404"):
        read_csv(tmp_path / "shop.csv", cache)
