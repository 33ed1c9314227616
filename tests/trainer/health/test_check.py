"""A pile of pictures with everything wrong with it that can be wrong."""

import csv
import hashlib
import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from retrieval.duplicates import CalibratedVectors
from trainer.data.split import TRAIN, VALIDATION
from trainer.health.check import check
from trainer.health.csv_files import csv_tables
from trainer.health.findings import Health
from trainer.sources import pottery
from trainer.sources.base import Picture, Skipped

PIECES, PHOTOS = 5, 6
WIDTH = 16


class Certain:
    """A calibration for which all that is near is the same."""

    def probability(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(distances < 0.05, 0.99, 0.1)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    pottery.make(folder, pieces=PIECES, photos=PHOTOS, size=160)
    return folder


def pictures_of(shop: Path) -> list[Picture]:
    with (shop / "pottery.csv").open() if (shop / "pottery.csv").exists() else next(shop.glob("*.csv")).open() as file:
        return [Picture(row["path"], shop / row["path"], row["label"]) for row in csv.DictReader(file)]


def features_of(pictures: list[Picture]) -> NDArray[np.float32]:
    labels = sorted({str(p.label) for p in pictures})
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(len(labels), WIDTH))
    rows = [centres[labels.index(str(p.label))] + rng.normal(0, 0.3, WIDTH) for p in pictures]
    return np.array(rows, np.float32)


def look(pictures: list[Picture], features: NDArray[np.float32], **changes: Any) -> Health:
    parts = changes.pop("parts", np.full(len(pictures), TRAIN, np.int8))
    return check(pictures, features, parts, changes.pop("skipped", ()), lambda *_: None, **changes)


def test_a_sound_pile_has_empty_lists(shop: Path) -> None:
    pictures = pictures_of(shop)
    result = look(pictures, features_of(pictures))
    assert not any((result.unreadable, result.identical, result.same_thing, result.wrong_labels, result.small_labels))
    assert not any((result.outliers, result.leaks, result.same_picture))


def test_everything_that_is_wrong_is_found(shop: Path, tmp_path: Path) -> None:
    pictures = pictures_of(shop)
    features = features_of(pictures)
    copy = tmp_path / "copy.jpg"
    shutil.copy(pictures[0].path, copy)
    recompressed = tmp_path / "recompressed.jpg"
    Image.open(pictures[1].path).convert("RGB").save(recompressed, quality=40)
    gone = Picture("gone", tmp_path / "gone.jpg", pictures[0].label)
    single = Picture("single", tmp_path / "single.png", "only one")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90, 3), dtype=np.uint8)).save(single.path)
    added = [
        Picture("copy", copy, pictures[0].label),
        Picture("recompressed", recompressed, pictures[1].label),
        gone,
        single,
    ]
    wrong = Picture(pictures[2].id, pictures[2].path, pictures[-1].label)
    together = [*pictures[:2], wrong, *pictures[3:], *added]
    rows = np.concatenate([features, features[[0, 1, 0]] + 1e-4, -10 * np.ones((1, WIDTH), np.float32)])
    parts = np.full(len(together), TRAIN, np.int8)
    parts[[0, 1]] = VALIDATION
    vectors = CalibratedVectors(rows, Certain())
    result = look(together, rows, parts=parts, skipped=[Skipped("broken.jpg", "cut off")], things=vectors)

    assert [(s.place, bool(s.reason)) for s in result.unreadable] == [("broken.jpg", True), (str(gone.path), True)]
    assert [{m.id for m in group.members} for group in result.identical] == [{pictures[0].id, "copy"}]
    assert [{m.id for m in group.members} for group in result.same_picture] == [{pictures[1].id, "recompressed"}]
    assert result.same_picture[0].keep.id == pictures[1].id
    assert [(w.picture.id, w.suggested) for w in result.wrong_labels] == [(wrong.id, pictures[2].label)]
    assert result.outliers[0].picture.id == "single"
    assert [(s.label, s.pictures) for s in result.small_labels] == [("only one", 1)]
    assert {(leak.held_out, leak.training, leak.kind) for leak in result.leaks} == {
        (pictures[0].path, copy, "identical"),
        (pictures[1].path, recompressed, "same picture"),
    }
    tables = {name: list(csv.DictReader(io.StringIO(text, newline=""))) for name, text in csv_tables(result).items()}
    assert {row["id"] for row in tables["identical.csv"]} == {pictures[0].id, "copy"}
    assert [row["keep"] for row in tables["identical.csv"]].count("yes") == 1
    assert tables["wrong_labels.csv"][0]["suggested"] == pictures[2].label
    assert tables["wrong_labels.csv"][0]["sha256"] == hashlib.sha256(wrong.path.read_bytes()).hexdigest()
    assert tables["unreadable.csv"][1]["picture"] == str(gone.path)
    assert len(tables["leaks.csv"]) == 2
    assert set(tables) == {
        "unreadable.csv",
        "identical.csv",
        "same_picture.csv",
        "same_thing.csv",
        "wrong_labels.csv",
        "outliers.csv",
        "small_labels.csv",
        "leaks.csv",
    }


def test_one_picture_and_none_at_all(shop: Path) -> None:
    pictures = pictures_of(shop)[:1]
    assert look(pictures, features_of(pictures)).small_labels[0].pictures == 1
    assert look([], np.zeros((0, WIDTH), np.float32)).outliers == []
