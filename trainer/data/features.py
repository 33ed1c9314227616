"""Features of the frozen backbone: each picture once clean and a few times augmented, computed once and kept.

The cache is a file per encoder; its rows are keyed by the picture's content, so a run that was stopped goes on where it
was, a second run computes nothing, and moved, renamed or doubled files cost nothing.
"""

import sqlite3
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval import images
from retrieval.encoding.embedder import Opener, open_whole
from retrieval.encoding.encoder import Encoder
from retrieval.errors import ImageError
from retrieval.images import RGB, Fit, ImageInfo
from trainer.config import Config
from trainer.data.augment import augment, detail, generator
from trainer.data.input_shape import InputShape
from trainer.data.large_arrays import empty_rows
from trainer.data.loading import opener_of
from trainer.progress import Progress
from trainer.sources.base import Picture, Skipped
from trainer.threads import map_ahead

COMMIT_SECONDS = 1.0  # what a killed run can lose, and how long another run may have to wait
BUSY_SECONDS = 60
RECIPE = 2
"""Raise it when the pixels that the network sees change: the decoder, the resizer or the views."""


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture that could be read: its source entry, the SHA-256 of its bytes, what its header says."""

    picture: Picture
    sha256: str
    info: ImageInfo

    @property
    def key(self) -> str:
        """What was embedded: the file, or one of the faces in it."""
        return content_key(self.sha256, self.picture.face)


@dataclass(frozen=True, slots=True)
class Views:
    """What is computed of each picture besides the picture itself: so many augmented views, and perhaps a detail."""

    augmented: int = 0
    detail: bool = False


@dataclass(frozen=True, slots=True)
class Features:
    """`values` float32 [n, 1 + views, e]: the clean picture first; rows in the order of `files`.

    `details` float32 [n, e], where they are wanted: a small part of each picture.
    """

    files: Sequence[PictureFile]
    values: NDArray[np.float32]
    details: NDArray[np.float32] | None
    skipped: Sequence[Skipped]


def cache_name(config: Config, views: Views, encoder: str) -> str:
    """What features depend on besides the picture: the encoder (its fingerprint), how one is opened, the views."""
    recipe = repr(
        (RECIPE, encoder, config.faces and config.faces.model_copy(update={"file": None}), views, config.seed)
    )
    if config.faces is not None and config.faces.file is not None:
        recipe += sha256(config.faces.file.read_bytes()).hexdigest()
    if config.encoder.fit != "whole":
        recipe += config.encoder.fit
    return f"{config.encoder.name}-{sha256(recipe.encode()).hexdigest()[:16]}"


def compute(
    pictures: Sequence[Picture],
    encoder: Encoder,
    *,
    views: Views,
    seed: int,
    cache: Path,
    progress: Progress,
    opener: Opener = open_whole,
    fit: Fit = "whole",
) -> Features:
    """Features of every picture that can be read. A picture that cannot is skipped, with the reason."""
    shape = InputShape(encoder.height, encoder.width, fit)
    files: list[PictureFile] = []
    values = empty_rows((len(pictures), 1 + views.augmented + views.detail, encoder.dims), cache.parent)
    skipped: list[Skipped] = []
    with (
        FeatureCache(cache) as stored,
        closing(_load_all(pictures, encoder.dims, shape, opener, views, seed, stored)) as loading,
    ):
        for done, (picture, loaded) in enumerate(zip(pictures, loading, strict=True), start=1):
            progress(done, len(pictures))
            if isinstance(loaded, str):
                skipped.append(Skipped(picture.place, loaded))
                continue
            key = content_key(loaded.sha256, picture.face)
            features = stored.get(key, encoder.dims)
            if features is None:
                features = encoder.encode(np.stack(loaded.inputs))
                stored.put(key, features)
            values[len(files)] = features
            files.append(PictureFile(picture, loaded.sha256, loaded.info))
    values = values[: len(files)]
    if not views.detail:
        return Features(files, values, None, skipped)
    return Features(files, values[:, :-1], values[:, -1], skipped)


@dataclass(frozen=True, slots=True)
class _Loaded:
    sha256: str
    info: ImageInfo
    inputs: Sequence[RGB]
    """The clean picture and its views; none where the features are known already."""


def content_key(digest: str, face: int) -> str:
    """The SHA-256 of a file, and which of its faces where that is not the largest."""
    return digest if face == 1 else f"{digest}#{face}"


class FeatureCache:
    """Features by content, in an SQLite file; a context manager that commits what it holds when left."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")  # a lost row is computed again
        self._database.execute("CREATE TABLE IF NOT EXISTS features (sha256 TEXT PRIMARY KEY, rows BLOB NOT NULL)")
        self._committed = time.monotonic()

    def __enter__(self) -> "FeatureCache":
        return self

    def __exit__(self, *_: object) -> None:
        self._database.commit()
        self._database.close()

    def get(self, digest: str, dims: int) -> NDArray[np.float32] | None:
        """The features [rows, dims] kept for a picture, or None."""
        row = self._database.execute("SELECT rows FROM features WHERE sha256 = ?", (digest,)).fetchone()
        return np.frombuffer(row[0], "<f4").reshape(-1, dims) if row else None

    def put(self, digest: str, features: NDArray[np.float32]) -> None:
        """Keep the features [rows, dims] of a picture."""
        self._database.execute(
            "INSERT OR REPLACE INTO features VALUES (?, ?)", (digest, features.astype("<f4").tobytes())
        )
        if time.monotonic() - self._committed > COMMIT_SECONDS:
            self._database.commit()
            self._committed = time.monotonic()


def _load_all(
    pictures: Sequence[Picture],
    dims: int,
    shape: InputShape,
    opener: Opener,
    views: Views,
    seed: int,
    stored: FeatureCache,
) -> Generator[_Loaded | str, None, None]:
    """Each picture in order: read and prepared, or why it cannot be used."""

    def load(picture: Picture) -> _Loaded | str:
        try:
            data = picture.path.read_bytes()
            digest = sha256(data).hexdigest()
            info = images.inspect(data)
            key = content_key(digest, picture.face)
            if stored.get(key, dims) is not None:
                return _Loaded(digest, info, ())
            opening = opener_of(picture, opener)
            return _Loaded(digest, info, _inputs(data, info, shape, opening, key, views, seed))
        except (ImageError, OSError) as error:
            return error.strerror or str(error) if isinstance(error, OSError) else str(error)

    return map_ahead(load, pictures)


def _inputs(
    data: bytes, info: ImageInfo, shape: InputShape, opener: Opener, key: str, views: Views, seed: int
) -> list[RGB]:
    """The picture as a query is prepared, and its views, which are cut from it at up to twice the size."""
    opened = opener(data, shape.side)
    inputs = [shape.arranged(opened)]
    if views == Views():
        return inputs
    # A picture that was decoded at its full size is no larger the second time.
    whole = opener is open_whole and opened.shape[:2] == (info.height, info.width)
    large = opened if whole else opener(data, 2 * shape.side)
    rng = generator(seed, key)
    inputs += [shape.each(large, partial(augment, rng=rng)) for _view in range(views.augmented)]
    if views.detail:
        inputs.append(shape.each(large, partial(detail, seed=seed, key=key)))
    return inputs
