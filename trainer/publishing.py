"""From a run's results to something served: the bundle's description, its files, the vectors, the items."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from retrieval import bundle
from retrieval.catalogue import Catalogue, Item
from retrieval.encoder import OnnxEncoder
from retrieval.vectors.embedded import EmbeddedStore
from trainer.config import EncoderConfig
from trainer.features import Opened
from trainer.metrics import Scores
from trainer.reduce import Reduced

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
    config: EncoderConfig,
    encoder: OnnxEncoder,
    *,
    stage: str,
    reduced: Reduced,
    opened: Sequence[Opened],
    scores: Mapping[str, Scores],
) -> dict[str, Any]:
    """The manifest without its files."""
    labels = {o.picture.label for o in opened if o.picture.label is not None}
    return {
        "id": bundle_id,
        "created": datetime.now(UTC),
        "encoder": {
            "name": config.backbone,
            "weights": "imagenet" if config.weights == "imagenet" else Path(config.weights).name,
            "height": encoder.height,
            "width": encoder.width,
            "dims": encoder.dims,
            "stage": stage,
        },
        "dims": reduced.projection.dims,
        "counts": {"items": len(opened), "labels": len(labels), "clusters": len(reduced.clusters)},
        "metrics": {stage: asdict(measured) for stage, measured in scores.items()},
        "versions": {
            found.metadata["Name"]: found.version
            for name in VERSIONS
            for found in importlib.metadata.distributions(name=name)
        },
    }


def publish(
    artifacts: Path,
    description: Mapping[str, Any],
    encoder: Path,
    reduced: Reduced,
    auto_probes: int,
    training: Path,
    opened: Sequence[Opened],
) -> None:
    """Bundle, vectors and items first; what is served changes last."""
    bundle_id: str = description["id"]
    folder = bundle.write(
        artifacts,
        description,
        encoder=encoder,
        projection=reduced.projection,
        clusters=reduced.clusters,
        radii=reduced.reach.radii,
        auto_probes=auto_probes,
        training=training,
    )
    ids = [o.picture.id for o in opened]
    EmbeddedStore.create(
        bundle.vectors_path(artifacts, bundle_id),
        reduced.clusters,
        bundle=bundle_id,
        ids=ids,
        vectors=reduced.vectors,
    )
    bundle.verify(folder)  # nothing that is served changes before all that is new has proved sound
    catalogue = Catalogue(bundle.catalogue_url(artifacts))
    try:
        catalogue.replace_source(to_item(o, artifacts) for o in opened)
    finally:
        catalogue.close()
    bundle.publish(artifacts, bundle_id)


def to_item(opened: Opened, artifacts: Path) -> Item:
    """The catalogue's row; a file inside the artifacts folder is named relative to it, so that the folder can move."""
    path, home = opened.picture.path, artifacts.absolute()
    location = path.relative_to(home) if path.is_relative_to(home) else path
    return Item(
        id=opened.picture.id,
        location=str(location),
        sha256=opened.sha256,
        media_type=opened.info.media_type,
        width=opened.info.width,
        height=opened.info.height,
        label=opened.picture.label,
        attributes=opened.picture.attributes,
        origin="source",
    )
