"""Every file of a folder is accounted for: by content where its name does not tell, and without what systems leave."""

import os
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.support.marks import examples
from trainer.sources.folder import read_folder
from trainer.sources.folder.walk import walk


def encoded(format_: str) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (8, 8), "teal").save(buffer, format_)
    return buffer.getvalue()


JPEG = encoded("JPEG")


def put(root: Path, place: str, content: bytes = JPEG) -> None:
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    (root / place).write_bytes(content)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
@pytest.mark.parametrize("name", ["1", "IMG_0001.HEIC", "1.TIF", "1.JPG~original", "1.jpg_large", "1.dat", "1.jpg.bin"])
def test_a_picture_is_told_by_its_content(name: str, format_: str, tmp_path: Path) -> None:
    put(tmp_path, f"cup/{name}", encoded(format_))
    put(tmp_path, "cup/fine.jpg")
    assert {picture.path.name for picture in read_folder(tmp_path).pictures} == {name, "fine.jpg"}


def test_files_that_are_no_pictures_are_counted_by_kind(tmp_path: Path) -> None:
    put(tmp_path, "cup/1.jpg")
    for name in ("a.txt", "b.TXT", "c.json", "Makefile", "P1.txt", "clip.mov"):
        put(tmp_path, name, b"P1 is the first\n" if name == "P1.txt" else b"\0\0\0\x14ftypqt  ")
    assert read_folder(tmp_path).notes == ["Not pictures, and ignored: 3 .txt, 1 without an ending, 1 .json, 1 .mov."]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("1.nef", "a raw file of a camera"),
        ("1.DNG", "a raw file of a camera"),
        ("1.jpg.crdownload", "an unfinished download"),
        ("2.part", "an unfinished download"),
        (".IMG_1.HEIC.icloud", "it is in iCloud only"),
    ],
)
def test_a_picture_that_cannot_be_used_is_skipped_with_its_reason(name: str, why: str, tmp_path: Path) -> None:
    put(tmp_path, "cup/1.jpg")
    put(tmp_path, f"cup/{name}")
    listing = read_folder(tmp_path)
    assert [picture.path.name for picture in listing.pictures] == ["1.jpg"]
    (entry,) = listing.skipped
    assert (Path(entry.place).name, entry.reason.startswith(why)) == (name, True)


@pytest.mark.parametrize(
    "place",
    [
        "@eaDir/1.jpg/SYNOPHOTO_THUMB_XL.jpg",
        "cup/@eaDir/1.jpg",
        "#recycle/1.jpg",
        "@tmp/1.jpg",
        "@Recycle/1.jpg",
        "@Recently-Snapshot/x/1.jpg",
        ".@__thumb/default1.jpg",
        "$RECYCLE.BIN/S-1-5-21/$R1.jpg",
        "System Volume Information/1.jpg",
        "RECYCLER/1.jpg",
        "FOUND.000/1.jpg",
        "lost+found/1.jpg",
        "LOST.DIR/1.jpg",
        "__MACOSX/cup/._1.jpg",
        ".AppleDouble/1.jpg",
        ".Spotlight-V100/1.jpg",
        ".Trashes/501/1.jpg",
        ".Trash-1000/files/1.jpg",
        ".fseventsd/1.jpg",
        ".thumbnails/1.jpg",
        ".trashed-1700000000-IMG_1.jpg",
        ".picasaoriginals/1.jpg",
        ".ipynb_checkpoints/1-checkpoint.jpg",
        ".git/1.jpg",
        ".dropbox.cache/1.jpg",
        ".stversions/1.jpg",
        "Catalog Previews.lrdata/0/1.jpg",
        "CaptureOne/Cache/Thumbnails/1.jpg",
        "cup/._2.jpg",
        "cup/Thumbs.db",
        "cup/AlbumArtSmall.jpg",
        "cup/AlbumArt_{0B7C-4E}_Large.jpg",
        "cup/MVI_0001.THM",
        "cup/IMG_0001.AAE",
        "cup/IMG_0001.xmp",
        "cup/desktop.ini",
        "cup/.DS_Store",
    ],
)
def test_what_systems_leave_is_no_picture_and_no_label(place: str, tmp_path: Path) -> None:
    put(tmp_path, "cup/1.jpg")
    put(tmp_path, place)
    listing = read_folder(tmp_path)
    assert [(picture.path.name, picture.label) for picture in listing.pictures] == [("1.jpg", "cup")]
    assert not listing.skipped
    assert listing.notes[0].startswith("Not pictures, and ignored: 1 hidden or system file (")


def test_a_photo_library_and_links_are_skipped_with_their_reason(tmp_path: Path) -> None:
    put(tmp_path, "cup/1.jpg")
    put(tmp_path, "Photos Library.photoslibrary/originals/0/2.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "cup")
    reasons = {Path(entry.place).name: entry.reason for entry in read_folder(tmp_path).skipped}
    assert reasons["Photos Library.photoslibrary"] == "a photo library; export its originals into a folder"
    assert "name that folder itself" in reasons["link"]


def test_what_is_no_file_is_never_opened(tmp_path: Path) -> None:
    put(tmp_path, "cup/1.jpg")
    os.mkfifo(tmp_path / "pipe")
    assert [(Path(e.place).name, e.reason) for e in read_folder(tmp_path).skipped] == [("pipe", "it is not a file")]


NAMES = st.sampled_from(
    [
        "1.jpg",
        "2.JPEG",
        "a.txt",
        "b",
        ".c",
        "Thumbs.db",
        "d.nef",
        "e.part",
        "._f.jpg",
        "g.svg",
        "h.xmp",
        "i.tar.gz",
        "ü",
    ]
)
FOLDERS = st.sampled_from(["", "cup", "cup/old", "@eaDir", ".hidden", "x.photoslibrary", "100CANON", "images"])


@settings(deadline=None, max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.tuples(FOLDERS, NAMES), min_size=1, max_size=12), st.sampled_from([JPEG, b"", b"text"]))
def test_every_file_is_used_or_skipped_or_counted(
    tmp_path_factory: pytest.TempPathFactory, files: set[tuple[str, str]], content: bytes
) -> None:
    root = tmp_path_factory.mktemp("any")
    for folder, name in files:
        put(root, f"{folder}/{name}" if folder else name, content)
    contents = walk(root)
    libraries = {entry.place for entry in contents.skipped if entry.place.endswith("library")}
    within = sum(folder == "x.photoslibrary" for folder, _ in files)
    accounted = len(contents.pictures) + len(contents.skipped) - len(libraries) + within
    assert accounted + contents.ignored.total() + contents.system.total() == len(files)
