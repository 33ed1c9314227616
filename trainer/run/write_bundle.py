"""From a run's results to something served: the bundle's description, its files, the vectors, the items."""

import importlib.metadata
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import onnx

from retrieval import bundle
from retrieval.calibration import Calibration
from retrieval.faces.opener import FaceStage
from retrieval.manifest import Expansion
from retrieval.vectors.codes import Kind
from retrieval.vectors.margins import Margins
from trainer.bundles import stores_of
from trainer.config import Config, EncoderConfig
from trainer.data.features import PictureFile
from trainer.evaluation.metrics import Scores
from trainer.pictures import copy_pictures, to_item
from trainer.progress import Listener
from trainer.releases import pending, release
from trainer.releases.release import Release
from trainer.releases.replay import cache_path

if TYPE_CHECKING:  # these bring TensorFlow and scikit-learn, for which publishing has no use
    from trainer.indexing import GalleryIndex
    from trainer.networks.forms import Encoders

VERSIONS = (
    "keras",
    "tensorflow",
    "tensorflow-cpu",
    "onnx",
    "onnxruntime",
    "scikit-learn",
    "numpy",
    "pillow",
    "faiss-cpu",
)


def describe(
    bundle_id: str,
    config: Config,
    encoder: "Encoders",
    precision: Literal["float32", "int8"],
    reduced: "GalleryIndex",
    files: Sequence[PictureFile],
    scores: Mapping[str, Scores],
    expansion: Expansion | None = None,
) -> dict[str, Any]:
    """The manifest without its files and faces."""
    labels = {file.picture.label for file in files if file.picture.label is not None}
    return {
        "id": bundle_id,
        "created": datetime.now(UTC),
        "encoder": {
            "name": config.encoder.name,
            "weights": _weights(config.encoder),
            "height": encoder.onnx.height,
            "width": encoder.onnx.width,
            "dims": encoder.onnx.dims,
            "stage": encoder.stage,
            "precision": precision,
            "fit": config.encoder.fit,
        },
        "dims": reduced.projection.dims,
        "preset": config.preset,
        "counts": {"items": len(files), "labels": len(labels), "clusters": len(reduced.clusters)},
        "metrics": {stage: measured.figures() for stage, measured in scores.items()},
        "intervals": {stage: measured.interval_ends() for stage, measured in scores.items() if measured.intervals},
        "expansion": expansion and expansion.model_dump(),
        "split": config.split.model_dump(exclude_none=True) if scores else None,
        "versions": {
            distribution.metadata["Name"]: distribution.version
            for name in VERSIONS
            for distribution in importlib.metadata.distributions(name=name)
        },
    }


def _weights(config: EncoderConfig) -> str:
    """Where the weights come from, without the folders of this machine."""
    if config.ensemble:
        return "+".join(_weights(member) for member in config.ensemble)
    if config.onnx:
        return config.onnx.name
    return config.weights if config.weights in ("imagenet", "none") else Path(config.weights).name


def write(
    artifacts: Path,
    description: Mapping[str, Any],
    encoder: onnx.ModelProto,
    reduced: "GalleryIndex",
    auto_probes: int,
    margins: Margins | None,
    calibration: Calibration | None,
    *,
    codes: Kind = "none",
    training: Path,
    report: Path,
    faces: FaceStage | None,
    files: Sequence[PictureFile],
    listener: Listener,
) -> None:
    """Write the bundle and its vectors; nothing that is served changes."""
    bundle_id: str = description["id"]
    with listener.step("Writing the bundle"):
        file = training.with_name("encoder.onnx")
        onnx.save(encoder, str(file))
        _forget(artifacts, bundle_id)  # what a run that was killed just here has left
        bundle.write(
            artifacts,
            description,
            encoder=file,
            projection=reduced.projection,
            clusters=reduced.clusters,
            radii=reduced.reach.radii,
            auto_probes=auto_probes,
            margins=margins,
            training=training,
            report=report if report.exists() else None,
            faces=faces,
            calibration=calibration,
        )
        stores_of(artifacts).create(
            bundle_id,
            reduced.clusters,
            ids=[file.picture.id for file in files],
            vectors=reduced.vectors,
            digests=[file.sha256 for file in files],
            codes=codes,
        )


def publish(artifacts: Path, bundle_id: str, files: Sequence[PictureFile], listener: Listener) -> Release:
    """Write the items that are to go live with a bundle that is written; then ask for it to go live.

    Where that is refused, or somebody else is publishing, all of it stays on disk, and nothing that is served changes.
    """
    with listener.step("Copying the pictures") as progress:
        locations = copy_pictures(artifacts, files, progress)
    pending.write(artifacts, bundle_id, (to_item(file, artifacts, locations.get(file.sha256)) for file in files))
    return release.publish(artifacts, bundle_id, listener, why="run")


def _forget(artifacts: Path, bundle_id: str) -> None:
    shutil.rmtree(bundle.bundle_path(artifacts, bundle_id), ignore_errors=True)
    stores_of(artifacts).delete(bundle_id)
    cache_path(artifacts, bundle_id).unlink(missing_ok=True)
