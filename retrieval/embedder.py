"""Pictures to vectors, the same way for the gallery and for queries."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval import images
from retrieval.encoder import Encoder
from retrieval.images import RGB
from retrieval.projection import Projection


@dataclass(frozen=True, slots=True)
class Embedder:
    """Encoder and projection of one bundle: what both the trainer and the API put pictures through."""

    encoder: Encoder
    projection: Projection

    def prepare(self, data: bytes) -> RGB:
        """The bytes of a picture to the encoder's input, uint8 [height, width, 3]. Raises ImageError."""
        return prepare(data, self.encoder.height, self.encoder.width)

    def embed(self, prepared: Sequence[RGB]) -> NDArray[np.float32]:
        """Prepared pictures to vectors, float32 [n, d]."""
        return self.projection.apply(self.encoder.encode(np.stack(prepared)))


def prepare(data: bytes, height: int, width: int) -> RGB:
    """The bytes of a picture to uint8 [height, width, 3]: decoded, and the whole of it resized. Raises ImageError."""
    return images.resize(images.decode(data, min_side=max(height, width)), height, width)
