"""Pictures through a bundle, some of which may be broken."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from retrieval.embedder import Embedder, prepare
from retrieval.errors import ImageError
from retrieval.images import RGB
from trainer.face_items import opener_of
from trainer.progress import Progress
from trainer.sources.base import Picture, Skipped

BATCH = 32  # pictures encoded at once
LOADERS = 2  # threads that read and decode


@dataclass(frozen=True, slots=True)
class Readable:
    """The pictures that could be read with their vectors float32 [n, d], in order, and those that could not.

    `digests` are the SHA-256 of their files.
    """

    pictures: Sequence[Picture]
    vectors: NDArray[np.float32]
    digests: Sequence[str]
    skipped: Sequence[Skipped]


def embed_readable(pictures: Sequence[Picture], embedder: Embedder, progress: Progress) -> Readable:
    """Read and embed pictures, a batch in memory at a time. One that cannot be used is skipped, with the reason."""

    def load(picture: Picture) -> tuple[RGB, str] | Skipped:
        try:
            data = picture.path.read_bytes()
            opener, encoder = opener_of(picture, embedder.opener), embedder.encoder
            return prepare(data, encoder.height, encoder.width, opener), sha256(data).hexdigest()
        except OSError as error:
            return Skipped(str(picture.path), error.strerror or str(error))
        except ImageError as error:
            return Skipped(str(picture.path), str(error))

    kept: list[Picture] = []
    digests: list[str] = []
    skipped: list[Skipped] = []
    vectors = [np.empty((0, embedder.projection.dims), np.float32)]
    with ThreadPoolExecutor(LOADERS) as pool:
        for start in range(0, len(pictures), BATCH):
            batch = pictures[start : start + BATCH]
            prepared = []
            for picture, loaded in zip(batch, pool.map(load, batch), strict=True):
                if isinstance(loaded, Skipped):
                    skipped.append(loaded)
                else:
                    prepared.append(loaded[0])
                    digests.append(loaded[1])
                    kept.append(picture)
            if prepared:
                vectors.append(embedder.embed(prepared))
            progress(start + len(batch), len(pictures))
    return Readable(kept, np.concatenate(vectors), digests, skipped)
