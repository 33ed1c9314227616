"""The pinned pictures through one bundle. What has been embedded is kept, so that the live one need not do it again.

artifacts/vectors/<id>.pinned.npz    sha256 [n] and vectors float32 [n, d]; may be deleted
"""

import csv
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval import bundle
from retrieval.bundle import Bundle
from retrieval.durable import write_atomically
from retrieval.manifest import Manifest
from retrieval.vectors.base import comparable
from trainer.data.loading import embed_readable
from trainer.progress import Progress
from trainer.releases.pinned import Pin, read
from trainer.sources.base import Picture

LEARNED_FROM: Mapping[str, tuple[str, ...]] = {
    "frozen": (),
    "autoencoder": ("train",),
    "head": ("train", "validation"),  # what is published was fitted once more, on both
    "finetune": ("train",),
}
"""Which parts of its split a bundle's encoder was trained on, by its stage."""


@dataclass(frozen=True, slots=True)
class PinnedVectors:
    """Pinned pictures as vectors float32 [n, d], zeros where there is none.

    `available` bool [n]: it has a vector. `vanished` bool [n]: its file is missing or has changed. A picture that is
    neither was refused by the bundle, and counts against it.
    """

    vectors: NDArray[np.float32]
    available: NDArray[np.bool_]
    vanished: NDArray[np.bool_]


def replay(artifacts: Path, loaded: Bundle, pins: Sequence[Pin], progress: Progress) -> PinnedVectors:
    """The pinned pictures through a bundle, in order."""
    path = cache_path(artifacts, loaded.manifest.id)
    dims = loaded.manifest.dims
    vectors_by_digest = _read(path, dims)
    missing = [pin for pin in pins if pin.sha256 not in vectors_by_digest]
    if missing:
        pictures = [Picture(pin.sha256, pin.path, pin.label) for pin in missing]
        embedded = embed_readable(pictures, loaded.embedder, progress)
        for picture, vector, digest in zip(embedded.pictures, embedded.vectors, embedded.digests, strict=True):
            if digest == picture.id:
                vectors_by_digest[digest] = vector
        _write(path, vectors_by_digest)
    vectors = np.zeros((len(pins), dims), np.float32)
    has_vector = np.array([pin.sha256 in vectors_by_digest for pin in pins], bool)
    for row in np.flatnonzero(has_vector).tolist():
        vectors[row] = vectors_by_digest[pins[row].sha256]
    vanished = np.array([not has and _has_vanished(pin) for pin, has in zip(pins, has_vector, strict=True)], bool)
    return PinnedVectors(vectors, has_vector, vanished)


def remember(artifacts: Path, bundle_id: str, digests: Sequence[str], vectors: NDArray[np.float32]) -> None:
    """Keep the vectors of pinned pictures that a bundle has made already, so that it need not do it again."""
    wanted = {pin.sha256 for pin in read(artifacts) or []}
    path, dims = cache_path(artifacts, bundle_id), vectors.shape[1]
    known = {digest: vector for digest, vector in zip(digests, vectors, strict=True) if digest in wanted}
    _write(path, known | _read(path, dims))


def cache_path(artifacts: Path, bundle_id: str) -> Path:
    """Where the pinned pictures' vectors under one bundle are kept."""
    return artifacts / "vectors" / f"{bundle_id}.pinned.npz"


def parts(folder: Path) -> dict[str, str] | None:
    """The part of each picture of a bundle's run by its SHA-256; None where the bundle does not say."""
    try:
        with (folder / bundle.TRAINING / "split.csv").open(newline="", encoding="utf-8") as file:
            return {row["sha256"]: row["part"] for row in csv.DictReader(file)}
    except (OSError, KeyError, UnicodeDecodeError, csv.Error):
        return None


def trained_on(folder: Path, manifest: Manifest, digests: Sequence[str]) -> int | None:
    """How many of these files the bundle's encoder was trained on; None where that is not known."""
    learned = LEARNED_FROM[manifest.encoder.stage]
    if not learned:
        return 0
    part_by_digest = parts(folder)
    return None if part_by_digest is None else sum(part_by_digest.get(digest) in learned for digest in digests)


def _has_vanished(pin: Pin) -> bool:
    try:
        return sha256(pin.path.read_bytes()).hexdigest() != pin.sha256
    except OSError:
        return True


def _read(path: Path, dims: int) -> dict[str, NDArray[np.float32]]:
    """What is kept; nothing of it where anything about it is wrong, as it can be computed again."""
    try:
        with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            digests, vectors = arrays["sha256"], arrays["vectors"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}
    if vectors.dtype != np.float32 or vectors.shape != (len(digests), dims) or not comparable(vectors):
        return {}
    return dict(zip(map(str, digests), vectors, strict=True))


def _write(path: Path, vectors_by_digest: Mapping[str, NDArray[np.float32]]) -> None:
    """Not made durable: it is only kept to save time, and its reader distrusts it."""
    if not vectors_by_digest:
        return
    with write_atomically(path, durable=False) as draft, draft.open("wb") as file:
        np.savez(file, sha256=np.array(list(vectors_by_digest)), vectors=np.stack(list(vectors_by_digest.values())))
