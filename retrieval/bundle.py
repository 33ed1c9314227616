"""Read, verify, write and publish bundles. The only file that knows file names.

    artifacts/
      CURRENT                       the id of the served bundle
      catalogue.sqlite              the items
      vectors/<id>.sqlite           the items' vectors under that bundle
      bundles/<id>/
        manifest.json               what it is, and the checksum of every other file
        manifest.sha256             the checksum of the manifest
        encoder.onnx  projection.npz  clusters.npz
        training/                   what only the trainer reads; nothing here opens it

A bundle is written into a temporary folder, every file and folder of it made durable, and renamed; CURRENT is
replaced last. A crash at any moment leaves the old bundle or the new one.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval import manifest as manifests
from retrieval.clusters import Clusters
from retrieval.durable import sync
from retrieval.embedder import Embedder
from retrieval.encoder import OnnxEncoder
from retrieval.errors import BundleDamaged, BundleMissing
from retrieval.manifest import FileEntry, Manifest
from retrieval.projection import Projection

MANIFEST = "manifest.json"
CHECKSUM = "manifest.sha256"
ENCODER = "encoder.onnx"
PROJECTION = "projection.npz"
CLUSTERS = "clusters.npz"
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


def catalogue_url(artifacts: Path) -> str:
    """Where the items are unless a setting says otherwise."""
    return f"sqlite:///{(artifacts / 'catalogue.sqlite').absolute()}"


def bundle_path(artifacts: Path, bundle_id: str) -> Path:
    """The folder of one bundle."""
    return artifacts / "bundles" / bundle_id


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
    """Read what serving needs, each file checked against the manifest before it is used.

    `threads` as in OnnxEncoder. Raises BundleMissing, BundleDamaged or BundleIncompatible.
    """
    manifest = read_manifest(folder)
    encoder = OnnxEncoder(_read(folder, manifest, ENCODER), str(folder / ENCODER), threads=threads)
    axes = _arrays(folder, manifest, PROJECTION, ("mean", "components"))
    cells = _arrays(folder, manifest, CLUSTERS, ("centroids", "radii", "auto_probes"))
    try:
        embedder, clusters = Embedder(encoder, Projection(**axes)), Clusters(cells["centroids"])
        bundle = Bundle(manifest, embedder, clusters, cells["radii"], int(cells["auto_probes"]))
    except (TypeError, ValueError) as error:
        raise BundleDamaged(f"{folder}: its arrays do not have the expected shapes: {error}") from error
    _check_shapes(bundle, folder)
    return bundle


def verify(folder: Path) -> Manifest:
    """Check a bundle whole: every file against its checksum, nothing missing, nothing extra, and that it loads.

    Raises BundleMissing, BundleDamaged or BundleIncompatible.
    """
    manifest = read_manifest(folder)
    for name in manifest.files:
        _read(folder, manifest, name)
    extra = set(_files(folder)) - {MANIFEST, CHECKSUM} - set(manifest.files)
    if extra:
        raise BundleDamaged(f"{folder} holds {sorted(extra)[0]}, which its manifest does not list.")
    load(folder)
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the bundle in `folder`."""
    path = folder / MANIFEST
    try:
        text, checksum = path.read_bytes(), (folder / CHECKSUM).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BundleMissing(f"There is no bundle in {folder}: {Path(error.filename).name} is missing.") from None
    manifest = manifests.parse(text, str(path))
    if checksum != _checksum_line(text):
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
) -> Path:
    """Write a new bundle and return its folder. `description` is the manifest without its files.

    `encoder` is the ONNX file, `training` a folder whose files are copied along. Raises FileExistsError when a bundle
    of that id is already there.
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
    shutil.copytree(training, draft / TRAINING)
    files = {name: _entry(draft / name) for name in _files(draft)}
    manifest = Manifest.model_validate({**description, "files": files})
    text = manifest.model_dump_json(indent=2).encode()
    (draft / MANIFEST).write_bytes(text)
    (draft / CHECKSUM).write_bytes(_checksum_line(text))
    for path in [*draft.rglob("*"), draft]:
        sync(path)
    draft.rename(folder)
    sync(folder.parent)
    sync(artifacts)
    return folder


def publish(artifacts: Path, bundle_id: str) -> None:
    """Make one bundle the served one, atomically. Raises when it does not verify."""
    verify(bundle_path(artifacts, bundle_id))
    part = artifacts / ".CURRENT.part"
    part.write_text(bundle_id + "\n", encoding="ascii")
    sync(part)
    part.replace(artifacts / "CURRENT")
    sync(artifacts)


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def _checksum_line(manifest: bytes) -> bytes:
    return sha256(manifest).hexdigest().encode() + b"\n"


def _entry(path: Path) -> FileEntry:
    data = path.read_bytes()
    return FileEntry(sha256=sha256(data).hexdigest(), size=len(data))


def _read(folder: Path, manifest: Manifest, name: str) -> bytes:
    """The bytes of one file, once they have been compared with the manifest."""
    path = folder / name
    if name not in manifest.files:
        raise BundleDamaged(f"{folder / MANIFEST} does not list {name}.")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BundleDamaged(f"{folder / MANIFEST} lists {name}, which lies outside the bundle.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleDamaged(f"{path} cannot be read ({error}). Publish another bundle, or train again.") from error
    expected, found = manifest.files[name], sha256(data).hexdigest()
    if found != expected.sha256:
        raise BundleDamaged(
            f"{path} has changed: {len(data)} bytes with SHA-256 {found}; "
            f"its manifest says {expected.size} bytes with {expected.sha256}. Publish another bundle, or train again."
        )
    return data


def _arrays(folder: Path, manifest: Manifest, name: str, keys: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    try:
        with np.load(BytesIO(_read(folder, manifest, name)), allow_pickle=False) as arrays:
            return {key: arrays[key] for key in keys}
    except (ValueError, KeyError, OSError, EOFError) as error:
        raise BundleDamaged(f"{folder / name} does not hold the arrays {', '.join(keys)}: {error}") from error


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
