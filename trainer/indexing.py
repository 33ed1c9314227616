"""Embeddings to vectors and clusters: PCA and K-Means, as objects of scikit-learn.

Of many pictures, PCA is fitted on the sum of the covariances of blocks, and K-Means by FAISS on a sample: no copy of
all embeddings is made, and a million vectors take minutes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from retrieval.clusters import Clusters, Reach
from retrieval.encoding.projection import Projection, unit
from retrieval.vectors.margins import Margins
from trainer.config import ReduceConfig
from trainer.evaluation.search_quality.probe_margins import measure_margins
from trainer.evaluation.search_quality.probe_sweep import fewest_probes
from trainer.networks.feature_rows import FeatureRows

MANY = 20_000
"""From so many pictures on, PCA and K-Means are fitted in blocks and on a sample; below it, they take seconds."""
BLOCK = 4_096  # embeddings whose covariance is computed at once
SAMPLE_OF_CLUSTER = 64  # vectors for each cluster that K-Means is fitted on: more moves centroids hardly
ROUNDS = 20  # of K-Means by FAISS


@dataclass(frozen=True, slots=True)
class GalleryIndex:
    """The fitted estimators (for people) and what serving needs of them."""

    pca: PCA
    kmeans: KMeans
    """Fitted on all vectors, or on a sample of many: its `labels_` and `inertia_` are those of the sample then."""
    projection: Projection
    clusters: Clusters
    reach: Reach
    """How far the gallery's vectors lie from their centroids."""
    assigned: NDArray[np.int64]
    """The cluster of each vector, int64 [n]."""
    vectors: NDArray[np.float32]
    """The gallery's vectors, float32 [n, d]."""


def reduce(embeddings: NDArray[np.float32], config: ReduceConfig, seed: int) -> GalleryIndex:
    """Fit PCA on the gallery's unit embeddings [n, e] and K-Means on the vectors that come out."""
    pca = fit_pca(embeddings, config, seed)
    projection = Projection(pca.mean_.astype(np.float32), pca.components_.astype(np.float32))
    vectors = projection.apply(embeddings)
    kmeans = fit_kmeans(vectors, config.clusters, seed)
    clusters = Clusters(kmeans.cluster_centers_.astype(np.float32))
    assigned = clusters.assign(vectors)
    reach = Reach.nowhere(clusters).widened(vectors, assigned)
    return GalleryIndex(pca, kmeans, projection, clusters, reach, assigned, vectors)


def fit_pca(embeddings: NDArray[np.float32] | FeatureRows, config: ReduceConfig, seed: int) -> PCA:
    """PCA of the embeddings [n, e], scaled to length one: at most `config.dims` directions.

    Fewer where they explain `config.variance` of the variance already.
    """
    most = min(config.dims, *embeddings.shape)
    if len(embeddings) >= MANY:
        return _pca_by_blocks(embeddings, most, config.variance)
    rows = unit(embeddings[:])
    with np.errstate(invalid="ignore"):  # one picture, or doubles of one, have no variance to take shares of
        pca = PCA(most, random_state=seed).fit(rows)
        if config.variance is not None:
            enough = _directions(pca.explained_variance_ratio_, config.variance, most)
            pca = PCA(enough, random_state=seed).fit(rows)
    return pca


def _directions(shares: NDArray[np.floating], variance: float, most: int) -> int:
    """How many directions explain so much of the variance, of which each explains its share."""
    return min(most, int(np.searchsorted(np.cumsum(shares), variance)) + 1)


def _pca_by_blocks(embeddings: NDArray[np.float32] | FeatureRows, most: int, variance: float | None) -> PCA:
    """What PCA.fit finds, from the covariance [e, e]: only a block of the embeddings is copied at a time."""
    count, width = embeddings.shape
    mean = np.zeros(width)
    for block in _unit_blocks(embeddings):
        mean += block.sum(axis=0, dtype=np.float64)
    mean /= count
    covariance = np.zeros((width, width))
    for block in _unit_blocks(embeddings):
        centred = block - mean.astype(np.float32)
        covariance += centred.T @ centred
    values, directions = np.linalg.eigh(covariance / (count - 1))  # smallest first
    values, directions = values[::-1].clip(0), directions.T[::-1]
    directions *= np.sign(np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1))
    with np.errstate(invalid="ignore"):  # doubles of one picture
        shares = values / values.sum()
    dims = most if variance is None else _directions(shares, variance, most)
    pca = PCA(dims)
    pca.mean_, pca.components_ = mean.astype(np.float32), directions[:dims].astype(np.float32)
    pca.explained_variance_, pca.explained_variance_ratio_ = values[:dims], shares[:dims]
    pca.singular_values_ = np.sqrt(values[:dims] * (count - 1))
    pca.noise_variance_ = float(values[dims:].mean()) if dims < width else 0.0
    pca.n_components_, pca.n_samples_, pca.n_features_in_ = dims, count, width
    return pca


def _unit_blocks(embeddings: NDArray[np.float32] | FeatureRows) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(embeddings), BLOCK):
        yield unit(embeddings[start : start + BLOCK])


def fit_kmeans(vectors: NDArray[np.float32], clusters: int | None, seed: int) -> KMeans:
    """About 4 * sqrt(n) clusters unless told otherwise, never more than there are different vectors.

    Many vectors are clustered by FAISS on a sample; scikit-learn does the last round, and is what is kept.
    """
    max_clusters = clusters or round(4 * np.sqrt(len(vectors)))
    if len(vectors) < MANY:
        return KMeans(min(max_clusters, _different(vectors)), n_init=1, random_state=seed).fit(vectors)
    size = min(len(vectors), max(MANY, SAMPLE_OF_CLUSTER * max_clusters))
    sample = vectors[np.sort(np.random.default_rng(seed).choice(len(vectors), size, replace=False))]
    count = min(max_clusters, _different(sample))
    fast = faiss.Kmeans(
        vectors.shape[1], count, niter=ROUNDS, seed=seed, min_points_per_centroid=1, max_points_per_centroid=size
    )
    fast.train(sample)
    return KMeans(count, init=fast.centroids, n_init=1, max_iter=1, random_state=seed).fit(sample)


def _different(vectors: NDArray[np.float32]) -> int:
    return len(np.unique(vectors.round(5), axis=0))  # doubles may differ in their last bits


def calibrate_probes(reduced: GalleryIndex, seed: int) -> int:
    """The fewest clusters to open that hold 99 % of the true top ten, over both metrics (see `fewest_probes`)."""
    return fewest_probes(reduced.reach, reduced.vectors, reduced.assigned, seed)


def calibrate_margins(reduced: GalleryIndex, seed: int) -> Margins | None:
    """How far a search must look for the true hits of queries that are not in the gallery; None for one vector."""
    return measure_margins(reduced.reach, reduced.vectors, reduced.assigned, seed)
