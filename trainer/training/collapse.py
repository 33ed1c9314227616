"""The alarm for a training that has collapsed: features or embeddings that are the same for every picture."""

import numpy as np
from numpy.typing import NDArray

from retrieval.encoding.projection import unit
from trainer.errors import TrainingCollapsed
from trainer.networks.feature_rows import FeatureRows

COLLAPSED_SPREAD = 0.01  # root mean square distance of unit embeddings from their mean, of at most 1


def check_features(features: FeatureRows) -> None:
    """Raises TrainingCollapsed when a backbone gives the same features [n, e] for every picture, or no numbers."""
    edges = [(block.min(axis=0), block.max(axis=0)) for block in features.blocks()]
    low, high = np.min([each for each, _ in edges], axis=0), np.max([each for _, each in edges], axis=0)
    if not (high - low).max() > 0:
        raise TrainingCollapsed(
            "The backbone gives the same features for every picture, or none that are numbers. Either all pictures "
            "show the same: add others. Or its weights are not what they should be: check them."
        )


def check_spread(embeddings: NDArray[np.float32], section: str, epoch: int) -> None:
    """Raises TrainingCollapsed when all embeddings [n, d] point one way, or are not numbers.

    `section` names the part of the configuration that the message sends people to.
    """
    directions = unit(embeddings)
    spread = float(np.sqrt(np.square(directions - directions.mean(axis=0)).sum(axis=1).mean()))
    if not spread > COLLAPSED_SPREAD:
        raise TrainingCollapsed(
            f"After epoch {epoch} all embeddings are nearly the same (spread {spread:.2g}). "
            f"Lower learning_rate or margin under [{section}], or check that labels are not mixed up."
        )
