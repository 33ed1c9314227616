"""PCA and K-Means over a gallery, and how many clusters a search has to open."""

from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval.clusters import Metric
from trainer import indexing as module
from trainer.config import ReduceConfig
from trainer.evaluation.search_quality.probe_margins import STEPS, moved_queries
from trainer.evaluation.search_quality.probe_sweep import MAX_QUERIES, RECALL
from trainer.indexing import GalleryIndex, calibrate_margins, calibrate_probes, fit_kmeans, fit_pca, reduce

Embeddings = NDArray[np.float32]


def gallery(count: int = 400, width: int = 24, *, labels: int = 20, seed: int = 0) -> Embeddings:
    """Embeddings of any length that lie in groups, with less variance from direction to direction."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(labels, width))
    rows = centres[rng.integers(labels, size=count)] + 0.4 * rng.normal(size=(count, width))
    return (rows * 0.8 ** np.arange(width) * rng.uniform(0.5, 5, (count, 1))).astype(np.float32)


def normalised(embeddings: Embeddings) -> Embeddings:
    return embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)


def test_vectors_are_those_of_scikit_learn() -> None:
    embeddings = gallery()
    reduced = reduce(embeddings, ReduceConfig(dims=10), 0)
    assert reduced.vectors.shape == (400, 10)
    assert reduced.vectors.dtype == np.float32
    np.testing.assert_allclose(reduced.vectors, reduced.pca.transform(normalised(embeddings)), atol=1e-5)
    np.testing.assert_allclose(reduced.vectors.mean(axis=0), 0, atol=1e-6)
    spectrum = np.linalg.eigvalsh(np.cov(normalised(embeddings).T))[::-1][:10]
    np.testing.assert_allclose(np.cov(reduced.vectors.T), np.diag(spectrum), atol=1e-5)
    unseen = gallery(seed=1)
    np.testing.assert_allclose(reduced.projection.apply(unseen), reduced.pca.transform(normalised(unseen)), atol=1e-5)
    np.testing.assert_array_equal(reduced.assigned, reduced.kmeans.predict(reduced.vectors))
    np.testing.assert_array_equal(reduced.clusters.centroids, reduced.kmeans.cluster_centers_)


@pytest.mark.parametrize(("dims", "wanted"), [(7, 7), (24, 24), (512, 24)])
def test_dims_are_at_most_what_the_embeddings_have(dims: int, wanted: int) -> None:
    assert reduce(gallery(), ReduceConfig(dims=dims), 0).projection.dims == wanted


@pytest.mark.parametrize("variance", [0.3, 0.8, 0.99])
def test_as_few_dims_as_explain_the_variance(variance: float) -> None:
    embeddings = gallery()
    centred = normalised(embeddings) - normalised(embeddings).mean(axis=0)
    explained = np.cumsum(np.linalg.svd(centred.astype(np.float64), compute_uv=False) ** 2)
    wanted = 1 + int((explained / explained[-1] < variance).sum())
    assert reduce(embeddings, ReduceConfig(variance=variance), 0).projection.dims == wanted
    assert reduce(embeddings, ReduceConfig(variance=variance, dims=2), 0).projection.dims == min(2, wanted)


@pytest.mark.parametrize(
    ("count", "setting", "wanted"), [(400, None, 80), (100, None, 40), (9, None, 9), (400, 13, 13), (5, 13, 5)]
)
def test_the_number_of_clusters(count: int, setting: int | None, wanted: int) -> None:
    reduced = reduce(gallery(count), ReduceConfig(clusters=setting), 0)
    assert len(reduced.clusters) == wanted
    assert set(reduced.assigned) == set(range(wanted))


@pytest.mark.parametrize("variance", [None, 0.8])
def test_many_embeddings_have_the_same_pca_block_by_block(
    variance: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    embeddings, config = gallery(1000), ReduceConfig(dims=10, variance=variance)
    whole = fit_pca(embeddings, config, 0)
    monkeypatch.setattr(module, "MANY", 1000)
    monkeypatch.setattr(module, "BLOCK", 300)
    blocks = fit_pca(embeddings, config, 0)
    for name in ("mean_", "explained_variance_", "explained_variance_ratio_", "noise_variance_", "singular_values_"):
        np.testing.assert_allclose(getattr(blocks, name), getattr(whole, name), rtol=1e-3, atol=1e-6, err_msg=name)
    same = np.abs((blocks.components_ * whole.components_).sum(axis=1))  # a direction may point the other way
    np.testing.assert_allclose(same, 1, atol=1e-4)
    assert blocks.transform(normalised(embeddings)).shape == (1000, whole.n_components_)
    assert not config.variance or whole.n_components_ < 10


def test_many_vectors_are_clustered_on_a_sample_into_clusters_as_tight(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = reduce(gallery(3000), ReduceConfig(), 0).vectors
    whole = fit_kmeans(vectors, 20, 0)
    monkeypatch.setattr(module, "MANY", 1500)
    sampled = fit_kmeans(vectors, 20, 0)
    assert len(sampled.labels_) == 1500
    assert -sampled.score(vectors) < 1.15 * whole.inertia_
    np.testing.assert_array_equal(sampled.cluster_centers_, fit_kmeans(vectors, 20, 0).cluster_centers_)


@pytest.mark.parametrize("different", [1, 7])
def test_many_doubles_share_a_cluster(different: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MANY", 100)
    embeddings = np.repeat(gallery(different), 300 // different, axis=0)
    reduced = reduce(embeddings, ReduceConfig(), 0)
    assert len(reduced.clusters) == different
    assert len(np.unique(reduced.assigned)) == different


def test_the_reach_covers_every_vector() -> None:
    reduced = reduce(gallery(), ReduceConfig(), 0)
    distances = np.linalg.norm(reduced.vectors - reduced.clusters.centroids[reduced.assigned], axis=1)
    for cluster in range(len(reduced.clusters)):
        farthest = distances[reduced.assigned == cluster].max()
        assert reduced.reach.radii[cluster] == pytest.approx(farthest, rel=1e-4, abs=1e-5)


def test_the_same_seed_gives_the_same_vectors_and_clusters() -> None:
    one, again = (reduce(gallery(), ReduceConfig(dims=8), 3) for _ in range(2))
    np.testing.assert_array_equal(one.vectors, again.vectors)
    np.testing.assert_array_equal(one.assigned, again.assigned)


# --- probes


def distances(query: Embeddings, vectors: Embeddings, metric: Metric) -> NDArray[np.float64]:
    point, rows = query.astype(np.float64), vectors.astype(np.float64)
    if metric == "euclidean":
        return np.linalg.norm(rows - point, axis=1)
    return -(rows @ point) / np.linalg.norm(rows, axis=1) / np.linalg.norm(point)


def recall(reduced: GalleryIndex, probes: int, metric: Metric, sample: NDArray[np.int64]) -> float:
    """The share of the true ten nearest that lie in the nearest clusters, one query at a time."""
    shares = []
    for row in sample:
        near = distances(reduced.vectors[row], reduced.vectors, metric)
        near[row] = np.inf
        opened = np.argsort(distances(reduced.vectors[row], reduced.clusters.centroids, metric))[:probes]
        shares.append(np.isin(reduced.assigned[np.argsort(near)[:10]], opened).mean())
    return float(np.mean(shares))


@pytest.mark.parametrize("labels", [1, 5, 40])
@pytest.mark.parametrize("count", [12, 270, MAX_QUERIES])
def test_the_fewest_probes_with_which_recall_is_reached_by_both_metrics(count: int, labels: int) -> None:
    reduced = reduce(gallery(count, labels=labels), ReduceConfig(dims=8), 0)
    probes = calibrate_probes(reduced, 0)  # so few pictures are all in its sample
    everything = np.arange(count)
    assert all(recall(reduced, probes, metric, everything) >= RECALL for metric in get_args(Metric))
    if probes > 1:
        assert any(recall(reduced, probes - 1, metric, everything) < RECALL for metric in get_args(Metric))


def test_probes_measured_on_a_sample_hold_for_pictures_outside_it() -> None:
    reduced = reduce(gallery(3000, labels=60), ReduceConfig(dims=8), 0)
    probes = calibrate_probes(reduced, 0)
    assert 1 < probes < len(reduced.clusters) / 3
    for metric in get_args(Metric):
        assert recall(reduced, probes, metric, np.arange(0, 3000, 5)) >= RECALL - 0.005


def test_the_margins_of_moved_queries_are_those_of_the_definition() -> None:
    reduced = reduce(gallery(600, labels=20), ReduceConfig(dims=8), 0)
    margins = calibrate_margins(reduced, 0)
    assert margins is not None
    queries, own = moved_queries(reduced.vectors, 0)
    groups = []
    for query, row in zip(queries, own, strict=True):
        near = distances(query, reduced.vectors, "euclidean")
        near[row] = np.inf if row >= 0 else near[row]
        ten = np.argsort(near)[:10]
        cells = distances(query, reduced.clusters.centroids, "euclidean")
        margin = (cells[reduced.assigned[ten]] ** 2 - cells.min() ** 2) / (near[ten[-1]] + cells.min())
        groups.append(np.maximum(margin, 0))
    expected = np.quantile(np.array(groups).reshape(len(STEPS), -1), 0.99, axis=1, method="inverted_cdf").max()
    assert margins.margin("euclidean") == pytest.approx(expected, rel=1e-3)


# --- few or equal pictures


@pytest.mark.parametrize("count", [1, 2, 3, 11])
@pytest.mark.parametrize("variance", [None, 0.9])
def test_few_pictures_are_enough(count: int, variance: float | None) -> None:
    reduced = reduce(gallery(count), ReduceConfig(variance=variance), 0)
    assert len(reduced.clusters) == count
    assert np.isfinite(reduced.vectors).all()
    assert 1 <= calibrate_probes(reduced, 0) <= count
    assert (calibrate_margins(reduced, 0) is None) == (count == 1)
    np.testing.assert_array_equal(np.sort(reduced.assigned), np.arange(count))


@pytest.mark.parametrize("different", [1, 2, 7])
@pytest.mark.parametrize("variance", [None, 0.9])
def test_doubles_share_a_cluster(different: int, variance: float | None) -> None:
    embeddings = np.repeat(gallery(different, 200), 9, axis=0)
    reduced = reduce(embeddings, ReduceConfig(variance=variance), 0)
    assert len(reduced.clusters) == different
    assert all(len(set(cells)) == 1 for cells in reduced.assigned.reshape(different, 9))
    assert 1 <= calibrate_probes(reduced, 0) <= different
    assert calibrate_margins(reduced, 0) is not None


def test_embeddings_of_zeros_are_no_trouble() -> None:
    embeddings = gallery(30)
    embeddings[:3] = 0
    reduced = reduce(embeddings, ReduceConfig(dims=4), 0)
    assert np.isfinite(reduced.vectors).all()
    assert len(set(reduced.assigned[:3])) == 1
