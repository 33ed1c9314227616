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
from retrieval.manifest import Manifest
from retrieval.vectors.base import comparable
from trainer.data.loading import embed_readable
from trainer.progress import Progress
from trainer.releases.pinned import Pin
from trainer.sources.base import Picture

LEARNED_FROM: Mapping[str, tuple[str, ...]] = {
    "frozen": (),
    "autoencoder": ("train",),
    "head": ("train", "validation"),  # what is published was fitted once more, on both
    "finetune": ("train",),
}
"""Which parts of its split a bundle's encoder was trained on, by its stage."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """Pinned pictures as vectors float32 [n, d], zeros where there is none.

    `found` bool [n]: it has a vector. `gone` bool [n]: the file is there no more, or has changed. What is neither was
    refused by the bundle, which must answer for that.
    """

    vectors: NDArray[np.float32]
    found: NDArray[np.bool_]
    gone: NDArray[np.bool_]


def replay(artifacts: Path, loaded: Bundle, pins: Sequence[Pin], progress: Progress) -> Replayed:
    """The pinned pictures through a bundle, in order."""
    path = cache_path(artifacts, loaded.manifest.id)
    dims = loaded.manifest.dims
    known = _read(path, dims)
    missing = [pin for pin in pins if pin.sha256 not in known]
    if missing:
        pictures = [Picture(pin.sha256, pin.path, pin.label) for pin in missing]
        embedded = embed_readable(pictures, loaded.embedder, progress)
        for picture, vector, digest in zip(embedded.pictures, embedded.vectors, embedded.digests, strict=True):
            if digest == picture.id:
                known[digest] = vector
        _write(path, known)
    vectors = np.zeros((len(pins), dims), np.float32)
    found = np.array([pin.sha256 in known for pin in pins], bool)
    for row in np.flatnonzero(found).tolist():
        vectors[row] = known[pins[row].sha256]
    gone = np.array([not seen and _gone(pin) for pin, seen in zip(pins, found, strict=True)], bool)
    return Replayed(vectors, found, gone)


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
    known = parts(folder)
    return None if known is None else sum(known.get(digest) in learned for digest in digests)


def _gone(pin: Pin) -> bool:
    try:
        return sha256(pin.path.read_bytes()).hexdigest() != pin.sha256
    except OSError:
        return True


def _read(path: Path, dims: int) -> dict[str, NDArray[np.float32]]:
    """What is kept; nothing of it where anything about it is wrong, as it can be computed again."""
    try:
        with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as kept:
            digests, vectors = kept["sha256"], kept["vectors"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}
    if vectors.dtype != np.float32 or vectors.shape != (len(digests), dims) or not comparable(vectors):
        return {}
    return dict(zip(map(str, digests), vectors, strict=True))


def _write(path: Path, known: Mapping[str, NDArray[np.float32]]) -> None:
    """Not made durable: it is only kept to save time, and its reader distrusts it."""
    if not known:
        return
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        np.savez(file, sha256=np.array(list(known)), vectors=np.stack(list(known.values())))
    part.replace(path)
