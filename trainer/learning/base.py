"""What a served bundle's head stands on: the network before it, as an ONNX graph, and the configuration of its run.

Nothing here brings TensorFlow: the network is cut out of the bundle's own encoder.
"""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

import onnx
from pydantic import ValidationError

from retrieval import bundle
from retrieval.bundle import Bundle
from trainer.config import Config
from trainer.errors import LearningError
from trainer.networks.forms import Encoders, fingerprint, ready
from trainer.networks.graphs.cutting import without_head
from trainer.run.training_files import SOURCE

RECORD = "learned.json"
UNTRAINED = ("frozen", "autoencoder")
"""Stages that look at no labels."""


@dataclass(frozen=True, slots=True)
class Base:
    """The network that features come from. `has_seen_labels`: it learned from labels itself.

    `learned` is what a bundle that was learned says of itself: see `learn`; empty of a run's.
    """

    encoders: Encoders
    config: Config
    has_seen_labels: bool
    learned: dict[str, object]
    source: str
    """What the pictures of its run were read from; empty where its bundle does not tell."""

    @property
    def fingerprint(self) -> str:
        """What the network computes."""
        return fingerprint(self.encoders.graph)


def base_of(artifacts: Path, loaded: Bundle) -> Base:
    """The base of a bundle. Raises LearningError where its folder does not say how it was trained, and BundleError."""
    folder = bundle.bundle_path(artifacts, loaded.manifest.id)
    config, learned = _config(folder), _learned(folder)
    stage = loaded.manifest.encoder.stage
    graph = onnx.load(str(folder / bundle.ENCODER))
    cut = without_head(graph) if stage == "head" else None
    untrained = stage in UNTRAINED or (cut is not None and not learned.get("has_seen_labels", False))
    return Base(ready("frozen", graph if cut is None else cut), config, not untrained, learned, source_of(folder))


def _config(folder: Path) -> Config:
    path = folder / bundle.TRAINING / "config.toml"
    try:
        return Config.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise LearningError(
            f"{path} cannot be read, so it is not known how bundle {folder.name} was trained. Train again: "
            "lookalike train --source ..."
        ) from error


def _learned(folder: Path) -> dict[str, object]:
    try:
        record = json.loads((folder / bundle.TRAINING / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def source_of(folder: Path) -> str:
    """What the run of a bundle has read its pictures from; empty where that is not told."""
    try:
        return (folder / bundle.TRAINING / SOURCE).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
