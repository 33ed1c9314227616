"""The health of the catalogue of a published bundle: by its frozen encoder, made anew from the run's configuration."""

import csv
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from retrieval import bundle
from retrieval.bundle import TRAINING, checksums
from retrieval.duplicates import CalibratedVectors
from trainer.bundles import load_current
from trainer.config import load_config
from trainer.data import features
from trainer.data.features import Views
from trainer.data.split import PART_NUMBERS, TRAIN
from trainer.evaluation.inputs.training_split import read_split
from trainer.health.check import check
from trainer.health.findings import Health
from trainer.networks import encoders, forms
from trainer.progress import Progress
from trainer.report.model import Report
from trainer.sources.base import Skipped

CONFIG = f"{TRAINING}/config.toml"

PART_BY_NAME: Mapping[str, int] = {name: number for name, number in PART_NUMBERS.items() if name}

Step = Callable[[str], AbstractContextManager[Progress]]


def check_catalogue(artifacts: Path, report: Report, step: Step) -> Health:
    """Check the pictures of the published bundle's report as its run did; their features are kept for the next time.

    Raises ConfigError or WeightsError where the run's frozen encoder cannot be made here, BundleError.
    """
    loaded = load_current(artifacts)
    manifest = loaded.manifest
    folder = bundle.bundle_path(artifacts, manifest.id)
    checksums.read(folder, manifest.files, CONFIG)  # it is what the run wrote
    config = load_config(folder / CONFIG)
    with step(f"Building {config.encoder.name}"):
        frozen = encoders.frozen(config.encoder, mirror=config.mirror)
    name = features.cache_name(config, Views(), forms.fingerprint(frozen.graph))
    with step("Computing features") as progress:
        computed = features.compute(
            report.pictures,
            frozen.onnx,
            views=Views(),
            seed=config.seed,
            cache=artifacts / "cache" / f"{name}.sqlite",
            progress=progress,
            opener=loaded.embedder.opener,
            fit=config.encoder.fit,
        )
    places = {picture.id: row for row, picture in enumerate(report.pictures)}
    rows = np.array([places[file.picture.id] for file in computed.files], np.int64)
    numbers = {row.id: PART_BY_NAME.get(row.part, TRAIN) for row in read_split(folder, manifest)}
    things = None
    if loaded.calibration is not None and loaded.calibration.meaning == "label":
        things = CalibratedVectors(report.vectors[rows], loaded.calibration.cosine)
    with step("Checking the catalogue") as progress:
        return check(
            [file.picture for file in computed.files],
            computed.values[:, 0],
            np.array([numbers.get(file.picture.id, TRAIN) for file in computed.files], np.int8),
            [*_skipped(artifacts / "skipped.csv"), *computed.skipped],
            progress,
            things=things,
            seed=config.seed,
        )


def _skipped(path: Path) -> Sequence[Skipped]:
    """What the last run had to leave out; nothing where it did not say."""
    try:
        with path.open(newline="", encoding="utf-8", errors="backslashreplace") as file:
            return [Skipped(row["picture"], row["reason"]) for row in csv.DictReader(file)]
    except (FileNotFoundError, KeyError):
        return []
