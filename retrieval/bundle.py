"""Read, verify, write and publish bundles. The only file that knows file names.

    artifacts/
      CURRENT                       the id of the served bundle
      catalogue.sqlite              the items
      vectors/<id>.sqlite           the items' vectors under that bundle
      bundles/<id>/
        manifest.json               what it is, and the checksum of every other file
        manifest.sha256             the checksum of the manifest
        encoder.onnx  projection.npz  clusters.npz
        calibration.npz             how sure it is of its hits, where pictures could be held out to learn that
        faces/                      the detector's models, where faces are compared
        report/                     what people read of it
        training/                   what only the trainer reads; nothing here opens these two

A bundle is written into a temporary folder, every file and folder of it made durable, and renamed; CURRENT is
replaced last. A crash at any moment leaves the old bundle or the new one.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrieval import calibration as calibrations
from retrieval import checksums
from retrieval import manifest as manifests
from retrieval.calibration import Calibration
from retrieval.clusters import Clusters
from retrieval.durable import sync
from retrieval.embedder import Embedder, Opener, open_whole
from retrieval.encoder import OnnxEncoder
from retrieval.errors import BundleDamaged, BundleMissing
from retrieval.manifest import Manifest
from retrieval.projection import Projection

if TYPE_CHECKING:
    from retrieval.faces.opener import FaceStage

MANIFEST = "manifest.json"
CHECKSUM = "manifest.sha256"
ENCODER = "encoder.onnx"
PROJECTION = "projection.npz"
CLUSTERS = "clusters.npz"
CALIBRATION = "calibration.npz"
FACES = "faces"
FACE_MODELS = {"haar": f"{FACES}/haar.xml"} | {name: f"{FACES}/{name}.onnx" for name in ("pnet", "rnet", "onet")}
REPORT = "report"
TRAINING = "training"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle, ready to embed queries and to open a vector store with."""

    manifest: Manifest
    embedder: Embedder
    clusters: Clusters
    radii: NDArray[np.float64]
    """How far the members of each cluster reached at build time, float64 [C]: what later drift is measured against."""
    auto_probes: int
    """Clusters that a search with `probes=auto` opens at most: enough for 99 % recall at build time."""
    calibration: Calibration | None
    """Distances to probabilities; None where nothing could be held out, and before format 3."""


def catalogue_url(artifacts: Path) -> str:
    """Where the items are unless a setting says otherwise."""
    return f"sqlite:///{(artifacts / 'catalogue.sqlite').absolute()}"


def bundle_path(artifacts: Path, bundle_id: str) -> Path:
    """The folder of one bundle."""
    return artifacts / "bundles" / bundle_id


def ids(artifacts: Path) -> list[str]:
    """The ids of all bundles, sound or not; drafts are none."""
    folder = artifacts / "bundles"
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def vectors_path(artifacts: Path, bundle_id: str) -> Path:
    """The file of the embedded vector store for one bundle."""
    return artifacts / "vectors" / f"{bundle_id}.sqlite"


def current(artifacts: Path) -> str:
    """The id of the published bundle. Raises BundleMissing when nothing has been published."""
    try:
        return (artifacts / "CURRENT").read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError):
        raise BundleMissing(
            f"Nothing is published in {artifacts}. Train first: make demo, or python -m trainer run --help."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BundleDamaged(f"{artifacts / 'CURRENT'} cannot be read: {error}") from error


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
    cells = checksums.read_arrays(folder, files, CLUSTERS, ("centroids", "radii", "auto_probes"))
    opener = _opener(folder, manifest, threads)
    try:
        embedder, clusters = Embedder(encoder, Projection(**axes), opener), Clusters(cells["centroids"])
        calibration = _calibration(folder, manifest)
        bundle = Bundle(manifest, embedder, clusters, cells["radii"], int(cells["auto_probes"]), calibration)
    except (TypeError, ValueError) as error:
        raise BundleDamaged(f"{folder}: its arrays do not have the expected shapes: {error}") from error
    _check_shapes(bundle, folder)
    return bundle


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
    manifest = manifests.parse(text, str(path))
    if checksum != checksums.line(text):
        raise BundleDamaged(f"{path} has changed since it was written: it does not match {CHECKSUM}.")
    if manifest.id != folder.resolve().name:
        raise BundleDamaged(f"{path} says it is bundle {manifest.id}, but its folder is {folder.resolve().name}.")
    return manifest


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
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    shutil.copyfile(encoder, draft / ENCODER)
    np.savez(draft / PROJECTION, mean=projection.mean, components=projection.components)
    np.savez(draft / CLUSTERS, centroids=clusters.centroids, radii=radii, auto_probes=np.int64(auto_probes))
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
    for path in [*draft.rglob("*"), draft]:
        sync(path)
    draft.rename(folder)
    sync(folder.parent)
    return folder


def publish(artifacts: Path, bundle_id: str, *, forced: bool = False) -> None:
    """Make one bundle the served one, atomically. Raises when it does not verify; forced: when it cannot be loaded."""
    folder = bundle_path(artifacts, bundle_id)
    if forced:
        load(folder)  # whatever else is wrong with it, it starts
    else:
        verify(folder)
    part = artifacts / ".CURRENT.part"
    part.write_text(bundle_id + "\n", encoding="ascii")
    sync(part)
    sync(artifacts)  # the folders of bundles and vectors may be new: CURRENT must not outlive them
    part.replace(artifacts / "CURRENT")
    sync(artifacts)


def _calibration(folder: Path, manifest: Manifest) -> Calibration | None:
    """The bundle's calibration, if it has one. Raises ValueError where its arrays are none."""
    if CALIBRATION not in manifest.files:
        return None
    return Calibration.of(checksums.read_arrays(folder, manifest.files, CALIBRATION, calibrations.KEYS))


def _opener(folder: Path, manifest: Manifest, threads: int) -> Opener:
    """What the manifest says that the encoder sees: faces or whole pictures."""
    if manifest.faces is None:
        return open_whole
    from retrieval.faces.opener import MODELS, FaceStage  # brings OpenCV, for which most bundles have no use

    models = {
        name: checksums.read(folder, manifest.files, FACE_MODELS[name]) for name in MODELS[manifest.faces.detector]
    }
    return FaceStage(manifest.faces, models).opener(str(folder / FACES), threads=threads)


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
    for what, (found, expected) in pairs.items():
        if found != expected:
            raise BundleDamaged(f"{folder}: {what} is {found}, expected {expected}.")
