"""The one door to all sources, and what it refuses before an hour of training is spent on it."""

import os
from pathlib import Path

import pytest

from retrieval.catalogue import ID_LENGTH
from trainer.config import SourceConfig
from trainer.errors import SourceError
from trainer.sources import read_source
from trainer.sources.base import stable_id


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder of two pictures."""
    for name in ("cup/0.jpg", "plate/1.jpg"):
        (tmp_path / "shop" / name).parent.mkdir(parents=True)
        (tmp_path / "shop" / name).touch()
    return tmp_path / "shop"


def write(shop: Path, content: str) -> str:
    (shop / "shop.csv").write_text(content, encoding="utf-8")
    return str(shop / "shop.csv")


def test_a_folder_and_a_csv_are_told_apart(shop: Path, tmp_path: Path) -> None:
    listing = read_source(str(shop), tmp_path)
    assert [picture.label for picture in listing.pictures] == ["cup", "plate"]
    listing = read_source(write(shop, "path,label\ncup/0.jpg,mug\n"), tmp_path)
    assert [picture.label for picture in listing.pictures] == ["mug"]


def test_a_source_is_found_in_either_form_of_its_name(shop: Path, tmp_path: Path) -> None:
    shop.rename(tmp_path / "cafe\u0301")
    assert len(read_source(str(tmp_path / "caf\u00e9"), tmp_path).pictures) == 2


def test_neither_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match="Name a folder of pictures, a CSV file, or pottery, flowers102, lfw or celeba"
    ):
        read_source(str(tmp_path / "absent"), tmp_path)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", r"The source has no name.*\. is the current folder"),
        (" ", "The source has no name"),
        ("/dev/null", "is not a folder"),
    ],
)
def test_what_is_no_source_is_told(source: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "1.jpg").touch()
    with pytest.raises(SourceError, match=message):
        read_source(source, tmp_path / "artifacts")


@pytest.mark.parametrize(
    ("id_", "why"),
    [
        ("a\tb", f"is not 1 to {ID_LENGTH} printable characters: it holds U+0009"),
        ("a\0b", f"is not 1 to {ID_LENGTH} printable characters: it holds U+0000"),
        ("x" * (ID_LENGTH + 1), f"is not 1 to {ID_LENGTH} printable characters: it has 129"),
        ("zero\u200bwidth", "has an invisible character, a blank at an end, or a blank that is not the plain space"),
        ("x/../victim", "has . or .. between slashes, which mean a folder in an address"),
        (".", "has . or .. between slashes, which mean a folder in an address"),
        ("a//b", "begins or ends with a slash, or has two in a row"),
    ],
)
def test_an_id_that_the_catalogue_could_not_hold_is_skipped(id_: str, why: str, shop: Path, tmp_path: Path) -> None:
    listing = read_source(write(shop, f'path,id\ncup/0.jpg,"{id_}"\nplate/1.jpg,fine\n'), tmp_path)
    assert [picture.id for picture in listing.pictures] == ["fine"]
    assert [(Path(entry.place).name, entry.reason) for entry in listing.skipped] == [("0.jpg", f"its id {why}")]


def test_the_longest_id_is_kept(shop: Path, tmp_path: Path) -> None:
    id_ = "ü" * ID_LENGTH
    (picture,) = read_source(write(shop, f"path,id\ncup/0.jpg,{id_}\n"), tmp_path).pictures
    assert picture.id == id_


@pytest.mark.parametrize("place", ["cup\udcff/2.jpg", "cup/2\udcff.jpg"])
def test_a_name_that_is_not_text_is_skipped_and_can_be_written_down(place: str, shop: Path, tmp_path: Path) -> None:
    path = os.fsencode(shop / place)
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120  # bytes, which pathlib does not take
    Path(os.fsdecode(path)).touch()
    listing = read_source(str(shop), tmp_path)
    assert [picture.label for picture in listing.pictures] == ["cup", "plate"]
    (entry,) = listing.skipped
    assert entry.place.encode() == os.fsencode(shop / place).replace(b"\xff", b"?")
    assert "not text in UTF-8; rename it" in entry.reason


def test_labels_and_attributes_with_a_zero_byte_are_skipped(shop: Path, tmp_path: Path) -> None:
    for content in ("path,label\ncup/0.jpg,a\0b\nplate/1.jpg,x\n", "path,note\ncup/0.jpg,a\0b\nplate/1.jpg,x\n"):
        listing = read_source(write(shop, content), tmp_path)
        assert [picture.path.name for picture in listing.pictures] == ["1.jpg"]
        assert len(listing.skipped) == 1


def test_skipped_rows_of_the_csv_and_refused_pictures_are_told_together(shop: Path, tmp_path: Path) -> None:
    content = "path,id\nabsent.jpg,a\ncup/0.jpg,b\x7f\nplate/1.jpg,c\n"
    listing = read_source(write(shop, content), tmp_path)
    assert [Path(entry.place).name for entry in listing.skipped] == ["shop.csv, row 2: absent.jpg", "0.jpg"]


def test_nothing_but_refused_pictures_is_an_error_with_the_reason(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"No picture of .* can be used: its id is not"):
        read_source(write(shop, "path,id\ncup/0.jpg,a\x7fb\n"), tmp_path)


# --- which labels are used


def test_labels_with_few_pictures_are_left_out_and_counted(tmp_path: Path) -> None:
    for label, count in {"a": 3, "b": 1, "c": 2, "d": 2}.items():
        (tmp_path / "shop" / label).mkdir(parents=True)
        for number in range(count):
            (tmp_path / "shop" / label / f"{number}.jpg").touch()
    (tmp_path / "shop" / "unlabelled.jpg").touch()

    def used(**settings: int) -> tuple[str, tuple[str, ...]]:
        listing = read_source(str(tmp_path / "shop"), tmp_path, SourceConfig(**settings))
        assert not listing.skipped
        return "".join(picture.label or "-" for picture in listing.pictures), tuple(listing.notes)

    assert used() == ("-aaabccdd", ())
    few = "Left out: 1 of 4 labels, which have fewer than 2 pictures; 1 pictures."
    assert used(min_images=2) == ("-aaaccdd", (few,))
    rest = "Left out: 1 of 4 labels, which are not among the 2 with the most pictures; 2 pictures."
    assert used(min_images=2, top_labels=2) == ("-aaacc", (few, rest))
    assert used(top_labels=4) == ("-aaabccdd", ())
    assert used(min_images=4) == ("-", ("Left out: 4 of 4 labels, which have fewer than 4 pictures; 8 pictures.",))


def test_no_label_with_enough_pictures_is_an_error(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"No label has 9 pictures; cup has the most, 1\. Lower min_images"):
        read_source(str(shop), tmp_path, SourceConfig(min_images=9))


def test_a_stable_id_is_the_same_everywhere() -> None:
    assert stable_id("cup/0.jpg") == "6064885db9b093f2"
    assert stable_id("cup/\udcff.jpg") != stable_id("cup/\udcfe.jpg")
