"""A cluster's bound is never above the distance to one of its members, and is not so low that it would never prune."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.clusters import Clusters, Doubles, Metric, Reach, Vectors
from tests.support.marks import examples

METRICS: tuple[Metric, ...] = ("cosine", "euclidean")


def distances(query: Vectors, vectors: Vectors, metric: Metric) -> Doubles:
    """The slow, obvious oracle: one vector at a time, in float64."""
    point = query.astype(np.float64)
    result = []
    for vector in vectors.astype(np.float64):
        lengths = np.linalg.norm(point) * np.linalg.norm(vector)
        cosine = point @ vector / lengths if lengths > 0 else 0.0
        result.append(1 - cosine if metric == "cosine" else np.linalg.norm(point - vector))
    return np.array(result)


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Clusters, Vectors, Vectors]:
    """Centroids, vectors and a query: with ties and zeros (whole numbers), near-duplicates, and any scale."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dims, count, size = draw(st.integers(1, 12)), draw(st.integers(1, 9)), draw(st.integers(0, 60))
    kind = draw(st.sampled_from(["whole", "spread", "clustered", "stretched"]))
    centroids = rng.standard_normal((count, dims))
    if kind == "whole":
        centroids = rng.integers(-1, 2, (count, dims)).astype(float)
        vectors = rng.integers(-1, 2, (size, dims)).astype(float)
    elif kind == "spread":
        vectors = rng.standard_normal((size, dims))
    elif kind == "clustered":
        vectors = centroids[rng.integers(count, size=size)] + 1e-6 * rng.standard_normal((size, dims))
    else:
        vectors = centroids[rng.integers(count, size=size)] * rng.lognormal(0, 2, (size, 1))
    pool = np.concatenate(
        [centroids, vectors, (1 + 1e-6) * vectors, np.zeros((1, dims)), rng.standard_normal((3, dims))]
    )
    scale = draw(st.sampled_from([1.0, 1e-25, 1e10]))
    cells32, vectors32, pool32 = ((scale * rows).astype(np.float32) for rows in (centroids, vectors, pool))
    return Clusters(cells32), vectors32, pool32[draw(st.integers(0, len(pool) - 1))]


@settings(max_examples=examples(150), deadline=None)
@given(scenes(), st.sampled_from(METRICS))
def test_no_member_is_nearer_than_its_clusters_bound(scene: tuple[Clusters, Vectors, Vectors], metric: Metric) -> None:
    clusters, vectors, query = scene
    assigned = clusters.assign(vectors)
    bounds = Reach.nowhere(clusters).widened(vectors, assigned).view(query, metric).bounds
    result = distances(query, vectors, metric)
    # The bound leaves no room for its own rounding; what is left is the oracle's.
    rounding = 1e-14 if metric == "cosine" else 1e-14 * result
    assert (bounds[assigned] <= result + rounding).all()


@pytest.mark.parametrize("metric", METRICS)
def test_bounds_hold_where_nearly_everything_cancels(metric: Metric) -> None:
    """Each member alone in its cluster, and a query just beside it: the bound is the distance itself."""
    vectors = np.random.default_rng(0).standard_normal((300, 3), dtype=np.float32)
    reach = Reach.nowhere(Clusters(vectors)).widened(vectors, np.arange(300))
    for number, vector in enumerate(vectors):
        query = vector * np.float32(1 + 1e-5)
        [result] = distances(query, vectors[number : number + 1], metric)
        assert reach.view(query, metric).bounds[number] <= result + (1e-14 if metric == "cosine" else 1e-14 * result)


@pytest.mark.parametrize(
    ("centroid", "member"),
    [([1, 0], [0, 0]), ([0, 0], [1, 0]), ([0, 0], [0, 0])],
    ids=["zero member", "zero centroid", "both zero"],
)
def test_a_vector_without_direction_may_be_at_any_angle(centroid: list[int], member: list[int]) -> None:
    clusters, vectors = Clusters(np.array([centroid], np.float32)), np.array([member], np.float32)
    reach = Reach.nowhere(clusters).widened(vectors, np.array([0]))
    for query in np.array([[1, 0], [-1, 0], [0, 1], [0, 0]], np.float32):
        for metric in METRICS:
            assert reach.view(query, metric).bounds[0] <= distances(query, vectors, metric)[0]


