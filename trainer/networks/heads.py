"""The linear embedding head: features to embeddings, started in closed form."""

import numpy as np
from numpy.typing import NDArray


def scatter(
    features: NDArray[np.float32], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The covariance of `features` [n, e] within their labels, and in total; both [e, e]."""
    rows = features.astype(np.float64)
    _values, numbers, counts = np.unique(labels, return_inverse=True, return_counts=True)
    means = np.zeros((len(counts), rows.shape[1]))
    np.add.at(means, numbers, rows)
    means /= counts[:, None]
    inner, centred = rows - means[numbers], rows - rows.mean(axis=0)
    return inner.T @ inner / len(rows), centred.T @ centred / len(rows)


def whitened_directions(
    within: NDArray[np.float64], total: NDArray[np.float64], *, shrinkage: float, dims: int
) -> NDArray[np.float32]:
    """The kernel [e, dims] of a linear head: within-class whitening, then the directions of largest remaining variance.

    Linear discriminant analysis cut to C-1 directions throws away what tells apart labels it has never seen; whitening
    within the labels and keeping the largest directions of *all* that remains keeps more than C-1 of them.
    `within` and `total` come from `scatter`; within is shrunk towards its mean eigenvalue by `shrinkage` (0..1), so
    that few pictures do not make directions look quiet by chance. dims <= e, and total is not all zero.
    Fukunaga 1990, "Introduction to Statistical Pattern Recognition", section 10.2; Friedman 1989, "Regularized
    Discriminant Analysis".
    """
    shrunk = (1 - shrinkage) * within + shrinkage * np.trace(within) / len(within) * np.eye(len(within))
    variances, axes = np.linalg.eigh(shrunk)
    least = 1e-10 * max(variances.max(), np.trace(total) / len(total))  # doubles alone do not vary within their label
    whitening = axes / np.sqrt(np.maximum(variances, least))
    _remaining, directions = np.linalg.eigh(whitening.T @ total @ whitening)
    kernel: NDArray[np.float32] = (whitening @ directions[:, ::-1][:, :dims]).astype(np.float32)
    return kernel
