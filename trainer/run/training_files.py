"""What a run leaves for people: the estimators, the history, the configuration, and the pictures it had to skip."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
import tomli_w

from trainer.config import Config
from trainer.data.split import PART_NUMBERS
from trainer.indexing import GalleryIndex
from trainer.sources.base import Skipped
from trainer.training.epochs.history import write_history
from trainer.training.tuning import Tuning

if TYPE_CHECKING:
    from keras import Model


SOURCE = "source.txt"
"""What the pictures were read from, so that a worker can train again."""


def write_training(
    folder: Path, encoder: "Model | None", reduced: GalleryIndex, config: Config, tuning: Tuning, source: str
) -> None:
    """Fill the bundle's training folder. Nothing that serves ever opens it: joblib files can run code when loaded."""
    folder.mkdir(exist_ok=True)
    if encoder is not None:
        encoder.save(folder / "encoder.keras")
    joblib.dump(reduced.pca, folder / "pca.joblib")
    joblib.dump(reduced.kmeans, folder / "kmeans.joblib")
    (folder / SOURCE).write_text(source, encoding="utf-8")
    settings = config.model_dump(mode="json", exclude_none=True)
    (folder / "config.toml").write_text(tomli_w.dumps(settings), encoding="utf-8")
    write_history(folder / "history.csv", tuning.history)
    with (folder / "split.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "part", "sha256"])
        names = {number: name for name, number in PART_NUMBERS.items() if name}
        pairs = zip(tuning.pictures.files, tuning.pictures.parts, strict=True)
        writer.writerows((file.picture.id, names[part], file.sha256) for file, part in pairs)


def write_skipped(path: Path, skipped: Sequence[Skipped]) -> None:
    """One line for each picture that was left out; only the header when there was none."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["picture", "reason"])
        writer.writerows((entry.place, entry.reason) for entry in skipped)
