"""Vectors on a plane, for the map: near each other there if they are near each other in truth, as far as that goes."""

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from retrieval.projection import unit

MOST_POINTS = 1500  # a thumbnail each: beyond that the page grows heavy and the map a blur
FEWEST_POINTS = 20  # below, neighbourhoods say too little for t-SNE: PCA
PERPLEXITY = 30.0  # neighbours that t-SNE heeds, scikit-learn's default
SEED = 0


def sample(count: int) -> NDArray[np.int64]:
    """Rows of the pictures that the map shows, ascending: all, or as many as it holds drawn at random, always the same.

    int64 [m].
    """
    if count <= MOST_POINTS:
        return np.arange(count)
    return np.sort(np.random.default_rng(SEED).choice(count, MOST_POINTS, replace=False))


def place(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Vectors [n, d] as points [n, 2] by cosine distance: t-SNE from a PCA start (van der Maaten & Hinton 2008;
    Kobak & Berens 2019, https://doi.org/10.1038/s41467-019-13056-x, for the start), PCA where there are few.
    """
    directions = unit(vectors).astype(np.float64)
    start = _pca(directions)
    spread = start[:, 0].std() if len(start) else 0.0
    if len(vectors) < FEWEST_POINTS or spread < 1e-9:
        return start
    tsne = TSNE(
        perplexity=min(PERPLEXITY, (len(vectors) - 1) / 3),
        init=(start / spread * 1e-4).astype(np.float32),  # its scale is scikit-learn's
        random_state=SEED,
    )
    # One thread takes eight seconds for all points; several wait for each other on a busy machine, and take a minute.
    with threadpool_limits(1):
        points: NDArray[np.float64] = tsne.fit_transform(directions.astype(np.float32)).astype(np.float64)
    return points


def _pca(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The two directions of most variance [n, 2]; zeros where there is none. Signs do not depend on the machine."""
    points = np.zeros((len(rows), 2))
    if not len(rows):
        return points
    centred = rows - rows.mean(axis=0)
    _left, _sizes, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:2]
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    points[:, : len(axes)] = centred @ (axes * signs[:, None]).T
    return points
