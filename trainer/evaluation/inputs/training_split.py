"""What a bundle was trained on, so that none of it is a query; and what it held out."""

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from retrieval import bundle
from retrieval.bundle import checksums
from retrieval.catalogue import Item
from retrieval.errors import BundleDamaged
from retrieval.manifest import Manifest

SPLIT = f"{bundle.TRAINING}/split.csv"


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """By the items of the catalogue that a bundle was made with.

    `digests` are the SHA-256 of the files that it learned from, `labels` those that training has seen, `held_out` the
    labelled items that it did not learn from. `missing` items of its training are in the catalogue no longer.
    """

    digests: Collection[str]
    labels: Collection[str]
    held_out: Sequence[Item]
    missing: int = 0


def trained_on(folder: Path, items: Sequence[Item]) -> TrainingRecord:
    """What the bundle in `folder` was trained on, by its split and the items of its catalogue.

    The frozen network has learned from no picture (see learned_from): all are held out, and the labels of its training
    part count as known, so that it is measured as a tuned one would be. Without a split, all of the catalogue was
    trained on. Raises BundleError.
    """
    manifest = bundle.read_manifest(folder)
    rows = read_split(folder, manifest) or [SplitRow(item.id, "train", item.sha256) for item in items]
    parts = learned_from(manifest.encoder.stage) or {"train"}
    by_id = {item.id: item for item in items}
    training_rows = [row for row in rows if row.part in parts]
    training_items = [by_id[row.id] for row in training_rows if row.id in by_id]
    digests = {row.sha256 for row in training_rows if row.sha256} or {item.sha256 for item in training_items}
    run_ids = {row.id for row in rows}
    labelled = [item for item in items if item.label is not None]
    held_out = [item for item in labelled if item.id in run_ids and item.sha256 not in digests]
    if manifest.encoder.stage == "frozen":
        digests, held_out = set(), held_out or labelled
    labels = {item.label for item in training_items if item.label is not None}
    return TrainingRecord(digests, labels, held_out, len(training_rows) - len(training_items))


def learned_from(stage: str) -> frozenset[str]:
    """The parts of the split that the network of a stage has learned from.

    A head is fitted once more on what it was chosen by, so it has seen the validation part, too.
    """
    return {"frozen": frozenset[str](), "head": frozenset(("train", "validation"))}.get(stage, frozenset(("train",)))


@dataclass(frozen=True, slots=True)
class SplitRow:
    """One line of split.csv; older bundles do not say what the picture's file was."""

    id: str
    part: str
    sha256: str | None


def read_split(folder: Path, manifest: Manifest) -> list[SplitRow]:
    """What went where; empty for a bundle that does not tell. Raises BundleDamaged."""
    if SPLIT not in manifest.files:
        return []
    text = checksums.read(folder, manifest.files, SPLIT).decode("utf-8", "surrogateescape")
    try:
        return [
            SplitRow(row["id"], row["part"], row.get("sha256")) for row in csv.DictReader(io.StringIO(text, newline=""))
        ]
    except (KeyError, csv.Error) as error:
        raise BundleDamaged(f"{folder / SPLIT} is not a table of ids and parts: {error}.") from error
