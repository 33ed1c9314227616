"""Embeddings to vectors and clusters: PCA and K-Means, fitted with scikit-learn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.decomposition import PCA

from retrieval.clusters import Clusters, Reach
from retrieval.projection import Projection, unit
from retrieval.vectors.margins import Margins
from trainer.config import ReduceConfig
from trainer.evaluation.search_quality.probe_margins import measure_margins
from trainer.evaluation.search_quality.probe_sweep import fewest_probes

MINI_BATCH_FROM = 20_000  # vectors; below it plain K-Means takes seconds and fits better


@dataclass(frozen=True, slots=True)
class GalleryIndex:
    """The fitted estimators (for people) and what serving needs of them."""

    pca: PCA
    kmeans: KMeans | MiniBatchKMeans
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
    pca = fit_pca(unit(embeddings), config, seed)
    projection = Projection(pca.mean_.astype(np.float32), pca.components_.astype(np.float32))
    vectors = projection.apply(embeddings)
    kmeans = fit_kmeans(vectors, config.clusters, seed)
    clusters = Clusters(kmeans.cluster_centers_.astype(np.float32))
    assigned = clusters.assign(vectors)
    reach = Reach.nowhere(clusters).widened(vectors, assigned)
    return GalleryIndex(pca, kmeans, projection, clusters, reach, assigned, vectors)


def fit_pca(rows: NDArray[np.float32], config: ReduceConfig, seed: int) -> PCA:
    """At most `config.dims` directions, fewer where they explain `config.variance` of the variance already."""
    most = min(config.dims, *rows.shape)
    with np.errstate(invalid="ignore"):  # one picture, or doubles of one, have no variance to take shares of
        pca = PCA(most, random_state=seed).fit(rows)
        if config.variance is not None:
            explained = np.cumsum(pca.explained_variance_ratio_)
            enough = min(most, int(np.searchsorted(explained, config.variance)) + 1)
            pca = PCA(enough, random_state=seed).fit(rows)
    return pca


def fit_kmeans(vectors: NDArray[np.float32], clusters: int | None, seed: int) -> KMeans | MiniBatchKMeans:
    """About 4 * sqrt(n) clusters unless told otherwise, never more than there are different vectors."""
    different = len(np.unique(vectors.round(5), axis=0))  # doubles may differ in their last bits
    count = min(clusters or round(4 * np.sqrt(len(vectors))), different)
    if len(vectors) < MINI_BATCH_FROM:
        return KMeans(count, n_init=1, random_state=seed).fit(vectors)
    return MiniBatchKMeans(count, n_init=1, batch_size=4096, random_state=seed).fit(vectors)


def calibrate_probes(reduced: GalleryIndex, seed: int) -> int:
    """The fewest clusters to open that hold 99 % of the true top ten, over both metrics (see `fewest_probes`)."""
    return fewest_probes(reduced.reach, reduced.vectors, reduced.assigned, seed)


def calibrate_margins(reduced: GalleryIndex, seed: int) -> Margins | None:
    """How far a search must look for the true hits of queries that are not in the gallery; None for one vector."""
    return measure_margins(reduced.reach, reduced.vectors, reduced.assigned, seed)
