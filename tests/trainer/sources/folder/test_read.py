"""A folder as a source: labels from folders, at any depth."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.images import EXTENSIONS
from tests.support.marks import examples
from trainer.errors import SourceError
from trainer.sources.folder import read_folder


def fill(root: Path, *places: str) -> Path:
    for place in places:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).touch()
    return root


def labels_by_path(root: Path) -> dict[str, str | None]:
    """Label by place within the folder."""
    return {p.path.relative_to(root.absolute()).as_posix(): p.label for p in read_folder(root).pictures}


def test_the_parent_folder_is_the_label_at_any_depth(tmp_path: Path) -> None:
    fill(tmp_path, "cup/1.jpg", "cup/old/2.png", "a/b/c/plate/3.webp", "cup/plate/4.gif", "5.bmp")
    assert labels_by_path(tmp_path) == {
        "cup/1.jpg": "cup",
        "cup/old/2.png": "old",
        "a/b/c/plate/3.webp": "plate",
        "cup/plate/4.gif": "plate",
        "5.bmp": None,
    }


@pytest.mark.parametrize("validation", ["val", "valid", "validation"])
def test_the_folders_of_a_split_are_parts_and_not_labels(validation: str, tmp_path: Path) -> None:
    fill(
        tmp_path,
        "train/cup/1.jpg",
        "train/a/plate/2.jpg",
        f"{validation}/cup/3.jpg",
        "test/4.jpg",
        ".git/5.jpg",
        "LICENSE",
    )
    assert {p.path.name: (p.label, p.part) for p in read_folder(tmp_path).pictures} == {
        "1.jpg": ("cup", "train"),
        "2.jpg": ("plate", "train"),
        "3.jpg": ("cup", "validation"),
        "4.jpg": (None, "test"),
    }


@pytest.mark.parametrize(
    "places",
    [
        ["train/cup/1.jpg"],
        ["test/cup/1.jpg", "val/cup/2.jpg"],
        ["train/cup/1.jpg", "test/cup/2.jpg", "3.jpg"],
        ["train/cup/1.jpg", "test/cup/2.jpg", "bus/cup/3.jpg"],
        ["train/cup/1.jpg", "val/cup/2.jpg", "valid/cup/3.jpg"],
    ],
)
def test_other_folders_are_no_split(places: list[str], tmp_path: Path) -> None:
    assert {p.part for p in read_folder(fill(tmp_path, *places)).pictures} == {None}


def test_only_pictures_that_are_not_hidden_are_collected(tmp_path: Path) -> None:
    kept = [f"cup/1{ending}" for ending in sorted(EXTENSIONS)] + ["cup/2.JPG", "cup/3.PgM"]
    fill(tmp_path, *kept, "cup/.4.jpg", ".cup/5.jpg", "cup/.old/6.jpg", "notes.txt", "jpg", "7.jpg.part", "8.svg")
    assert set(labels_by_path(tmp_path)) == set(kept)
    listing = read_folder(tmp_path)
    assert {Path(entry.place).name for entry in listing.skipped} == {"7.jpg.part", "8.svg"}
    assert listing.notes == [
        "Not pictures, and ignored: 3 hidden or system files (.cup, .4.jpg, .old), 1 without an ending, 1 .txt."
    ]


def test_ids_and_order_are_the_same_from_run_to_run_and_place_to_place(tmp_path: Path) -> None:
    places = [f"{label}/{number}.jpg" for label in ("b", "a", "ä") for number in (2, 10, 1)]
    one, other = fill(tmp_path / "one", *places), fill(tmp_path / "two" / "other", *reversed(places))
    first, again, elsewhere = (read_folder(root).pictures for root in (one, one, other))
    assert first == again
    assert [(p.id, p.label) for p in first] == [(p.id, p.label) for p in elsewhere]
    assert len({p.id for p in first}) == len(places)
    assert [p.path for p in first] == sorted(p.path for p in first)


@settings(deadline=None, max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=20), max_size=5))
def test_whatever_the_files_are_called(tmp_path_factory: pytest.TempPathFactory, names: set[str]) -> None:
    root = tmp_path_factory.mktemp("odd")
    fill(root, "0.jpg", *(f"cup/{name}.jpg" for name in names))
    assert set(labels_by_path(root)) == {"0.jpg"} | {f"cup/{name}.jpg" for name in names if not name.startswith(".")}


def test_paths_are_absolute_whatever_the_source_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, "shop/cup/1.jpg", "shop/2.jpg")
    monkeypatch.chdir(tmp_path)
    wanted = [(tmp_path / "shop/2.jpg", None), (tmp_path / "shop/cup/1.jpg", "cup")]
    for source in (Path("shop"), tmp_path / "shop"):
        assert [(p.path, p.label) for p in read_folder(source).pictures] == wanted
    monkeypatch.chdir(tmp_path / "shop")
    assert [(p.path, p.label) for p in read_folder(Path()).pictures] == wanted


def test_a_folder_that_may_not_be_opened_is_skipped_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, "cup/1.jpg", "locked/2.jpg")
    scandir = os.scandir

    def refuse(place: str) -> object:
        if Path(place).name == "locked":
            raise PermissionError(13, "Permission denied", place)
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refuse)
    listing = read_folder(tmp_path)
    assert [picture.label for picture in listing.pictures] == ["cup"]
    assert [(Path(entry.place).name, entry.reason) for entry in listing.skipped] == [("locked", "Permission denied")]


def test_links_to_pictures_count_and_what_is_no_file_is_skipped_with_its_reason(tmp_path: Path) -> None:
    fill(tmp_path, "shop/cup/1.jpg", "elsewhere/2.jpg")
    (tmp_path / "shop/cup/linked.jpg").symlink_to(tmp_path / "elsewhere/2.jpg")
    (tmp_path / "shop/cup/dangling.jpg").symlink_to(tmp_path / "absent.jpg")
    (tmp_path / "shop/plate").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "shop/cup/pipe.jpg")
    listing = read_folder(tmp_path / "shop")
    assert [(picture.path.name, picture.label) for picture in listing.pictures] == [
        ("1.jpg", "cup"),
        ("linked.jpg", "cup"),
    ]
    reasons = {Path(entry.place).name: entry.reason for entry in listing.skipped}
    assert set(reasons) == {"dangling.jpg", "plate", "pipe.jpg"}
    assert reasons["pipe.jpg"] == "it is not a file"
    assert "name that folder itself" in reasons["plate"]


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ([], "It is empty."),
        (
            ["cup/notes.txt", "cup/b.txt", ".hidden/1.jpg"],
            "It holds 1 hidden or system file (.hidden), 2 .txt instead.",
        ),
        (["shop.csv"], "It holds 1 .csv instead. To read shop.csv, name that file instead of the folder."),
        (["all.zip"], "It holds 1 .zip instead. Unpack its archives first."),
        (["a.cr2", "b.nef"], "a.cr2 and 1 others cannot be used: a raw file of a camera"),
        (["@eaDir/1.jpg"], "It holds 1 hidden or system file (@eaDir) instead."),
    ],
)
def test_no_pictures_is_an_error_that_says_what_there_is(places: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"holds no pictures, at any depth\.") as raised:
        read_folder(fill(tmp_path, *places))
    assert said in str(raised.value)


@pytest.mark.parametrize("place", ["absent", "file.jpg"])
def test_what_is_no_folder_is_said(place: str, tmp_path: Path) -> None:
    fill(tmp_path, "file.jpg")
    with pytest.raises(SourceError, match="is not a folder"):
        read_folder(tmp_path / place)


def test_labels_and_ids_that_look_the_same_are_the_same(tmp_path: Path) -> None:
    one = fill(tmp_path / "one", "caf\u00e9/1.jpg", "cup/2.jpg")
    other = fill(tmp_path / "other", "cafe\u0301/1.jpg", "cup\u200b /2.jpg")
    first, second = read_folder(one).pictures, read_folder(other).pictures
    assert [p.label for p in first] == [p.label for p in second] == ["caf\u00e9", "cup"]
    assert first[0].id == second[0].id


def test_two_files_of_one_name_in_two_forms_are_two_pictures(tmp_path: Path) -> None:
    fill(tmp_path, "caf\u00e9.jpg", "cafe\u0301.jpg")
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this file system takes both forms for one name")
    assert len({picture.id for picture in read_folder(tmp_path).pictures}) == 2


def test_a_deep_tree_and_a_circle_of_links_come_to_an_end(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(300):
        deep = deep / "d"
    fill(tmp_path, "cup/1.jpg", f"{deep.relative_to(tmp_path)}/2.jpg")
    (tmp_path / "cup/up").symlink_to(tmp_path)
    (tmp_path / "cup/self.jpg").symlink_to("self.jpg")
    listing = read_folder(tmp_path)
    assert [picture.path.name for picture in listing.pictures] == ["1.jpg", "2.jpg"]
    assert {Path(entry.place).name for entry in listing.skipped} == {"up", "self.jpg"}
