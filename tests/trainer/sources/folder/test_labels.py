"""Which folder is the label, where it is not simply the innermost one."""

from pathlib import Path

import pytest

from trainer.sources.base import Part
from trainer.sources.folder import read_folder

Meaning = tuple[str | None, Part | None]


def read(root: Path, *places: str) -> tuple[dict[str, Meaning], list[str]]:
    for place in places:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).touch()
    listing = read_folder(root)
    return {p.path.name: (p.label, p.part) for p in listing.pictures}, list(listing.notes)


def test_tiny_imagenet(tmp_path: Path) -> None:
    of, notes = read(
        tmp_path,
        "tiny-imagenet-200/train/n01443537/images/a.jpg",
        "tiny-imagenet-200/train/n01629819/images/b.jpg",
        "tiny-imagenet-200/val/images/c.jpg",
        "tiny-imagenet-200/test/images/d.jpg",
        "tiny-imagenet-200/wnids.txt",
    )
    assert of == {
        "a.jpg": ("n01443537", "train"),
        "b.jpg": ("n01629819", "train"),
        "c.jpg": (None, "validation"),
        "d.jpg": (None, "test"),
    }
    assert notes[:4] == [
        "All pictures lie in folders called images: the folder above each is the label.",
        "The folders test, train, val are parts of a split, not labels.",
        "No picture of the part test lies in the folder of a label.",
        "No picture of the part validation lies in the folder of a label.",
    ]


def test_the_same_folder_under_every_label_is_no_label(tmp_path: Path) -> None:
    of, notes = read(tmp_path, "cat/front/full/a.jpg", "dog/front/full/b.jpg", "c.jpg")
    assert of == {"a.jpg": ("cat", None), "b.jpg": ("dog", None), "c.jpg": (None, None)}
    assert len(notes) == 2


def test_a_folder_of_pictures_under_some_labels_is_no_label(tmp_path: Path) -> None:
    of, notes = read(tmp_path, "cat/images/a.jpg", "dog/b.jpg", "fish/Photos/c.jpg")
    assert {name: label for name, (label, _) in of.items()} == {"a.jpg": "cat", "b.jpg": "dog", "c.jpg": "fish"}
    assert notes == ["Photos, images: no labels, as nothing lies beside them; the folder above each is the label."]


@pytest.mark.parametrize(
    ("places", "labels"),
    [
        (["photos/a.jpg", "drawings/b.jpg"], ["photos", "drawings"]),
        (["cat/photos/a.jpg", "cat/drawings/b.jpg", "dog/photos/c.jpg"], ["photos", "drawings", "photos"]),
        (["ikea/plate/a.jpg", "ikea/cup/b.jpg", "hema/plate/c.jpg"], ["plate", "cup", "plate"]),
        (["images/a.jpg"], ["images"]),
    ],
)
def test_names_that_tell_pictures_apart_are_labels(places: list[str], labels: list[str], tmp_path: Path) -> None:
    of, _ = read(tmp_path, *places)
    assert [of[place.rpartition("/")[2]][0] for place in places] == labels


def test_a_split_below_the_labels_and_in_capitals(tmp_path: Path) -> None:
    of, notes = read(tmp_path, "cat/Train/a.jpg", "cat/TEST/b.jpg", "dog/Train/c.jpg", "dog/TEST/d.jpg")
    assert of == {
        "a.jpg": ("cat", "train"),
        "b.jpg": ("cat", "test"),
        "c.jpg": ("dog", "train"),
        "d.jpg": ("dog", "test"),
    }
    assert notes == ["The folders TEST, Train are parts of a split, not labels."]


def test_training_and_testing_are_a_split(tmp_path: Path) -> None:
    of, _ = read(tmp_path, "Training/glioma/a.jpg", "Testing/glioma/b.jpg")
    assert of == {"a.jpg": ("glioma", "train"), "b.jpg": ("glioma", "test")}


def test_a_folder_in_a_folder_changes_nothing(tmp_path: Path) -> None:
    of, notes = read(
        tmp_path, "lfw/lfw-deepfunneled/lfw-deepfunneled/Ada/a.jpg", "lfw/lfw-deepfunneled/lfw-deepfunneled/Bo/b.jpg"
    )
    assert of == {"a.jpg": ("Ada", None), "b.jpg": ("Bo", None)}
    assert not notes


@pytest.mark.parametrize("root", ["card", "DCIM"])
def test_the_folders_of_a_camera_are_no_labels(root: str, tmp_path: Path) -> None:
    prefix = "DCIM/" if root == "card" else ""
    places = ["100CANON/a.jpg", "101APPLE/b.jpg", "Camera/c.jpg", "cats/d.jpg"]
    of, notes = read(tmp_path / root, *(prefix + place for place in places))
    assert [label for label, _ in of.values()] == [None, None, None, "cats"]
    assert any(note.startswith("Folders of a camera are no labels: 100CANON, 101APPLE, Camera") for note in notes)


def test_folders_of_a_camera_without_dcim(tmp_path: Path) -> None:
    of, _ = read(tmp_path, "100MEDIA/a.jpg", "101MEDIA/b.jpg")
    assert of == {"a.jpg": (None, None), "b.jpg": (None, None)}
    of, _ = read(tmp_path / "roses", "100ROSES/a.jpg", "tulips/b.jpg")
    assert of == {"a.jpg": ("100ROSES", None), "b.jpg": ("tulips", None)}
