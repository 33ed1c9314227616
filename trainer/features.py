"""Features of the frozen backbone: each picture once clean and a few times augmented, computed once and kept.

The cache is a file per encoder; its rows are keyed by the picture's content, so a run that was stopped goes on where it
was, a second run computes nothing, and moved, renamed or doubled files cost nothing.
"""

import sqlite3
import time
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval import images
from retrieval.embedder import prepare
from retrieval.encoder import Encoder
from retrieval.errors import ImageError
from retrieval.images import RGB, ImageInfo
from trainer.progress import Progress
from trainer.sources.base import Picture, Skipped

LOADERS = 2  # threads that read and decode while the network computes
AHEAD = 16  # pictures decoded but not yet encoded
COMMIT_SECONDS = 1.0  # what a killed run can lose, and how long another run may have to wait
BUSY_SECONDS = 60
RECIPE = 1
"""Raise it when the pixels that the network sees change: the decoder, the resizer or the views."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A picture that could be read: its source entry, the SHA-256 of its bytes, what its header says."""

    picture: Picture
    sha256: str
    info: ImageInfo


@dataclass(frozen=True, slots=True)
class Features:
    """`values` float32 [n, 1 + views, e]: the clean picture first; rows in the order of `opened`."""

    opened: Sequence[Opened]
    values: NDArray[np.float32]
    skipped: Sequence[Skipped]


def compute(
    pictures: Sequence[Picture], encoder: Encoder, *, views: int, seed: int, cache: Path, progress: Progress
) -> Features:
    """Features of every picture that can be read. A picture that cannot is skipped, with the reason."""
    opened: list[Opened] = []
    values = np.empty((len(pictures), 1 + views, encoder.dims), np.float32)
    skipped: list[Skipped] = []
    with FeatureCache(cache) as known, closing(_load_all(pictures, encoder, views, seed, known)) as loading:
        for done, (picture, loaded) in enumerate(loading, start=1):
            progress(done, len(pictures))
            if isinstance(loaded, str):
                skipped.append(Skipped(str(picture.path), loaded))
                continue
            features = known.get(loaded.sha256, encoder.dims)
            if features is None:
                features = encoder.encode(np.stack(loaded.inputs))
                known.put(loaded.sha256, features)
            values[len(opened)] = features
            opened.append(Opened(picture, loaded.sha256, loaded.info))
    return Features(opened, values[: len(opened)], skipped)


@dataclass(frozen=True, slots=True)
class _Loaded:
    sha256: str
    info: ImageInfo
    inputs: Sequence[RGB]
    """The clean picture and its views; none where the features are known already."""


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
        found = self._database.execute("SELECT rows FROM features WHERE sha256 = ?", (digest,)).fetchone()
        return np.frombuffer(found[0], "<f4").reshape(-1, dims) if found else None

    def put(self, digest: str, features: NDArray[np.float32]) -> None:
        """Keep the features [rows, dims] of a picture."""
        self._database.execute(
            "INSERT OR REPLACE INTO features VALUES (?, ?)", (digest, features.astype("<f4").tobytes())
        )
        if time.monotonic() - self._committed > COMMIT_SECONDS:
            self._database.commit()
            self._committed = time.monotonic()


def _load_all(
    pictures: Sequence[Picture], encoder: Encoder, views: int, seed: int, known: FeatureCache
) -> Generator[tuple[Picture, _Loaded | str], None, None]:
    """Load in threads, a bounded number ahead, and give back in order."""

    def load(picture: Picture) -> _Loaded | str:
        try:
            data = picture.path.read_bytes()
            digest = sha256(data).hexdigest()
            info = images.inspect(data)
            if known.get(digest, encoder.dims) is not None:
                return _Loaded(digest, info, ())
            inputs = [prepare(data, encoder.height, encoder.width)]
            if views:
                inputs += _augmented(data, encoder, digest, views, seed)
            return _Loaded(digest, info, inputs)
        except (ImageError, OSError) as error:
            return error.strerror or str(error) if isinstance(error, OSError) else str(error)

    waiting: deque[tuple[Picture, Future[_Loaded | str]]] = deque()
    upcoming = iter(pictures)
    with ThreadPoolExecutor(LOADERS) as pool:
        while True:
            waiting.extend((p, pool.submit(load, p)) for p in islice(upcoming, AHEAD - len(waiting)))
            if not waiting:
                return
            picture, job = waiting.popleft()
            yield picture, job.result()


def _augmented(data: bytes, encoder: Encoder, digest: str, views: int, seed: int) -> list[RGB]:
    rgb = images.decode(data, min_side=2 * max(encoder.height, encoder.width))
    rng = np.random.default_rng([seed, int(digest[:16], 16)])
    return [augment(rgb, encoder.height, encoder.width, rng) for _view in range(views)]


def augment(rgb: RGB, height: int, width: int, rng: np.random.Generator) -> RGB:
    """A random crop (half to all of the area, 3:4 to 4:3), resized, perhaps flipped, other brightness and contrast.

    `rgb` uint8 [h, w, 3] to uint8 [height, width, 3]. Crop after Szegedy et al. 2014, "Going Deeper with Convolutions"
    (https://arxiv.org/abs/1409.4842), section 6.
    """
    tall, wide = rgb.shape[:2]
    area = rng.uniform(0.5, 1.0) * tall * wide
    ratio = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)))
    h = int(np.clip(np.sqrt(area / ratio), 1, tall))
    w = int(np.clip(np.sqrt(area * ratio), 1, wide))
    top, left = rng.integers(0, tall - h + 1), rng.integers(0, wide - w + 1)
    view = images.resize(rgb[top : top + h, left : left + w], height, width)
    if rng.random() < 0.5:
        view = view[:, ::-1]
    brightness, contrast = rng.uniform(0.7, 1.3, size=2)
    level = view.mean() * brightness
    shifted = (view * np.float32(brightness) - np.float32(level)) * np.float32(contrast) + np.float32(level)
    result: RGB = np.clip(shifted, 0, 255).astype(np.uint8)
    return result
