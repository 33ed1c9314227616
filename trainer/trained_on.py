"""What a bundle was trained on, so that none of it is a query; and what it held out."""

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from retrieval import bundle, checksums
from retrieval.catalogue import Item
from retrieval.errors import BundleDamaged
from retrieval.manifest import Manifest

SPLIT = f"{bundle.TRAINING}/split.csv"


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """By the items of the catalogue that a bundle was made with.

    `digests` are the SHA-256 of the files that it learned from, `labels` those that training has seen, `held_out` the
    labelled items that it did not learn from. `gone` items of its training are in the catalogue no longer.
    """

    digests: Collection[str]
    labels: Collection[str]
    held_out: Sequence[Item]
    gone: int = 0


def trained_on(folder: Path, items: Sequence[Item]) -> TrainedOn:
    """What the bundle in `folder` was trained on, by its split and the items of its catalogue.

    A head is fitted once more on what it was chosen by, so it has seen the validation part, too. The frozen network
    has learned from no picture: all are held out, and the labels of its training part count as known, so that it is
    measured as a tuned one would be. Without a split, all of the catalogue was trained on. Raises BundleError.
    """
    manifest = bundle.read_manifest(folder)
    parts = _parts(folder, manifest) or dict.fromkeys((item.id for item in items), "train")
    seen = {"train", "validation"} if manifest.encoder.stage == "head" else {"train"}
    learned = [item for item in items if parts.get(item.id) in seen]
    digests = {item.sha256 for item in learned}
    labelled = [item for item in items if item.label is not None]
    held_out = [item for item in labelled if item.id in parts and item.sha256 not in digests]
    if manifest.encoder.stage == "frozen":
        digests, held_out = set(), held_out or labelled
    gone = sum(part in seen for part in parts.values()) - len(learned)
    return TrainedOn(digests, {item.label for item in learned if item.label is not None}, held_out, gone)


def _parts(folder: Path, manifest: Manifest) -> dict[str, str]:
    """The part of each item by its id; empty for a bundle that does not tell."""
    if SPLIT not in manifest.files:
        return {}
    text = checksums.read(folder, manifest.files, SPLIT).decode("utf-8", "surrogateescape")
    try:
        return {row["id"]: row["part"] for row in csv.DictReader(io.StringIO(text, newline=""))}
    except (KeyError, csv.Error) as error:
        raise BundleDamaged(f"{folder / SPLIT} is not a table of ids and parts: {error}.") from error
