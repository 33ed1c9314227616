"""A training run, top to bottom: source -> features -> stages -> export -> gallery -> reduce -> bundle -> publish."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np

from retrieval.encoding.embedder import Opener, open_whole
from retrieval.manifest import Manifest
from trainer.config import Config
from trainer.data import features
from trainer.data.features import Features, Views
from trainer.data.loading import load_prepared, one_per_face
from trainer.data.sampling import sample_evenly
from trainer.data.split import TRAIN, number_labels, split
from trainer.errors import SourceError
from trainer.evaluation.metrics import Scores
from trainer.indexing import calibrate_margins, calibrate_probes, reduce
from trainer.networks import encoders, forms
from trainer.networks.face_detectors import face_stage
from trainer.networks.forms import Encoders
from trainer.networks.graphs.export import check_parity
from trainer.progress import Epoch, Listener, Progress
from trainer.releases.release import Release
from trainer.run import gallery, training_files, write_bundle
from trainer.run.assess import assess
from trainer.run.corrections import corrected, corrections_note, read_corrections
from trainer.run.inputs import Inputs
from trainer.run.report import report_run
from trainer.run.workspace import workspace
from trainer.sources.base import Skipped
from trainer.training import stages
from trainer.training.epochs import devices
from trainer.training.epochs.dataset import Pictures
from trainer.training.quantization import int8_encoder
from trainer.training.tuning import Tuning

PARITY_PICTURES = 32


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has made. `scores` maps a stage to its measures on the held-out pictures; empty if none is tuned.

    `release` says whether it went live.
    """

    bundle_id: str
    items: int
    scores: Mapping[str, Scores]
    history: Sequence[Epoch]
    skipped: Sequence[Skipped]
    skipped_csv: Path
    release: Release


FillCache = Callable[[Encoders], None]
"""Puts features of the frozen encoder that are known already into its cache."""


def run(inputs: Inputs, listener: Listener, *, resume: bool = False, fill_cache: FillCache | None = None) -> Outcome:
    """Train on the source, publish the bundle in the artifacts folder, and make the pictures the catalogue.

    Unless the gate refuses: then the bundle is kept, and what is served stays as it is.

    With `resume`, a run that was stopped is continued after its last whole epoch. Raises TrainerError for what a user
    can mend; features and finished epochs are kept then too.
    """
    config = inputs.config
    devices.seed_everything(config.seed, deterministic=config.deterministic)
    with workspace(inputs.artifacts, inputs.source, config, resume=resume) as (work, resumed):
        if resume:
            listener.note(
                f"Going on with run {work.name}." if resumed else "There is no stopped run: this is a new one."
            )
        return _run(inputs, listener, work, fill_cache)


def _run(inputs: Inputs, listener: Listener, work: Path, fill_cache: FillCache | None) -> Outcome:
    config, artifacts = inputs.config, inputs.artifacts
    skipped = list(inputs.listing.skipped)
    pictures, faces, opener = inputs.listing.pictures, None, open_whole
    if config.faces:
        faces = face_stage(config.faces)
        opener = faces.opener("the face detector")
        with listener.step("Finding faces") as progress:
            pictures, faceless = one_per_face(pictures, opener, progress)
        pictures, count = corrected(pictures, read_corrections(artifacts))
        for note in corrections_note(count):
            listener.note(note)
        skipped += faceless
    with listener.step(f"Building {config.encoder.name}"):
        frozen = encoders.frozen(config.encoder, mirror=config.mirror)
    supervised = not config.self_supervised and len({p.label for p in pictures} - {None}) > 1
    if inputs.holds_out and not supervised and not config.self_supervised:
        listener.note("There are not two labels to tell apart, so augmented views of each picture are what is alike.")
    views = Views(config.head.views if config.head.enabled else 0, detail=inputs.holds_out and not supervised)

    def compute(encoder: Encoders, progress: Progress) -> Features:
        cache = artifacts / "cache" / f"{features.cache_name(config, views, forms.fingerprint(encoder.graph))}.sqlite"
        return features.compute(
            pictures,
            encoder.onnx,
            views=views,
            seed=config.seed,
            cache=cache,
            progress=progress,
            opener=opener,
            fit=config.encoder.fit,
        )

    if fill_cache is not None:
        fill_cache(frozen)
    with listener.step("Computing features") as progress:
        computed = compute(frozen, progress)
    skipped += computed.skipped
    training_files.write_skipped(artifacts / "skipped.csv", skipped)
    if not computed.files:
        raise SourceError(
            f"None of the {len(skipped)} pictures of {inputs.source} can be used: see {artifacts / 'skipped.csv'}."
        )

    tuning = _tuning(computed, frozen, inputs, opener, listener, work)
    if inputs.holds_out:
        stages.tune(tuning, compute)
    encoder, precision = _exported(tuning)
    with listener.step("Embedding the gallery") as progress:
        embeddings = gallery.embed(tuning, encoder, progress)
    with listener.step("Fitting PCA and K-Means"):
        reduced = reduce(embeddings, config.reduce, config.seed)
        probes = calibrate_probes(reduced, config.seed)
        margins = calibrate_margins(reduced, config.seed)
    assessment = assess(tuning, embeddings, reduced, probes, margins, artifacts)
    training_files.write_training(work / "training", encoder.keras, reduced, config, tuning, inputs.source)
    description = write_bundle.describe(
        work.name, config, encoder, precision, reduced, computed.files, tuning.scores, assessment.expansion
    )
    manifest = Manifest.model_validate({**description, "faces": faces and faces.spec, "files": {}})
    report_run(tuning, reduced, assessment, manifest, skipped)
    write_bundle.write(
        artifacts,
        description,
        encoder.graph,
        reduced,
        probes,
        margins,
        assessment.calibration,
        codes=config.reduce.codes,
        training=work / "training",
        report=work / "report",
        faces=faces,
        files=computed.files,
        listener=listener,
    )
    release = write_bundle.publish(artifacts, work.name, computed.files, listener)
    listed = artifacts / "skipped.csv"
    return Outcome(work.name, len(computed.files), tuning.scores, tuning.history, skipped, listed, release)


