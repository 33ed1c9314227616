"""Learning from users, top to bottom: catalogue -> cached features -> head -> bundle -> gate -> published.

The network stays as it is; what is fitted anew is the linear head behind it, in closed form, and all that follows from
it: PCA, clusters, calibration, measures. The pictures that were held out stay held out, so the new bundle is measured
on the same questions as the live one, with the labels of today.
"""

import json
import shutil
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from retrieval import bundle
from retrieval.bundle import Bundle
from trainer.bundles import load_current, open_store
from trainer.config import Config
from trainer.data.features import Features
from trainer.data.split import PART_NUMBERS, TRAIN, VALIDATION, number_labels, split
from trainer.errors import LearningError, SourceError
from trainer.evaluation.inputs.training_split import read_split
from trainer.evaluation.metrics import Scores
from trainer.evaluation.results import to_json
from trainer.indexing import calibrate_margins, calibrate_probes, reduce
from trainer.learning.base import RECORD, Base, base_of
from trainer.learning.material import Material, judged_pairs, read_material
from trainer.learning.recall import recall
from trainer.networks.closed_form import principal_directions
from trainer.networks.forms import ready
from trainer.networks.graphs.building import with_head
from trainer.progress import Listener
from trainer.releases import missing_vectors, release, replay
from trainer.releases.release import Release
from trainer.run import gallery, training_files, write_bundle
from trainer.run.assess import assess
from trainer.run.workspace import workspace
from trainer.sources.base import PARTS, Skipped
from trainer.threads import usable_cores
from trainer.training.epochs.dataset import Pictures
from trainer.training.examples import Kernel, measure
from trainer.training.head import tune_head
from trainer.training.tuning import Tuning

MAX_QUERIES = 40
"""The network is the live one's: a few queries say whether the search is still as good and as fast."""
SHRINKAGES, GENERAL = (0.05, 0.2), (0.0, 0.4, 0.8)
"""What is tried for the head, a part of what a training run tries."""
MAX_WIDTH = 768
"""Features that the head is fitted in: of more, the directions in which they vary most."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What came of it. `scores`: before ("frozen") and after ("head") on the held-out pictures.

    `judged`: pairs of items that were learned from; `unusable`: what was said of pictures that are no items any more.
    """

    bundle_id: str
    items: int
    corrected: int
    judged: int
    unusable: int
    scores: dict[str, Scores]
    skipped: list[Skipped]
    release: Release


