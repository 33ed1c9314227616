"""The gallery through the exported encoder: the very file and code that queries go through later."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.embedder import prepare
from retrieval.encoder import Encoder
from retrieval.errors import ImageError
from retrieval.images import RGB
from trainer.errors import SourceError
from trainer.progress import Progress

BATCH = 32  # pictures encoded at once
LOADERS = 2  # threads that read and decode


def load_prepared(paths: Sequence[Path], encoder: Encoder) -> list[RGB]:
    """Pictures that have been read before, ready for the encoder.

    Raises SourceError when one has become unreadable meanwhile.
    """

    def load(path: Path) -> RGB:
        try:
            return prepare(path.read_bytes(), encoder.height, encoder.width)
        except (OSError, ImageError) as error:
            raise SourceError(
                f"{path} could be read at the start of this run, but no longer: {error}. "
                "Leave the pictures alone and run again; what was computed is kept."
            ) from error

    with ThreadPoolExecutor(LOADERS) as pool:
        return list(pool.map(load, paths))


def embed_gallery(paths: Sequence[Path], encoder: Encoder, progress: Progress) -> NDArray[np.float32]:
    """Embeddings float32 [n, e] of the pictures, in order."""
    parts = []
    for start in range(0, len(paths), BATCH):
        parts.append(encoder.encode(np.stack(load_prepared(paths[start : start + BATCH], encoder))))
        progress(min(start + BATCH, len(paths)), len(paths))
    return np.concatenate(parts)