def _tuning(
    computed: Features, frozen: Encoders, inputs: Inputs, opener: Opener, listener: Listener, work: Path
) -> Tuning:
    """What the stages start from."""
    config = inputs.config
    labels = number_labels([file.picture.label for file in computed.files])
    parts = np.full(len(labels), TRAIN, np.int8)
    if inputs.holds_out:
        parts = split([file.picture for file in computed.files], config.split, config.seed)
    pictures = Pictures(
        computed.files,
        labels,
        parts,
        frozen.onnx.width,
        opener,
        config.seed,
        computed.details is None,
        config.encoder.fit,
    )
    return Tuning(
        config=config,
        pictures=pictures,
        strategy=devices.choose_strategy(config.strategy),
        work=work,
        made_from=_made_from(config, pictures),
        listener=listener,
        encoders=frozen,
        features=computed,
        frozen=computed.values[:, 0],
    )


def _exported(tuning: Tuning) -> tuple[Encoders, Literal["float32", "int8"]]:
    """The encoder to be served: proved to compute what Keras does, and quantised where that is wanted and good."""
    encoder, pictures = tuning.encoders, tuning.pictures
    if encoder.keras is not None and not tuning.config.mirror and pictures.fit != "both":
        with tuning.listener.step("Checking the export"):
            sample = [file.picture for file in sample_evenly(pictures.files, PARITY_PICTURES)]
            worst = check_parity(
                encoder.keras, encoder.onnx, load_prepared(sample, encoder.onnx, pictures.opener, pictures.fit)
            )
        tuning.listener.note(f"Keras and ONNX differ by at most {worst:.1e}.")
    if not tuning.config.export.int8:
        return encoder, "float32"
    with tuning.listener.step("Quantising to int8"):
        quantised, float32, int8 = int8_encoder(encoder, pictures)
    tuning.scores |= {"float32": float32, "int8": int8}
    drop, allowed = float32.map - int8.map, tuning.config.export.int8_drop
    use_int8 = drop <= allowed
    tuning.listener.note(
        f"int8: mAP {int8.map:.3f} ({float32.map:.3f} in float32); "
        + ("kept." if use_int8 else f"refused, as it costs more than int8_drop = {allowed:g}: float32 is published.")
    )
    return (quantised, "int8") if use_int8 else (encoder, "float32")


def _made_from(config: Config, pictures: Pictures) -> str:
    """What the state of a stage depends on: a checkpoint of anything else is not gone on from."""
    digest = sha256(config.model_dump_json().encode())
    for file, label, part in zip(pictures.files, pictures.labels, pictures.parts, strict=True):
        digest.update(f"{file.key} {label} {part}\n".encode())
    return digest.hexdigest()