def learn(artifacts: Path, listener: Listener) -> Learned:
    """Refit the live bundle's head with what people corrected, judged and added, and publish the result.

    Unless the gate refuses: then the bundle is kept, and what is served stays as it is. Raises LearningError where
    there is nothing to learn from, or nothing new, and what else keeps a bundle from being made.
    """
    loaded = load_current(artifacts)
    base = base_of(artifacts, loaded)
    with listener.step("Reading what people said"):
        material = read_material(artifacts)
    _check(material, base)
    settings = _settings(base.config)
    with workspace(artifacts, "learn", settings, resume=False, sweeps=False) as (work, _resumed):
        features = recall(material.items, base, loaded, artifacts, listener)
        basis = None
        if base.encoders.onnx.dims > MAX_WIDTH:
            basis = principal_directions(features.values[:, 0], MAX_WIDTH)
        tuning = _tuning(artifacts, loaded, base, settings, material, features, basis, work, listener)
        with threadpool_limits(max(1, usable_cores() // 2)):  # others serve on this machine, and wait for no one
            return _learn(artifacts, loaded, base, material, tuning, basis)


def _check(material: Material, base: Base) -> None:
    """Raises LearningError where nothing can be learned, or nothing that the live bundle does not know."""
    labels = [item.label for item in material.items if item.label is not None]
    if len(set(labels)) < 2:
        raise LearningError(
            f"The catalogue has {len(set(labels))} labels, and it takes two to tell apart. Give items labels: on the "
            "page, or with PATCH /item."
        )
    came = any(item.origin == "api" for item in material.items)
    if not (material.corrected or material.judgements or came):
        raise LearningError(
            "Nobody has corrected, judged or added anything since the last training run, so there is nothing to learn."
        )
    if base.learned.get("digest") == material.digest:
        raise LearningError("The live bundle knows all that was said: nothing has changed since it was made.")


def _settings(config: Config) -> Config:
    """Those of the live bundle's run, but for what does not take seconds."""
    fast = {"max_epochs": 0, "shrinkage": SHRINKAGES, "general": GENERAL, "dims": config.head.dims[-1:]}
    head = config.head.model_copy(update={"enabled": True, "init": "lda", **fast})
    return config.model_copy(update={"head": head})


def _tuning(
    artifacts: Path,
    loaded: Bundle,
    base: Base,
    settings: Config,
    material: Material,
    features: Features,
    basis: Kernel | None,
    work: Path,
    listener: Listener,
) -> Tuning:
    folder = bundle.bundle_path(artifacts, loaded.manifest.id)
    known = {row.id: PART_NUMBERS[PARTS[row.part]] for row in read_split(folder, loaded.manifest) if row.part in PARTS}
    labels = number_labels([file.picture.label for file in features.files])
    parts = np.array([known.get(file.picture.id, TRAIN) for file in features.files], np.int8)
    if not ((parts == VALIDATION) & (labels >= 0)).any():
        try:
            parts = split([file.picture for file in features.files], settings.split, settings.seed)
        except SourceError as error:
            raise LearningError(f"Nothing can be held out to check by. {error}") from error
    encoder, fit = base.encoders.onnx, settings.encoder.fit
    frozen = features.values[:, 0]
    if basis is not None:
        features = replace(features, values=features.values @ basis)
    return Tuning(
        config=settings,
        pictures=Pictures(features.files, labels, parts, encoder.width, loaded.embedder.opener, settings.seed, fit=fit),
        strategy=None,
        work=work,
        made_from="",
        listener=listener,
        encoders=base.encoders,
        features=features,
        frozen=frozen,
        judged=judged_pairs(material.judgements, features),
        is_refit=True,
        is_base_trained=base.has_seen_labels,
    )


def _learn(
    artifacts: Path, loaded: Bundle, base: Base, material: Material, tuning: Tuning, basis: Kernel | None
) -> Learned:
    listener, settings, work = tuning.listener, tuning.config, tuning.work
    features, skipped = tuning.features, list(tuning.features.skipped)
    with listener.step("Refitting the head") as progress:
        tuning.scores["frozen"] = measure(tuning.examples())
        head = tune_head(
            tuning.examples(), settings.head, settings.seed, progress, listener.epoch, max_dims=settings.reduce.dims
        )
    hurts = (head.new_label_gain or 0) < -settings.head.new_label_loss
    if not tuning.judge("head", head.scores, hurts_new_labels=hurts):
        raise LearningError(
            "A head that learns from this is no better on the held-out pictures than none, so nothing was published. "
            "Correct or judge more, or train again."
        )
    tuning.head = head
    kernel = head.kernel if basis is None else basis @ head.kernel
    tuning.encoders = encoder = ready("head", with_head(base.encoders.graph, kernel))
    with listener.step("Embedding the gallery") as progress:
        embeddings = gallery.embed(tuning, encoder, progress)
    with listener.step("Fitting PCA and K-Means"):
        reduced = reduce(embeddings, settings.reduce, settings.seed)
        probes = calibrate_probes(reduced, settings.seed)
        margins = calibrate_margins(reduced, settings.seed)
    assessment = assess(tuning, embeddings, reduced, probes, margins, artifacts, max_queries=MAX_QUERIES)
    training = work / "training"
    training_files.write_training(training, None, reduced, base.config, tuning, base.source)
    judged = 0 if tuning.judged is None else len(tuning.judged.same)
    record = {
        "from": loaded.manifest.id,
        "digest": material.digest,
        "has_seen_labels": base.has_seen_labels,
        "corrected": material.corrected,
        "judged": judged,
    }
    (training / RECORD).write_text(json.dumps(record, indent=2), encoding="utf-8")
    precision = loaded.manifest.encoder.precision
    description = write_bundle.describe(
        work.name, base.config, encoder, precision, reduced, features.files, tuning.scores, assessment.expansion
    )
    (work / "report").mkdir(exist_ok=True)
    suspects = bundle.bundle_path(artifacts, loaded.manifest.id) / bundle.REPORT / "wrong_labels.csv"
    if suspects.is_file():  # of the last health check; who was corrected since is passed over
        shutil.copyfile(suspects, work / "report" / suspects.name)
    (work / "report" / "evaluation.json").write_text(to_json(assessment.evaluation), encoding="utf-8")
    write_bundle.write(
        artifacts,
        description,
        encoder.graph,
        reduced,
        probes,
        margins,
        assessment.calibration,
        codes=settings.reduce.codes,
        training=training,
        report=work / "report",
        faces=bundle.face_stage(bundle.bundle_path(artifacts, loaded.manifest.id), loaded.manifest),
        files=features.files,
        listener=listener,
    )
    replay.remember(artifacts, work.name, [file.sha256 for file in features.files], reduced.vectors)
    _remember_live(artifacts, loaded, {file.picture.id: file.sha256 for file in features.files})
    done = release.publish(artifacts, work.name, listener, why="learn")
    return Learned(
        work.name, len(features.files), material.corrected, judged, material.unusable, tuning.scores, skipped, done
    )


def _remember_live(artifacts: Path, loaded: Bundle, digests: dict[str, str]) -> None:
    """Let the gate know the vectors that the live bundle has of these items."""
    absent = set(missing_vectors.missing(artifacts, loaded, digests))
    with closing(open_store(artifacts, loaded)) as store:
        members = store.get_many([item_id for item_id in digests if item_id not in absent])
    replay.remember(artifacts, loaded.manifest.id, [digests[item_id] for item_id in members.ids], members.vectors)