@settings(max_examples=examples(150), deadline=None)
@given(scenes(), st.sampled_from(METRICS))
def test_only_a_cluster_without_members_is_infinitely_far(
    scene: tuple[Clusters, Vectors, Vectors], metric: Metric
) -> None:
    clusters, vectors, query = scene
    assigned = clusters.assign(vectors)
    bounds = Reach.nowhere(clusters).widened(vectors, assigned).view(query, metric).bounds
    assert set(np.flatnonzero(np.isfinite(bounds))) == set(assigned)


@settings(max_examples=examples(150), deadline=None)
@given(scenes(), st.integers(0, 60))
def test_members_may_join_in_any_portions(scene: tuple[Clusters, Vectors, Vectors], cut: int) -> None:
    clusters, vectors, query = scene
    assigned = clusters.assign(vectors)
    whole = Reach.nowhere(clusters).widened(vectors, assigned)
    portions = Reach.nowhere(clusters).widened(vectors[cut:], assigned[cut:]).widened(vectors[:cut], assigned[:cut])
    for metric in METRICS:
        np.testing.assert_array_equal(whole.view(query, metric).bounds, portions.view(query, metric).bounds)


@settings(max_examples=examples(150), deadline=None)
@given(scenes())
def test_each_vector_is_assigned_to_its_nearest_centroid(scene: tuple[Clusters, Vectors, Vectors]) -> None:
    clusters, vectors, _ = scene
    largest = np.linalg.norm(clusters.centroids, axis=1).max() + np.linalg.norm(vectors, axis=1).max(initial=0)
    for vector, number in zip(vectors, clusters.assign(vectors), strict=True):
        result = distances(vector, clusters.centroids, "euclidean")
        # In float32, in which the squares of the tiniest vectors vanish.
        assert result[number] ** 2 <= result.min() ** 2 + 1e-5 * largest**2 + 1e-37


def test_assignment_in_chunks_is_the_assignment_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    clusters = Clusters(rng.standard_normal((7, 5), dtype=np.float32))
    vectors = rng.standard_normal((100, 5), dtype=np.float32)
    at_once = clusters.assign(vectors)
    monkeypatch.setattr("retrieval.clusters.PRODUCTS", 3 * len(clusters))
    np.testing.assert_array_equal(clusters.assign(vectors), at_once)


@settings(max_examples=examples(150), deadline=None)
@given(scenes(), st.sampled_from(METRICS))
def test_clusters_come_nearest_first(scene: tuple[Clusters, Vectors, Vectors], metric: Metric) -> None:
    clusters, vectors, query = scene
    order = Reach.nowhere(clusters).widened(vectors, clusters.assign(vectors)).view(query, metric).order
    assert sorted(order) == list(range(len(clusters)))
    ordered = distances(query, clusters.centroids, metric)[order]
    assert (np.diff(ordered) >= -1e-6 * max(1, ordered.max())).all()


@pytest.mark.parametrize("metric", METRICS)
def test_bounds_are_close_enough_to_prune(metric: Metric) -> None:
    """Tight clusters far apart: each bound is nearly the distance of the nearest member."""
    rng = np.random.default_rng(2)
    clusters = Clusters(rng.standard_normal((20, 64), dtype=np.float32))
    assigned = np.arange(400) % 20
    vectors = clusters.centroids[assigned] + 0.01 * rng.standard_normal((400, 64), dtype=np.float32)
    query = vectors[0]
    bounds = Reach.nowhere(clusters).widened(vectors, assigned).view(query, metric).bounds
    nearest = np.full(20, np.inf)
    np.minimum.at(nearest, assigned, distances(query, vectors, metric))
    assert (bounds[1:] > 0.8 * nearest[1:]).all()


def test_long_and_short_vectors_of_one_direction_do_not_loosen_the_euclidean_bound() -> None:
    clusters = Clusters(np.array([[4, 0], [0, 4]], np.float32))
    vectors = np.array([[1, 0], [7, 0], [0, 4]], np.float32)
    view = Reach.nowhere(clusters).widened(vectors, np.array([0, 0, 1])).view(vectors[2], "euclidean")
    ball = np.hypot(4, 4) - 3
    assert ball < 3 < view.bounds[0] <= np.hypot(4, 1)


@pytest.mark.parametrize(
    "centroids",
    [np.zeros((0, 3), np.float32), np.zeros(3, np.float32), np.zeros((2, 3)), np.full((2, 3), np.nan, np.float32)],
    ids=["none", "one dimension", "float64", "not finite"],
)
def test_centroids_that_cannot_be_searched_are_refused(centroids: Vectors) -> None:
    with pytest.raises(ValueError, match="centroid"):
        Clusters(centroids)
