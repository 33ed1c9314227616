"""The bytes of a CSV: encodings that are read, and those whose name must be asked for."""

import bz2
import codecs
import gzip
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from trainer.errors import SourceError
from trainer.sources.base import Listing
from trainer.sources.table import decoding, read_csv

CONTENT = "path,label\n0.jpg,Käse\n1.jpg,œuvre\n"


def read(folder: Path, content: bytes, name: str = "shop.csv") -> Listing:
    for number in range(2):
        (folder / f"{number}.jpg").touch()
    (folder / name).write_bytes(content)
    return read_csv(folder / name, folder / "cache")


def refusal(folder: Path, content: bytes, name: str = "shop.csv") -> str:
    with pytest.raises(SourceError, match="cannot be read as a CSV") as raised:
        read(folder, content, name)
    return str(raised.value)


@pytest.mark.parametrize(
    "content",
    [
        CONTENT.encode(),
        CONTENT.encode("utf-8-sig"),
        CONTENT.encode("utf-16"),
        codecs.BOM_UTF16_BE + CONTENT.encode("utf-16-be"),
        CONTENT.encode("utf-32"),
    ],
)
def test_unicode_that_says_so_needs_no_note(content: bytes, tmp_path: Path) -> None:
    listing = read(tmp_path, content)
    assert [picture.label for picture in listing.pictures] == ["Käse", "œuvre"]
    assert not listing.notes


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_text_that_does_not_say_so_is_told(encoding: str, tmp_path: Path) -> None:
    listing = read(tmp_path, CONTENT.encode(encoding))
    assert [picture.label for picture in listing.pictures] == ["Käse", "œuvre"]
    assert listing.notes == [f"shop.csv is read as {encoding.upper()}; it does not say so itself."]


def test_windows_1252_is_told_with_an_example(tmp_path: Path) -> None:
    listing = read(tmp_path, CONTENT.encode("cp1252"))
    assert [picture.label for picture in listing.pictures] == ["Käse", "œuvre"]
    assert listing.notes == [
        "shop.csv is not UTF-8 and is read as Windows-1252 (Latin-1): line 2 says Käse. "
        "If that is wrong, save it as UTF-8."
    ]


@pytest.mark.parametrize(
    "content",
    [
        "path,label\n0.jpg,чашка\n".encode("cp1251"),
        "path,label\n0.jpg,茶碗\n".encode("shift-jis"),
        "path,label\n0.jpg,茶碗\n".encode("gb18030"),
        "path,label\n0.jpg,Käse\n".encode() + b"1.jpg,\xe4\n",
        b"path,label\n0.jpg,\x81\n",
    ],
)
def test_an_encoding_that_cannot_be_told_is_an_error(content: bytes, tmp_path: Path) -> None:
    said = refusal(tmp_path, content)
    assert "is not UTF-8. Save it as UTF-8" in said
    assert f"in line {3 if b'1.jpg' in content else 2} " in said


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_tables_are_unpacked(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    listing = read(tmp_path, pack(CONTENT.encode("utf-16")), "shop.csv.packed")
    assert [picture.label for picture in listing.pictures] == ["Käse", "œuvre"]
    assert not listing.notes
    for broken in (pack(CONTENT.encode())[:-9], pack(CONTENT.encode())[:10]):
        with pytest.raises(SourceError, match=r"is packed with .*, but cannot be unpacked"):
            read(tmp_path, broken)


def test_a_table_that_unpacks_to_very_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_UNPACKED_BYTES", 1 << 20)
    with pytest.raises(SourceError, match=r"unpacks to more than 1 MiB\. Unpack it yourself"):
        read(tmp_path, gzip.compress(bytes(2 << 20)))


def test_utf_16_that_breaks_off_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="begins as UTF-16-LE, but is not"):
        read(tmp_path, CONTENT.encode("utf-16")[:-1])


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"PAR1" + bytes(50), "a Parquet file. Make a CSV of it"),
        (
            gzip.compress(gzip.compress(CONTENT.encode(), mtime=0), mtime=0),
            "packed with gzip. Unpack it: gunzip -k shop.csv",
        ),
        (b"SQLite format 3\0" + bytes(50), "an SQLite database"),
        (b"%PDF-1.4", "a PDF document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Office file"),
        (b"<!DOCTYPE html><html>", "an HTML or XML document"),
        (bytes(257) + b"ustar\x0000", "a tar file. Unpack it"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "one picture. Name the folder that it lies in"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "one picture. Name the folder that it lies in"),
    ],
)
def test_what_is_no_csv_is_named_with_what_to_do(content: bytes, kind: str, tmp_path: Path) -> None:
    assert f"it is {kind}" in refusal(tmp_path, content)


@pytest.mark.parametrize(
    ("member", "kind"),
    [
        ("xl/workbook.xml", "an Excel workbook. Save it as"),
        ("content.xml", "an OpenDocument table"),
        ("cup/0.jpg", "a ZIP file. Unpack it"),
    ],
)
def test_what_a_zip_file_is_depends_on_what_it_holds(member: str, kind: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "packed", "w") as file:
        file.writestr(member, "x")
    assert f"it is {kind}" in refusal(tmp_path, (tmp_path / "packed").read_bytes())
