"""Labels never trained on: 41 of grocery's 81 labels to train, leave one out on the pictures of the other 40."""

import csv
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality import HEADER, score_cells
from benchmarks.setup import WORK, embed_source, grocery, publish, table, trained
from trainer.bundles import load_current
from trainer.evaluation.metrics import Scores, score

SEEDS = (0, 1, 2)
TRAINING_LABELS = 41
CONFIGS = {
    "frozen": "frozen + PCA 128",
    "newlabels": "tuned head (`newlabels.toml`)",
    "newlabels_finetuned": "**fine-tuned (`newlabels_finetuned.toml`)**",
}


def main() -> None:
    """The mean over three choices of labels, for the frozen network and for what was tuned on the others."""
    rows = []
    for config, name in CONFIGS.items():
        scores = [measure(config, seed) for seed in SEEDS]
        rows.append((name, *score_cells(mean(scores))))
    publish("new labels", table(HEADER, rows))


def measure(config: str, seed: int) -> Scores:
    """One choice of labels: trained on some, measured on the others."""
    training, others = tables(seed)
    artifacts = trained(config, training)
    embedded = embed_source(str(others), load_current(artifacts), artifacts, lambda *_: None)
    rows = np.arange(len(embedded.labels))
    return score(embedded.vectors, embedded.labels, embedded.vectors, embedded.labels, same=rows)


def mean(several: list[Scores]) -> Scores:
    """The mean of each measure."""
    means: dict[str, Any] = {
        field.name: float(np.mean([getattr(scores, field.name) for scores in several])) for field in fields(Scores)
    }
    return replace(several[0], **means)


def tables(seed: int) -> tuple[Path, Path]:
    """Two CSVs of grocery's training and test pictures: those of the labels drawn, and the others."""
    files = sorted(path for part in ("train", "test") for path in grocery(part).glob("*/*.jpg"))
    names = sorted({path.parent.name for path in files})
    drawn = set(np.random.default_rng(seed).permutation(names)[:TRAINING_LABELS])
    WORK.mkdir(parents=True, exist_ok=True)
    written = []
    for part, is_known in (("known", True), ("new", False)):
        written.append(WORK / f"labels-{seed}-{part}.csv")
        with written[-1].open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["path", "label"])
            writer.writerows((path, path.parent.name) for path in files if (path.parent.name in drawn) == is_known)
    return written[0], written[1]
