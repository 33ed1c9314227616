"""Write a new bundle: into a temporary folder, durably, and renamed last."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrieval.bundle import checksums
from retrieval.bundle.layout import (
    CALIBRATION,
    CHECKSUM,
    CLUSTERS,
    ENCODER,
    FACE_MODELS,
    FACES,
    MANIFEST,
    PROJECTION,
    REPORT,
    TRAINING,
    bundle_path,
)
from retrieval.calibration import Calibration
from retrieval.clusters import Clusters
from retrieval.durable import write_atomically
from retrieval.encoding.projection import Projection
from retrieval.manifest import Manifest
from retrieval.vectors.margins import Margins

if TYPE_CHECKING:
    from retrieval.faces.opener import FaceStage


def write(
    artifacts: Path,
    description: Mapping[str, Any],
    *,
    encoder: Path,
    projection: Projection,
    clusters: Clusters,
    radii: NDArray[np.float64],
    auto_probes: int,
    training: Path,
    calibration: Calibration | None = None,
    margins: Margins | None = None,
    faces: "FaceStage | None" = None,
    report: Path | None = None,
) -> Path:
    """Write a new bundle and return its folder. `description` is the manifest without its files and faces.

    `encoder` is the ONNX file; `training` and `report` are folders whose files are copied along. Raises
    FileExistsError when a bundle of that id is already there.
    """
    folder = bundle_path(artifacts, description["id"])
    if folder.exists():
        raise FileExistsError(f"{folder} is already there; a bundle is never changed.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with write_atomically(folder) as draft:
        draft.mkdir()
        shutil.copyfile(encoder, draft / ENCODER)
        np.savez(draft / PROJECTION, mean=projection.mean, components=projection.components)
        cells = {"centroids": clusters.centroids, "radii": radii, "auto_probes": np.int64(auto_probes)}
        np.savez(draft / CLUSTERS, **cells | (margins.arrays() if margins else {}))  # type: ignore[arg-type]  # as below
        if calibration is not None:
            np.savez(draft / CALIBRATION, **calibration.arrays())  # type: ignore[arg-type]  # none is "allow_pickle"
        shutil.copytree(training, draft / TRAINING)
        if report is not None:
            shutil.copytree(report, draft / REPORT)
        if faces is not None:
            (draft / FACES).mkdir()
            for name, model in faces.models.items():
                (draft / FACE_MODELS[name]).write_bytes(model)
        fields = {**description, "faces": faces and faces.spec, "files": checksums.entries(draft)}
        manifest = Manifest.model_validate(fields)
        text = manifest.model_dump_json(indent=2).encode()
        (draft / MANIFEST).write_bytes(text)
        (draft / CHECKSUM).write_bytes(checksums.line(text))
    return folder
