"""The gallery through the exported encoder: the very file and code that queries go through later."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from retrieval.embedder import Opener, open_whole
from retrieval.encoder import Encoder
from retrieval.errors import ImageError
from retrieval.images import RGB, resize
from trainer.errors import SourceError
from trainer.face_items import opener_of
from trainer.progress import Progress
from trainer.sources.base import Picture

BATCH = 32  # pictures encoded at once
LOADERS = 2  # threads that read and decode


def read_again(picture: Picture, side: int, opener: Opener) -> RGB:
    """A picture that has been read before. Raises SourceError when it has become unreadable meanwhile."""
    try:
        return opener_of(picture, opener)(picture.path.read_bytes(), side)
    except (OSError, ImageError) as error:
        raise SourceError(
            f"{picture.path} could be read at the start of this run, but no longer: {error}. "
            "Leave the pictures alone and run again; what was computed is kept."
        ) from error


def load_prepared(pictures: Sequence[Picture], encoder: Encoder, opener: Opener = open_whole) -> list[RGB]:
    """Pictures ready for the encoder. Raises SourceError as `read_again`."""
    side = max(encoder.height, encoder.width)

    def load(picture: Picture) -> RGB:
        return resize(read_again(picture, side, opener), encoder.height, encoder.width)

    with ThreadPoolExecutor(LOADERS) as pool:
        return list(pool.map(load, pictures))


def embed_gallery(
    pictures: Sequence[Picture], encoder: Encoder, progress: Progress, opener: Opener = open_whole
) -> NDArray[np.float32]:
    """Embeddings float32 [n, e] of the pictures, in order."""
    parts = []
    for start in range(0, len(pictures), BATCH):
        parts.append(encoder.encode(np.stack(load_prepared(pictures[start : start + BATCH], encoder, opener))))
        progress(min(start + BATCH, len(pictures)), len(pictures))
    return np.concatenate(parts)
