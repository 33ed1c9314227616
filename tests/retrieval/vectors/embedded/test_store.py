"""The embedded store answers as brute force does, and says `exact` only when that is true."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.clusters import Clusters
from retrieval.errors import VectorStoreError
from retrieval.vectors import auto
from retrieval.vectors.base import Hits, Metric, Probes, Vectors
from retrieval.vectors.embedded.store import EmbeddedStore
from tests.retrieval.vectors.brute_force import check
from tests.retrieval.vectors.scenes import Scene, named, scenes
from tests.support.marks import examples

METRICS: tuple[Metric, ...] = ("cosine", "euclidean")
Build = Callable[..., EmbeddedStore]


@settings(max_examples=examples(150), deadline=None)
@given(scenes(), st.sampled_from(METRICS), st.integers(1, 30), st.integers(1, 4))
def test_auto_keeps_to_its_limit_unless_k_hits_need_more(
    build: Build, scene: Scene, metric: Metric, k: int, limit: int
) -> None:
    clusters, vectors, query = scene
    store = build(clusters, vectors, auto_probes=limit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auto, "SMALL", 0)
        hits = store.search(query, k=k, metric=metric)
    check(hits, query, named(vectors), k, metric)
    assert len(hits) == min(k, len(vectors))
    if hits.clusters_opened > limit:
        assert len(store.search(query, k=k, metric=metric, probes=limit)) < k


@settings(max_examples=examples(150), deadline=None)
@given(scenes(), st.sampled_from(METRICS), st.integers(1, 20), st.data())
def test_excluded_ids_are_left_out_and_made_up_for(
    build: Build, scene: Scene, metric: Metric, k: int, data: st.DataObject
) -> None:
    clusters, vectors, query = scene
    left_out = data.draw(st.sets(st.sampled_from([*named(vectors), "unknown"])))
    hits = build(clusters, vectors).search(query, k=k, metric=metric, exclude=left_out)
    check(hits, query, {item: vector for item, vector in named(vectors).items() if item not in left_out}, k, metric)
    assert hits.exact


@settings(max_examples=examples(150), deadline=None)
@given(scenes(), st.sampled_from(METRICS), st.integers(1, 100), st.sampled_from(["auto", "all", 1, 3]), st.data())
def test_a_choice_of_ids_is_searched_until_k_are_found(
    build: Build, scene: Scene, metric: Metric, k: int, probes: Probes, data: st.DataObject
) -> None:
    """Never fewer than k while k exist, whatever number of probes was promised; and nothing but these."""
    clusters, vectors, query = scene
    names = st.sets(st.sampled_from([*named(vectors), "unknown"]))
    selection, left_out = data.draw(names), data.draw(st.just(set()) | names)
    store = build(clusters, vectors, auto_probes=data.draw(st.integers(1, 3)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auto, "SMALL", data.draw(st.sampled_from([0, auto.SMALL])))
        hits = store.search(query, k=k, metric=metric, probes=probes, only=selection, exclude=left_out)
    wanted = {item: vector for item, vector in named(vectors).items() if item in selection - left_out}
    check(hits, query, wanted, k, metric)
    assert set(hits.ids) <= set(wanted)
    assert len(hits) == min(k, len(wanted))
    if probes == "all":
        assert hits.exact


@settings(max_examples=examples(150), deadline=None)
@given(scenes(), st.sampled_from(METRICS), st.integers(1, 100), st.sampled_from(["auto", "all", 1, 3]), st.data())
def test_what_is_too_far_is_cut_and_nothing_else(
    build: Build, scene: Scene, metric: Metric, k: int, probes: Probes, data: st.DataObject
) -> None:
    """The distance is one of those that are reported, or just below it: there a rounding would show."""
    clusters, vectors, query = scene
    store = build(clusters, vectors)
    everything = store.search(query, k=100, metric=metric, probes="all")
    distances = everything.distances(metric)
    within = data.draw(st.sampled_from([*distances.tolist(), 0.5, -math.inf, math.inf]))
    if data.draw(st.booleans(), "just below"):
        within = float(np.nextafter(within, -math.inf))
    hits = store.search(query, k=k, metric=metric, probes=probes, within=within)
    wanted = [item for item, distance in zip(everything.ids, distances, strict=True) if distance <= within][:k]
    assert (hits.distances(metric) <= within).all()
    if hits.exact:
        assert list(hits.ids) == wanted
    else:
        assert set(hits.ids) <= {item for item, d in zip(everything.ids, distances, strict=True) if d <= within}
    assert hits.exact or isinstance(probes, int)
    assert hits.clusters_opened == 0 or within > -math.inf


@pytest.mark.parametrize("metric", METRICS)
def test_a_search_within_a_distance_opens_no_cluster_beyond_it(build: Build, metric: Metric) -> None:
    """And is certain of an answer that is short for that reason."""
    store, vectors = tight(build)
    near = store.search(vectors[0], k=20, metric=metric)
    within = float(near.distances(metric)[-1])
    hits = store.search(vectors[0], k=500, metric=metric, within=within)
    assert hits.exact
    assert hits.ids == near.ids
    assert hits.clusters_opened < 15 < store.search(vectors[0], k=500, metric=metric).clusters_opened


@pytest.mark.parametrize("metric", METRICS)
def test_equal_vectors_are_ranked_by_id(build: Build, metric: Metric) -> None:
    """However many share the k-th place, more than FAISS is asked for at first, and in whatever order they came."""
    rng = np.random.default_rng(3)
    clusters = Clusters(rng.standard_normal((4, 8), dtype=np.float32))
    vectors = np.repeat(clusters.centroids, 100, axis=0)
    ids = [str(1000 - row) for row in range(400)]
    hits = build(clusters, vectors, ids).search(clusters.centroids[2], k=5, metric=metric)
    assert hits.ids == ("701", "702", "703", "704", "705")


@pytest.mark.parametrize("metric", METRICS)
def test_a_certified_search_reads_little_where_clusters_are_tight(build: Build, metric: Metric) -> None:
    store, vectors = tight(build)
    hits = store.search(vectors[0], k=5, metric=metric)
    assert hits.exact
    assert hits.clusters_opened <= 10 < hits.clusters_total
    assert hits.vectors_read < len(vectors) // 4


@pytest.mark.parametrize("metric", METRICS)
def test_the_best_hit_may_lie_at_the_edge_of_a_farther_cluster(build: Build, metric: Metric) -> None:
    """Unit vectors at these angles from the query; the fifth cluster's bound is its nearest member's very distance."""
    angles = {"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0, "edge": 0.995, "far": 1.405}
    axes = np.eye(6)
    turned = {item: (row, np.cos(angle), np.sin(angle)) for row, (item, angle) in enumerate(angles.items())}
    vectors = np.array([near * axes[0] + off * axes[min(row, 4) + 1] for row, near, off in turned.values()], np.float32)
    centroids = np.concatenate([vectors[:4], vectors[4:].mean(axis=0, keepdims=True)])
    hits = build(Clusters(centroids), vectors, list(angles)).search(axes[0].astype(np.float32), k=1, metric=metric)
    assert (hits.ids, hits.exact, hits.clusters_opened) == (("edge",), True, 5)


def test_a_number_of_probes_may_be_too_few_and_says_so(build: Build) -> None:
    store, vectors = tight(build)
    hits = store.search(vectors[0], k=30, metric="cosine", probes=1)
    assert (len(hits), hits.clusters_opened, hits.exact) == (20, 1, False)


def tight(build: Build) -> tuple[EmbeddedStore, Vectors]:
    """Fifty clusters of twenty vectors each, far apart."""
    rng = np.random.default_rng(4)
    clusters = Clusters(rng.standard_normal((50, 32), dtype=np.float32))
    vectors = np.repeat(clusters.centroids, 20, axis=0) + 0.05 * rng.standard_normal((1000, 32), dtype=np.float32)
    return build(clusters, vectors), vectors


def test_queries_that_do_not_fit_are_refused(build: Build) -> None:
    store, vectors = tight(build)
    with pytest.raises(VectorStoreError, match=r"\(1, 32\) are wanted; found \(1, 31\)"):
        store.search(vectors[0, 1:], k=1, metric="cosine")
    with pytest.raises(VectorStoreError, match="not finite"):
        store.search(np.full(32, np.nan, np.float32), k=1, metric="cosine")
    impossible: list[dict[str, Any]] = [{"k": 0}, {"k": 1, "probes": 0}]
    for wrong in impossible:
        with pytest.raises(ValueError, match="at least 1"):
            store.search(vectors[0], metric="cosine", **wrong)


def test_hits_check_themselves() -> None:
    one, whole = np.zeros(1, np.float32), np.zeros(1, np.int32)
    fitting: dict[str, Any] = {"ids": ("a",), "cosine": one, "euclidean": one, "clusters": whole, "exact": True}
    fitting |= {"clusters_opened": 1, "clusters_total": 1, "vectors_read": 1}
    assert len(Hits(**fitting)) == 1
    for wrong in ({"ids": ()}, {"cosine": one[:0]}, {"clusters_opened": 2}, {"vectors_read": 0}):
        with pytest.raises(ValueError, match=r"hits|clusters opened"):
            Hits(**fitting | wrong)
