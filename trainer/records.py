"""What a run leaves for people: the estimators, the history, the configuration, and the pictures it had to skip."""

import csv
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import joblib
import tomli_w
from keras import Model

from trainer.config import Config
from trainer.reduce import Reduced
from trainer.sources.base import Skipped
from trainer.stages import Head


def write_training(folder: Path, encoder: Model, reduced: Reduced, config: Config, head: Head | None) -> None:
    """Fill the bundle's training folder. Nothing that serves ever opens it: joblib files can run code when loaded."""
    encoder.save(folder / "encoder.keras")
    joblib.dump(reduced.pca, folder / "pca.joblib")
    joblib.dump(reduced.kmeans, folder / "kmeans.joblib")
    settings = config.model_dump(mode="json", exclude_none=True)
    (folder / "config.toml").write_text(tomli_w.dumps(settings), encoding="utf-8")
    with (folder / "history.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["epoch", "loss", "recall_at_1", "map", "seconds"])
        writer.writeheader()
        writer.writerows(asdict(epoch) for epoch in (head.history if head else ()))


def write_skipped(path: Path, skipped: Sequence[Skipped]) -> None:
    """One line for each picture that was left out; only the header when there was none."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["picture", "reason"])
        writer.writerows((entry.place, entry.reason) for entry in skipped)
