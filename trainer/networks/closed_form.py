"""The linear embedding head: features to embeddings, started in closed form."""

from typing import NamedTuple

import numpy as np
import scipy.linalg
import scipy.sparse
from numpy.typing import NDArray

from retrieval.projection import unit
from trainer.config import HeadConfig

FLOOR = 1e-9  # share of the total variance that counts as none: pictures of a label may all be the same

BLOCK = 8192  # rows held as float64 at once


def scatter(
    features: NDArray[np.float32], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The covariance of `features` [n, e] within their labels, and in total; both [e, e], summed up block by block."""
    count, width = features.shape
    _values, numbers, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    members = scipy.sparse.csc_array((np.ones(count), (numbers, np.arange(count))), shape=(len(sizes), count))
    mean = features.mean(axis=0, dtype=np.float64)
    squares, sums = np.zeros((width, width)), np.zeros((len(sizes), width))
    for start in range(0, count, BLOCK):
        block = slice(start, start + BLOCK)
        rows = features[block] - mean
        squares += rows.T @ rows
        sums += members[:, block] @ rows
    between = (sums.T / sizes) @ sums
    return (squares - between) / count, squares / count


def whitened_directions(
    within: NDArray[np.float64], total: NDArray[np.float64], *, shrinkage: float, dims: int
) -> NDArray[np.float32]:
    """The kernel [e, dims] of a linear head: within-class whitening, then the directions of largest remaining variance.

    Linear discriminant analysis cut to C-1 directions throws away what tells apart labels it has never seen; whitening
    within the labels and keeping the largest directions of *all* that remains keeps more than C-1 of them. Both steps
    are one generalised eigenproblem, total v = lambda within v with v' within v = 1, largest lambda first.
    `within` and `total` come from `scatter`; within is shrunk towards its mean eigenvalue by `shrinkage` (0..1), so
    that few pictures do not make directions look quiet by chance. dims <= e.
    Fukunaga 1990, "Introduction to Statistical Pattern Recognition", section 10.2; Friedman 1989, "Regularized
    Discriminant Analysis".
    """
    width = len(within)
    level = shrinkage * np.trace(within) + FLOOR * np.trace(total)
    shrunk = (1 - shrinkage) * within + level / width * np.eye(width)
    _variances, directions = scipy.linalg.eigh(total, shrunk, subset_by_index=(width - dims, width - 1))
    kernel: NDArray[np.float32] = directions[:, ::-1].astype(np.float32)
    return kernel


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
