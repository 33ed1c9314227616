"""The linear embedding head: features to embeddings, started in closed form."""

import numpy as np
import scipy.linalg
import scipy.sparse
from numpy.typing import NDArray

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
