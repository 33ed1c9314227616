"""A training run, top to bottom: source -> features -> stages -> export -> gallery -> reduce -> bundle -> publish."""

import secrets
import shutil
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
from keras import Model
from numpy.typing import NDArray

from retrieval.encoder import OnnxEncoder
from trainer import features, publishing, records, stages
from trainer.config import Config
from trainer.errors import SourceError
from trainer.export import check_parity, export_onnx
from trainer.features import Features
from trainer.gallery import embed_gallery, load_prepared
from trainer.metrics import Scores
from trainer.networks.backbones import build_backbone
from trainer.networks.encoder import build_encoder
from trainer.progress import Progress
from trainer.reduce import calibrate_probes, reduce
from trainer.sources import read_source
from trainer.sources.base import Skipped
from trainer.split import hold_out, number_labels

PARITY_PICTURES = 32


class Listener(Protocol):
    """Whoever started the run and wants to see how it goes."""

    def step(self, title: str) -> AbstractContextManager[Progress]:
        """A step begins; inside, `progress(done, total)` may be called."""
        ...

    def note(self, text: str) -> None:
        """Something worth a line."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has made. `scores` maps a stage to its measures on the held-out pictures; empty without labels."""

    bundle_id: str
    items: int
    scores: Mapping[str, Scores]
    skipped: Sequence[Skipped]
    skipped_csv: Path


@dataclass(frozen=True, slots=True)
class _Encoders:
    """The network so far: as Keras, as ONNX file, and the stage it has reached."""

    keras: Model
    path: Path
    onnx: OnnxEncoder
    stage: str


def run(source: str, config: Config, artifacts: Path, listener: Listener) -> Outcome:
    """Train on `source`, publish the bundle in `artifacts`, and make the pictures the catalogue.

    Raises TrainerError for what a user can mend. A run that is stopped loses at most the features of the last pictures.
    """
    keras.utils.set_random_seed(config.seed)
    bundle_id = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(2)
    work = artifacts / "work" / bundle_id
    (work / "training").mkdir(parents=True)
    try:
        return _run(source, config, artifacts, listener, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _run(source: str, config: Config, artifacts: Path, listener: Listener, work: Path) -> Outcome:
    with listener.step("Finding pictures") as progress:
        listing = read_source(source, artifacts, progress)
    if config.head.enabled:  # what labels cannot do is said now, not after an hour of features
        _examples_of([picture.label for picture in listing.pictures], config)
    with listener.step(f"Building {config.encoder.backbone}"):
        frozen = _frozen(config, work)
    views = config.head.views if config.head.enabled else 0
    with listener.step("Computing features") as progress:
        found = features.compute(
            listing.pictures,
            frozen.onnx,
            views=views,
            seed=config.seed,
            cache=artifacts / "cache" / f"{_fingerprint(frozen.keras, config, views)}.sqlite",
            progress=progress,
        )
    skipped = [*listing.skipped, *found.skipped]
    records.write_skipped(artifacts / "skipped.csv", skipped)
    if not found.opened:
        raise SourceError(
            f"None of the {len(skipped)} pictures of {source} can be read: see {artifacts / 'skipped.csv'}."
        )

    encoders, scores, head = _tune(found, frozen, config, listener, work)
    paths = [opened.picture.path for opened in found.opened]
    with listener.step("Checking the export"):
        worst = check_parity(encoders.keras, encoders.onnx, load_prepared(_spread(paths), encoders.onnx))
    listener.note(f"Keras and ONNX differ by at most {worst:.1e}.")
    with listener.step("Embedding the gallery") as progress:
        embeddings = embed_gallery(paths, encoders.onnx, progress)
    with listener.step("Fitting PCA and K-Means"):
        reduced = reduce(embeddings, config.reduce, config.seed)
        probes = calibrate_probes(reduced, config.seed)
    with listener.step("Publishing"):
        records.write_training(work / "training", encoders.keras, reduced, config, head)
        description = publishing.describe(
            work.name,
            config.encoder,
            encoders.onnx,
            stage=encoders.stage,
            reduced=reduced,
            opened=found.opened,
            scores=scores,
        )
        publishing.publish(artifacts, description, encoders.path, reduced, probes, work / "training", found.opened)
    return Outcome(work.name, len(found.opened), scores, skipped, artifacts / "skipped.csv")


def _frozen(config: Config, work: Path) -> _Encoders:
    """The pretrained network as it is."""
    model = build_encoder(build_backbone(config.encoder.backbone, config.encoder.weights, config.encoder.size))
    return _exported(model, work / "frozen.onnx", "frozen")


def _exported(model: Model, path: Path, stage: str) -> _Encoders:
    export_onnx(model, path)
    return _Encoders(model, path, OnnxEncoder(path.read_bytes(), str(path)), stage)


def _tune(
    found: Features, frozen: _Encoders, config: Config, listener: Listener, work: Path
) -> tuple[_Encoders, dict[str, Scores], stages.Head | None]:
    """The encoder after the last stage that helped, the scores of each stage, and the head if there is one."""
    if not config.head.enabled:
        return frozen, {}, None
    labels, held_out = _examples_of([opened.picture.label for opened in found.opened], config)
    examples = stages.Examples(found.values, labels, held_out)
    with listener.step("Tuning the head") as progress:
        before = examples.validate()
        head = stages.tune_head(examples, config.head, config.seed, progress)
    scores = {"frozen": before, "head": head.scores}
    if stages.best([before, head.scores]) == 0:
        listener.note("The head did not help on the held-out pictures, so the frozen encoder is kept.")
        return frozen, scores, None
    with listener.step("Exporting the tuned encoder"):
        backbone = Model(frozen.keras.input, frozen.keras.output["cells"], name=config.encoder.backbone)
        return _exported(build_encoder(backbone, head.kernel), work / "head.onnx", "head"), scores, head


def _examples_of(labels: Sequence[str | None], config: Config) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Label numbers, and which pictures are held out. Raises SourceError when there is too little to learn from."""
    numbers = number_labels(labels)
    return numbers, hold_out(numbers, config.validation_share, np.random.default_rng(config.seed))


def _fingerprint(encoder: Model, config: Config, views: int) -> str:
    """What the features depend on besides the picture: the weights, the size, the views and their seed."""
    digest = sha256(repr((features.RECIPE, config.encoder.size, views, config.seed)).encode())
    for weights in encoder.get_weights():
        digest.update(weights.tobytes())
    return f"{config.encoder.backbone}-{digest.hexdigest()[:16]}"


def _spread(paths: Sequence[Path]) -> list[Path]:
    """A few pictures from all over the list."""
    step = max(1, len(paths) // PARITY_PICTURES)
    return list(paths[::step][:PARITY_PICTURES])
