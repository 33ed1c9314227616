"""The files that a CSV names: other spellings that are found, and addresses that cannot be."""

import unicodedata
from pathlib import Path

import pytest

from trainer.sources.base import Listing, stable_id
from trainer.sources.table import read_csv


def read(folder: Path, content: str) -> Listing:
    (folder / "fine.jpg").touch()
    (folder / "shop.csv").write_text(f"path,url\nfine.jpg,\n{content}", encoding="utf-8")
    return read_csv(folder / "shop.csv", folder / "cache")


def places(listing: Listing, folder: Path) -> list[str]:
    return [picture.path.relative_to(folder).as_posix() for picture in listing.pictures[1:]]


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_backslashes_are_slashes_unless_a_file_has_them(tmp_path: Path) -> None:
    fill(tmp_path, "cup/1.jpg", "a\\b.jpg")
    listing = read(tmp_path, "cup\\1.jpg,\n.\\cup\\1.jpg,\na\\b.jpg,\n")
    assert places(listing, tmp_path) == ["cup/1.jpg", "cup/1.jpg", "a\\b.jpg"]
    assert listing.pictures[1].id == stable_id("cup/1.jpg")


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
@pytest.mark.parametrize("in_table", ["NFC", "NFD"])
def test_accents_are_found_in_either_form(on_disk: str, in_table: str, tmp_path: Path) -> None:
    name = "café/été.jpg"
    fill(tmp_path, unicodedata.normalize(on_disk, name))  # type: ignore[arg-type]
    listing = read(tmp_path, f"{unicodedata.normalize(in_table, name)},\n")  # type: ignore[arg-type]
    assert places(listing, tmp_path) == [unicodedata.normalize(on_disk, name)]  # type: ignore[arg-type]
    assert listing.pictures[1].id == stable_id(unicodedata.normalize("NFC", name))


def test_accents_are_found_where_the_forms_are_mixed(tmp_path: Path) -> None:
    on_disk = unicodedata.normalize("NFD", "café/") + unicodedata.normalize("NFC", "été.jpg")
    fill(tmp_path, on_disk)
    assert places(read(tmp_path, "café/été.jpg,\n"), tmp_path) == [on_disk]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",ftp://shop.example/1.jpg", "ftp: cannot be fetched, only http:// and https://; download it"),
        (",s3://bucket/1.jpg", "s3: cannot be fetched"),
        (",gs://bucket/1.jpg", "gs: cannot be fetched"),
        (",file:///1.jpg", "it begins with file://; write the path alone, in the column path"),
        ("file:///1.jpg,", "it begins with file://; write the path alone, in the column path"),
        (",data:image/png;base64", "data: cannot be fetched"),
        ("https://shop.example/1.jpg,", "its path is an address; write it in the column url"),
        (",images/1.jpg", "its url does not begin with http:// or https://, and there is no such file"),
        (",//shop.example/1.jpg", "its url does not begin with http:// or https://"),
        (",www.shop.example/1.jpg", "its url does not begin with http:// or https://"),
        ("C:\\shop\\1.jpg,", "there is no such file; it is a path of a Windows computer"),
        ("\\\\nas\\shop\\1.jpg,", "there is no such file; it is a path of a Windows computer"),
        ("FINE.JPG,", "there is no such file, but there is fine.jpg; capitals count"),
        ("absent.jpg,", "there is no such file"),
    ],
)
def test_what_cannot_be_looked_up_is_told(row: str, reason: str, tmp_path: Path) -> None:
    (entry,) = read(tmp_path, f"{row}\n").skipped
    assert entry.reason.startswith(reason)


def test_a_url_that_is_a_file_beside_the_table_is_one(tmp_path: Path) -> None:
    fill(tmp_path, "images/1.jpg")
    assert places(read(tmp_path, ",images/1.jpg\n"), tmp_path) == ["images/1.jpg"]
