"""What a report is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trainer.progress import Epoch
from trainer.sources.base import Picture

if TYPE_CHECKING:
    from trainer.evaluation.results import Evaluation
    from trainer.health.findings import Health


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """All that a report tells of one bundle. Raises ValueError where the arrays do not fit the pictures."""

    bundle_id: str
    created: datetime
    facts: Mapping[str, str]
    """What the bundle is, in words, in the order in which it is to be read."""
    pictures: Sequence[Picture]
    """Every picture of the gallery that has a vector. A file that has gone meanwhile is shown as an empty card."""
    vectors: NDArray[np.float32]
    """Their vectors, float32 [n, d]."""
    clusters: NDArray[np.int64]
    """The cluster of each, int64 [n]."""
    held_out: NDArray[np.bool_]
    """Which of them the encoder has not learned from, bool [n]: these are searched with; all, where there are none."""
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Measures of each stage on the held-out pictures, as the manifest has them."""
    intervals: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)
    """The ends of their 95 % intervals."""
    history: Sequence[Epoch] = ()
    evaluation: "Evaluation | None" = None
    health: "Health | None" = None
    sheets: Path | None = None
    """A folder with what the autoencoder made of a few pictures: autoencoder-epoch-NN.webp."""

    def __post_init__(self) -> None:
        count = len(self.pictures)
        if not (len(self.vectors) == len(self.clusters) == len(self.held_out) == count and self.vectors.ndim == 2):
            shapes = self.vectors.shape, self.clusters.shape, self.held_out.shape
            raise ValueError(f"{count} pictures need as many vectors, clusters and held-out marks; found {shapes}")

    @property
    def labels(self) -> NDArray[np.object_]:
        """The label of each picture, object [n]: a text or None."""
        labels = np.empty(len(self.pictures), object)
        labels[:] = [picture.label for picture in self.pictures]
        return labels
