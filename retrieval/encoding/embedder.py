"""Pictures to vectors, the same way for the gallery and for queries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from retrieval import images
from retrieval.encoding.encoder import Encoder
from retrieval.encoding.projection import Projection
from retrieval.images import RGB, Fit

Opener: TypeAlias = Callable[[bytes, int], RGB]
"""The bytes of a picture and the side in pixels that is wanted to what is embedded of it: the whole picture or a face.

At least about so large where the picture is. Raises ImageError.
"""


def open_whole(data: bytes, side: int) -> RGB:
    """The Opener of a bundle without faces: decodes the picture. Raises ImageError."""
    return images.decode(data, min_side=side)


@dataclass(frozen=True, slots=True)
class Embedder:
    """Opener, encoder and projection of one bundle: what both the trainer and the API put pictures through."""

    encoder: Encoder
    projection: Projection
    opener: Opener = open_whole
    fit: Fit = "whole"

    def prepare(self, data: bytes, opener: Opener | None = None) -> RGB:
        """The bytes of a picture to the encoder's input, uint8 [height, width, 3]. Raises ImageError.

        `opener`: in place of the bundle's own, for one of several faces.
        """
        return prepare(data, self.encoder.height, self.encoder.width, opener or self.opener, self.fit)

    def embed(self, inputs: Sequence[RGB]) -> NDArray[np.float32]:
        """Prepared pictures to vectors, float32 [n, d]."""
        return self.projection.apply(self.encoder.encode(np.stack(inputs)))


def prepare(data: bytes, height: int, width: int, opener: Opener = open_whole, fit: Fit = "whole") -> RGB:
    """The bytes of a picture to uint8 [height, width, 3]: opened, and laid out by images.arrange. Raises ImageError."""
    opened = opener(data, images.arranged_side(height, width, fit))
    return images.arrange(opened, height, width, fit)
