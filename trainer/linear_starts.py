"""Where a linear head starts from: closed forms over the cached features, one for each candidate."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrieval.projection import unit
from trainer.config import HeadConfig
from trainer.networks.closed_form import scatter, whitened_directions

NO_SHRINKAGE = 0.0


class Candidate(NamedTuple):
    """What validation chooses between. `shrinkage` is 0 for starts that have none."""

    shrinkage: float
    dims: int


def linear_starts(
    features: NDArray[np.float32], alike: NDArray[np.int64], config: HeadConfig, seed: int
) -> dict[Candidate, NDArray[np.float32]]:
    """A kernel float32 [e, dims] for each candidate, from features [n, views, e] whose rows are alike as `alike` says.

    lda: within-class whitening over all views, see `whitened_directions`. pca: the directions of largest variance.
    random: directions at right angles to each other.
    """
    count, views, width = features.shape
    dims = sorted({min(dims, width) for dims in config.dims})
    if config.init == "random":
        axes, _upper = np.linalg.qr(np.random.default_rng(seed).normal(size=(width, dims[-1])))
        kernels = {NO_SHRINKAGE: axes.astype(np.float32)}
    else:
        within, total = scatter(features.reshape(count * views, width), np.repeat(alike, views))
        if config.init == "pca":
            kernels = {NO_SHRINKAGE: np.linalg.eigh(total)[1][:, ::-1].astype(np.float32)}
        else:
            kernels = {
                shrinkage: whitened_directions(within, total, shrinkage=shrinkage, dims=dims[-1])
                for shrinkage in config.shrinkage
            }
    # The best directions come first, so that fewer dims are the first of more.
    return {Candidate(shrinkage, d): kernel[:, :d] for shrinkage, kernel in kernels.items() for d in dims}


def label_means(embeddings: NDArray[np.float32], numbers: NDArray[np.int64]) -> NDArray[np.float32]:
    """The mean direction [labels, d] of the embeddings [n, d] of each label 0, 1, ...: where its proxy starts."""
    directions = unit(embeddings)
    sums = np.zeros((int(numbers.max()) + 1, embeddings.shape[1]), np.float32)
    np.add.at(sums, numbers, directions)
    return unit(sums)
