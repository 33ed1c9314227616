"""Read and check one bundle."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrieval import calibration as calibrations
from retrieval import manifest as manifests
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
)
from retrieval.calibration import Calibration
from retrieval.clusters import Clusters
from retrieval.encoding.embedder import Embedder, Opener, open_whole
from retrieval.encoding.encoder import OnnxEncoder
from retrieval.encoding.projection import Projection
from retrieval.errors import BundleDamaged, BundleMissing
from retrieval.manifest import Manifest
from retrieval.vectors import margins
from retrieval.vectors.margins import Margins

if TYPE_CHECKING:
    from retrieval.faces.opener import FaceStage


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle, ready to embed queries and to open a vector store with."""

    manifest: Manifest
    embedder: Embedder
    clusters: Clusters
    radii: NDArray[np.float64]
    """How far the members of each cluster reached at build time, float64 [C]: what later drift is measured against."""
    auto_probes: int
    """Clusters that held 99 % of the true hits at build time: where there are no `margins`, `auto` opens no more."""
    calibration: Calibration | None
    """Distances to probabilities; None where nothing could be held out, and before format 3."""
    margins: Margins | None = None
    """How far a search with `probes=auto` looks for 99 % of the true hits; None in older bundles."""


def load(folder: Path, *, threads: int = 0) -> Bundle:
    """Read what serving needs, once every file of the bundle has been checked against the manifest.

    Those that serving never opens, too: a damaged bundle is found at the start, not when it is needed for a rollback or
    to go on training. `threads` as in OnnxEncoder. Raises BundleMissing, BundleDamaged or BundleIncompatible.
    """
    manifest = read_manifest(folder)
    files = manifest.files
    checksums.check(folder, files)
    encoder = OnnxEncoder(checksums.read(folder, files, ENCODER), str(folder / ENCODER), threads=threads)
    axes = checksums.read_arrays(folder, files, PROJECTION, ("mean", "components"))
    cells = checksums.read_arrays(folder, files, CLUSTERS, ("centroids", "radii", "auto_probes"), margins.KEYS)
    opener = _opener(folder, manifest, threads)
    try:
        embedder = Embedder(encoder, Projection(**axes), opener, manifest.encoder.fit)
        clusters = Clusters(cells["centroids"])
        calibration = _calibration(folder, manifest)
        bundle = Bundle(
            manifest, embedder, clusters, cells["radii"], int(cells["auto_probes"]), calibration, _margins(cells)
        )
    except (TypeError, ValueError) as error:
        raise BundleDamaged(f"{folder}: its arrays do not have the expected shapes: {error}") from error
    _check_shapes(bundle, folder)
    return bundle


def read_clusters(folder: Path) -> Clusters:
    """The clusters of a bundle alone. Raises BundleMissing, BundleDamaged or BundleIncompatible."""
    files = read_manifest(folder).files
    cells = checksums.read_arrays(folder, files, CLUSTERS, ("centroids", "radii", "auto_probes"), margins.KEYS)
    try:
        return Clusters(cells["centroids"])
    except ValueError as error:
        raise BundleDamaged(f"{folder}: its clusters cannot be used: {error}") from error


def verify(folder: Path) -> Manifest:
    """Check a bundle whole: that it loads, every file as its checksum says, nothing missing, and nothing extra.

    Raises BundleMissing, BundleDamaged or BundleIncompatible.
    """
    manifest = load(folder).manifest
    extra = set(checksums.names(folder)) - {MANIFEST, CHECKSUM} - set(manifest.files)
    if extra:
        raise BundleDamaged(f"{folder} holds {sorted(extra)[0]}, which its manifest does not list.")
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the bundle in `folder`."""
    path = folder / MANIFEST
    try:
        text, checksum = path.read_bytes(), (folder / CHECKSUM).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BundleMissing(f"There is no bundle in {folder}: {Path(error.filename).name} is missing.") from None
    return parse_manifest(text, checksum, str(path), folder.resolve().name)


def parse_manifest(text: bytes, checksum: bytes, where: str, folder_name: str) -> Manifest:
    """The manifest that a folder of this name holds; `where` names its file in errors.

    Raises BundleDamaged or BundleIncompatible.
    """
    manifest = manifests.parse(text, where)
    if checksum != checksums.line(text):
        raise BundleDamaged(f"{where} has changed since it was written: it does not match {CHECKSUM}.")
    if manifest.id != folder_name:
        raise BundleDamaged(f"{where} says it is bundle {manifest.id}, but its folder is {folder_name}.")
    return manifest


def _margins(cells: Mapping[str, NDArray[Any]]) -> Margins | None:
    """The bundle's margins, if it has them. Raises ValueError where its arrays are none."""
    return Margins.of(cells) if set(margins.KEYS) <= cells.keys() else None


def _calibration(folder: Path, manifest: Manifest) -> Calibration | None:
    """The bundle's calibration, if it has one. Raises ValueError where its arrays are none."""
    if CALIBRATION not in manifest.files:
        return None
    return Calibration.of(checksums.read_arrays(folder, manifest.files, CALIBRATION, calibrations.KEYS))


def _opener(folder: Path, manifest: Manifest, threads: int) -> Opener:
    """What the manifest says that the encoder sees: faces or whole pictures."""
    faces = face_stage(folder, manifest)
    return open_whole if faces is None else faces.opener(str(folder / FACES), threads=threads)


def face_stage(folder: Path, manifest: Manifest) -> "FaceStage | None":
    """How a bundle cuts out faces; None where it compares whole pictures. Raises BundleDamaged."""
    if manifest.faces is None:
        return None
    from retrieval.faces.opener import MODELS, FaceStage  # brings OpenCV, for which most bundles have no use

    names = MODELS[manifest.faces.detector]
    return FaceStage(
        manifest.faces, {name: checksums.read(folder, manifest.files, FACE_MODELS[name]) for name in names}
    )


def _check_shapes(bundle: Bundle, folder: Path) -> None:
    """That the parts fit each other and the manifest."""
    encoder, projection, manifest = bundle.embedder.encoder, bundle.embedder.projection, bundle.manifest
    pairs = {
        "the encoder's height": (encoder.height, manifest.encoder.height),
        "the encoder's width": (encoder.width, manifest.encoder.width),
        "the encoder's dims": (encoder.dims, manifest.encoder.dims),
        "the projection's input": (len(projection.mean), encoder.dims),
        "the projection's output": (projection.dims, manifest.dims),
        "the centroids' dims": (bundle.clusters.dims, manifest.dims),
        "the number of clusters": (len(bundle.clusters), manifest.counts.clusters),
        "the shape of the radii": (bundle.radii.shape, (len(bundle.clusters),)),
    }
    for what, (actual, expected) in pairs.items():
        if actual != expected:
            raise BundleDamaged(f"{folder}: {what} is {actual}, expected {expected}.")
