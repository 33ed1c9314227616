"""Every engine answers as brute force does, and says `exact` only when that is true."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.clusters import Clusters
from retrieval.errors import VectorStoreError
from retrieval.vectors.base import Metric, Probes
from tests.retrieval.vectors.brute_force import check
from tests.retrieval.vectors.contract.conftest import Build, Stores
from tests.retrieval.vectors.scenes import Scene, named, scenes
from tests.support.marks import examples

METRICS: tuple[Metric, ...] = ("cosine", "euclidean")
SETTINGS = settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])
PROBES = st.sampled_from(["auto", "all"]) | st.integers(1, 32)


@SETTINGS
@given(scenes(), st.sampled_from(METRICS), st.integers(1, 100), PROBES)
def test_search_agrees_with_brute_force(build: Build, scene: Scene, metric: Metric, k: int, probes: Probes) -> None:
    clusters, vectors, query = scene
    hits = build(clusters, vectors).search(query, k=k, metric=metric, probes=probes)
    check(hits, query, named(vectors), k, metric)
    assert hits.clusters_total == len(clusters)
    np.testing.assert_array_equal(hits.clusters, clusters.assign(vectors)[[int(item) for item in hits.ids]])
    if isinstance(probes, int):
        assert hits.clusters_opened <= probes
    else:
        assert hits.exact
    if probes == "all":
        assert (hits.clusters_opened, hits.vectors_read) == (len(clusters), len(vectors))


@SETTINGS
@given(scenes(), st.sampled_from(METRICS), st.integers(1, 30), PROBES, st.data())
def test_a_selection_of_ids_is_searched_until_k_hits_are_there(
    build: Build, scene: Scene, metric: Metric, k: int, probes: Probes, data: st.DataObject
) -> None:
    clusters, vectors, query = scene
    names = st.sets(st.sampled_from([*named(vectors), "unknown"]))
    only, exclude = data.draw(names), data.draw(st.just(set()) | names)
    hits = build(clusters, vectors).search(query, k=k, metric=metric, probes=probes, only=only, exclude=exclude)
    allowed = {item: vector for item, vector in named(vectors).items() if item in only - exclude}
    check(hits, query, allowed, k, metric)
    assert len(hits) == min(k, len(allowed))


@SETTINGS
@given(scenes(), st.sampled_from(METRICS), st.integers(1, 20), st.floats(0, 2), st.data())
def test_excluded_ids_and_what_is_too_far_are_no_hits(
    build: Build, scene: Scene, metric: Metric, k: int, reach: float, data: st.DataObject
) -> None:
    clusters, vectors, query = scene
    exclude = data.draw(st.sets(st.sampled_from([*named(vectors), "unknown"])))
    within = reach if metric == "cosine" else reach * float(np.linalg.norm(query) + 1)
    store = build(clusters, vectors)
    hits = store.search(query, k=k, metric=metric, exclude=exclude, within=within)
    everything = store.search(query, k=len(vectors) + 1, metric=metric, exclude=exclude, probes="all")
    near = np.count_nonzero(everything.distances(metric) <= within)
    assert len(hits) == min(k, near)
    assert not exclude.intersection(hits.ids)
    np.testing.assert_allclose(hits.distances(metric), everything.distances(metric)[: len(hits)], atol=1e-6, rtol=1e-6)


def test_many_vectors_that_are_alike_leave_the_first_by_id(build: Build) -> None:
    clusters = Clusters(np.eye(2, dtype=np.float32))
    vectors = np.tile(np.array([1, 0.5], np.float32), (500, 1))
    for metric in METRICS:
        hits = build(clusters, vectors).search(vectors[0], k=3, metric=metric)
        assert hits.exact
        assert hits.ids == tuple(sorted(map(str, range(500)))[:3])


def test_vectors_without_a_direction_have_the_cosine_zero(build: Build) -> None:
    clusters = Clusters(np.eye(2, dtype=np.float32))
    vectors = np.array([[0, 0], [1e-30, 0], [-1, 0], [1, 0]], np.float32)
    hits = build(clusters, vectors).search(np.array([1, 0], np.float32), k=4, metric="cosine")
    assert hits.exact
    assert dict(zip(hits.ids, hits.cosine.tolist(), strict=True)) == {"3": 1, "1": 1, "0": 0, "2": -1}


def test_what_does_not_fit_is_refused(build: Build, stores: Stores) -> None:
    clusters = Clusters(np.eye(2, dtype=np.float32))
    store = build(clusters, clusters.centroids)
    with pytest.raises(ValueError, match="k=0"):
        store.search(np.zeros(2, np.float32), k=0, metric="cosine")
    for query in (np.zeros(3, np.float32), np.array([math.nan, 0], np.float32)):
        with pytest.raises(VectorStoreError):
            store.search(query, k=1, metric="cosine")
    with pytest.raises(VectorStoreError):
        stores.open("unknown", clusters)
