"""The projection: an embedding to the vector that is compared."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 13  # embeddings that are scaled at once: no second copy of a large gallery's


@dataclass(frozen=True, slots=True)
class Projection:
    """PCA fitted on the gallery's unit embeddings: `z = (e / |e| - mean) @ components.T`.

    `mean` float32 [e], `components` float32 [d, e].
    """

    mean: NDArray[np.float32]
    components: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.components.ndim != 2 or self.mean.shape != self.components.shape[1:]:
            raise ValueError(
                f"a projection needs mean [e] and components [d, e]; "
                f"found {self.mean.shape} and {self.components.shape}"
            )

    @property
    def dims(self) -> int:
        """d, the length of a vector."""
        return int(self.components.shape[0])

    def apply(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embeddings float32 [n, e] to vectors float32 [n, d]. An embedding of zeros is projected as it is."""
        if embeddings.ndim < 2:
            return self._block(embeddings)
        vectors = np.empty((*embeddings.shape[:-1], self.dims), np.float32)
        for start in range(0, len(embeddings), BLOCK):
            vectors[start : start + BLOCK] = self._block(embeddings[start : start + BLOCK])
        return vectors

    def _block(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = np.matmul(unit(embeddings) - self.mean, self.components.T)
        return vectors


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows scaled to length one; a row of zeros stays one."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    scaled: NDArray[np.float32] = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return scaled
