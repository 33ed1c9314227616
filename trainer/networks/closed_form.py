"""The linear embedding head: features to embeddings, started in closed form."""

from typing import NamedTuple, TypeAlias

import numpy as np
import scipy.linalg
import scipy.sparse
from numpy.typing import NDArray

from retrieval.encoding.projection import unit
from trainer.config import HeadConfig
from trainer.networks.feature_rows import FeatureRows

FLOOR = 1e-9  # share of the total variance that counts as none: pictures of a label may all be the same

BLOCK = 8192  # rows held as float64 at once


def scatter(
    features: NDArray[np.float32] | FeatureRows, labels: NDArray[np.int64], basis: NDArray[np.float32] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The covariance of `features` [n, e] within their labels, and in total; both [e, e], summed up block by block.

    With a `basis` [e, b], of the features times that; both [b, b].
    """
    count, width = len(features), features.shape[1] if basis is None else basis.shape[1]
    _values, numbers, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    members = scipy.sparse.csc_array((np.ones(count), (numbers, np.arange(count))), shape=(len(sizes), count))
    blocks = [slice(start, start + BLOCK) for start in range(0, count, BLOCK)]
    total = np.zeros(features.shape[1])
    for block in blocks:
        total += features[block].sum(axis=0, dtype=np.float64)
    mean = total / count
    squares, sums = np.zeros((width, width)), np.zeros((len(sizes), width))
    for block in blocks:
        rows = features[block] - mean
        rows = rows if basis is None else rows @ basis
        squares += rows.T @ rows
        sums += members[:, block] @ rows
    between = (sums.T / sizes) @ sums
    return (squares - between) / count, squares / count


Judged: TypeAlias = tuple[NDArray[np.float32], NDArray[np.bool_]]
"""The differences of the features of pairs, float32 [p, e], and whether both show the same, bool [p]."""
JUDGED_WEIGHT = 4.0
"""How many pictures of a label one judged pair counts as much as: people judge what the search had wrong."""


def judged_scatter(
    differences: NDArray[np.float32], same: NDArray[np.bool_], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What judged pairs add to the covariances of `count` features: pairs that show the same, and the others; [e, e].

    Two pictures of one label lie half the square of their difference from their mean, together. So a pair that shows
    the same adds to what is to be small, as in relevant component analysis, and one that does not to what is to be
    large (Bar-Hillel et al. 2005, "Learning a Mahalanobis Metric from Equivalence Constraints").
    """
    rows = differences.astype(np.float64) * np.sqrt(JUDGED_WEIGHT / 2 / count)
    return rows[same].T @ rows[same], rows[~same].T @ rows[~same]


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


MAX_WIDTH = 1536  # features; of more, the directions of largest variance alone are worked in
SUBSPACE = 1024
BASIS_ROWS = 2048  # pictures that those directions are taken from


class ClosedForm:
    """The closed forms of one set of features, whatever the shrinkage: what they share is computed once."""

    def __init__(
        self,
        features: NDArray[np.float32] | FeatureRows,
        labels: NDArray[np.int64],
        *,
        judged: Judged | None = None,
        max_width: int = MAX_WIDTH,
        subspace: int = SUBSPACE,
    ) -> None:
        """`features` float32 [n, e] and their labels int64 [n], and pairs that people compared.

        Fewer pictures than features are worked on in the directions that they span, which changes nothing: in all
        others no covariance is left. Of more than `max_width` features, `subspace` are left: the directions in which
        they vary most.
        """
        count, width = features.shape
        spans_all = count < min(width, subspace)
        self._basis = principal_directions(features, subspace) if spans_all or width > max_width else None
        within, self._total = scatter(features, labels, self._basis)
        if judged is not None and len(judged[0]):
            differences = judged[0] if self._basis is None else judged[0] @ self._basis
            alike, different = judged_scatter(differences, judged[1], count)
            within, self._total = within + alike, self._total + alike + different
        self._level_width = width if spans_all else len(within)
        self._variances, self._axes = np.linalg.eigh(within)
        self._labels = len(np.unique(labels))
        self._known: dict[tuple[float, int], NDArray[np.float64]] = {}

    @property
    def width(self) -> int:
        """The largest number of directions there can be."""
        return len(self._total)

    def directions(self, shrinkage: float, dims: int) -> NDArray[np.float32]:
        """The kernel [e, dims] of `whitened_directions`, dims <= width."""
        return self._widened(self._directions(shrinkage, dims))

    def blended(
        self, shrinkage: float, dims: int, *, general: float, general_shrinkage: float, general_dims: int
    ) -> NDArray[np.float32]:
        """The kernel [e, dims + general_dims] of two heads side by side.

        The first is for labels that were seen: `dims` directions, which need be no more than these labels span. The
        second is shrunk so far towards the features as they are that it serves labels which were not. Of the squared
        length of an embedding, and so of a cosine, the share `general` is the second's.
        """
        for_labels = self._directions(shrinkage, min(dims, self._labels - 1) or 1)
        other = self._directions(general_shrinkage, min(general_dims, self.width))
        parts = [(for_labels, 1 - general), (other, general)]
        return self._widened(
            np.hstack([kernel * np.sqrt(share / np.trace(kernel.T @ self._total @ kernel)) for kernel, share in parts])
        )

    def _directions(self, shrinkage: float, dims: int) -> NDArray[np.float64]:
        if (shrinkage, dims) not in self._known:
            self._known[shrinkage, dims] = self._computed(shrinkage, dims)
        return self._known[shrinkage, dims]

    def _computed(self, shrinkage: float, dims: int) -> NDArray[np.float64]:
        width = self.width
        level = shrinkage * self._variances.sum() + FLOOR * np.trace(self._total)
        whitening = self._axes / np.sqrt((1 - shrinkage) * np.maximum(self._variances, 0) + level / self._level_width)
        _largest, turns = scipy.linalg.eigh(
            whitening.T @ self._total @ whitening, subset_by_index=(width - dims, width - 1)
        )
        directions: NDArray[np.float64] = whitening @ turns[:, ::-1]
        return directions

    def _widened(self, kernel: NDArray[np.float64]) -> NDArray[np.float32]:
        """For all features again."""
        wide: NDArray[np.float32] = kernel.astype(np.float32)
        return wide if self._basis is None else self._basis @ wide


def principal_directions(features: NDArray[np.float32] | FeatureRows, count: int) -> NDArray[np.float32]:
    """At most `count` orthonormal directions [e, count] in which the features [n, e] vary most, by a sample of them."""
    rows = features[:: -(-len(features) // BASIS_ROWS)].astype(np.float64)
    rows = rows - rows.mean(axis=0)
    variances, axes = np.linalg.eigh(rows @ rows.T)
    used = np.flatnonzero(variances > FLOOR * variances[-1])[::-1][:count]
    directions: NDArray[np.float32] = (rows.T @ axes[:, used] / np.sqrt(variances[used])).astype(np.float32)
    return directions


NO_SHRINKAGE = 0.0


class Candidate(NamedTuple):
    """What validation chooses between. `shrinkage` is 0 for starts that have none; `general` as in HeadConfig."""

    shrinkage: float
    dims: int
    general: float = 0.0


def linear_starts(
    rows: NDArray[np.float32] | FeatureRows,
    labels: NDArray[np.int64],
    config: HeadConfig,
    seed: int,
    judged: Judged | None = None,
) -> dict[Candidate, NDArray[np.float32]]:
    """A kernel float32 [e, d] for each candidate, from rows of features [n, e] that are alike as `labels` [n] say.

    lda: within-class whitening over all views, see `ClosedForm`; d is dims, and general_dims more where a part is
    general. pca: the directions of largest variance. random: directions at right angles to each other.
    """
    width = rows.shape[1]
    if config.init == "lda":
        form = ClosedForm(rows, labels, judged=judged)
        return _closed_forms(form, config, sorted({min(dims, form.width) for dims in config.dims}))
    dims = sorted({min(dims, width) for dims in config.dims})
    if config.init == "random":
        axes, _upper = np.linalg.qr(np.random.default_rng(seed).normal(size=(width, dims[-1])))
        kernel = axes.astype(np.float32)
    else:
        _within, total = scatter(rows, labels)
        kernel = np.linalg.eigh(total)[1][:, ::-1].astype(np.float32)
    # The best directions come first, so that fewer dims are the first of more.
    return {Candidate(NO_SHRINKAGE, d): kernel[:, :d] for d in dims}


def _closed_forms(form: ClosedForm, config: HeadConfig, dims: list[int]) -> dict[Candidate, NDArray[np.float32]]:
    starts: dict[Candidate, NDArray[np.float32]] = {}
    for shrinkage in config.shrinkage:
        kernel = form.directions(shrinkage, dims[-1])
        for general in config.general:
            if general == 0:
                starts |= {Candidate(shrinkage, d): kernel[:, :d] for d in dims}
                continue
            # It takes no more directions for labels that were seen than these span, whatever dims allow.
            starts[Candidate(shrinkage, dims[-1], general)] = form.blended(
                shrinkage,
                dims[-1],
                general=general,
                general_shrinkage=config.general_shrinkage,
                general_dims=config.general_dims,
            )
    return starts


def narrowed(
    kernel: NDArray[np.float32], features: NDArray[np.float32] | FeatureRows, dims: int
) -> NDArray[np.float32]:
    """A kernel [e, d] cut to the `dims` directions in which the unit embeddings of features [n, e] vary most."""
    if kernel.shape[1] <= dims:
        return kernel
    axes = np.linalg.eigh(np.cov(unit(features @ kernel), rowvar=False))[1][:, ::-1]
    narrow: NDArray[np.float32] = kernel @ axes[:, :dims].astype(np.float32)
    return narrow


def label_means(embeddings: NDArray[np.float32], numbers: NDArray[np.int64]) -> NDArray[np.float32]:
    """The mean direction [labels, d] of the embeddings [n, d] of each label 0, 1, ...: where its proxy starts."""
    directions = unit(embeddings)
    sums = np.zeros((int(numbers.max()) + 1, embeddings.shape[1]), np.float32)
    np.add.at(sums, numbers, directions)
    return unit(sums)
