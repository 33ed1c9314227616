"""Margins: what `auto` opens by them, what it estimates of its recall, and that both hold for unseen queries."""

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.clusters import Clusters, Doubles, Reach, Vectors
from retrieval.vectors import auto
from retrieval.vectors.base import Metric
from retrieval.vectors.embedded.store import EmbeddedStore
from retrieval.vectors.fusion import search_fused
from retrieval.vectors.margins import KEYS, SHARES, Margins
from tests.retrieval.vectors.brute_force import check
from tests.retrieval.vectors.conftest import Build
from tests.retrieval.vectors.scenes import Scene, named, scenes
from tests.support.bundles import some_margins
from tests.support.marks import examples
from trainer.evaluation.search_quality.probe_margins import measure_margins

METRICS: tuple[Metric, ...] = get_args(Metric)


def flat(value: float) -> Margins:
    """All true hits within one margin."""
    curves: dict[Metric, Doubles] = {metric: np.full(len(SHARES), value) for metric in METRICS}
    return Margins(SHARES, curves, curves)


@settings(max_examples=examples(150), deadline=None)
@given(scenes(), st.sampled_from(METRICS), st.integers(1, 30), st.floats(0, 1e30))
def test_whatever_the_margin_an_answer_is_full_and_never_wrongly_exact(
    build: Build, scene: Scene, metric: Metric, k: int, margin: float
) -> None:
    clusters, vectors, query = scene
    store = build(clusters, vectors, margins=flat(margin))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auto, "SMALL", 0)
        hits = store.search(query, k=k, metric=metric)
        fused, _ = search_fused(store, query, k=k)
    check(hits, query, named(vectors), k, metric)
    assert len(hits) == min(k, len(vectors))
    for answer in (hits, fused):
        assert answer.recall_estimate is not None
        assert answer.recall_estimate == 1 if answer.exact else 0 <= answer.recall_estimate < 1


def crowded() -> tuple[Clusters, Vectors, Vectors]:
    """Vectors around 300 places, in 150 clusters that divide them; and queries around further places."""
    rng = np.random.default_rng(5)
    places = rng.standard_normal((340, 16)) * rng.uniform(0.2, 2, 16)
    vectors = (places[rng.integers(300, size=6000)] + 0.3 * rng.standard_normal((6000, 16))).astype(np.float32)
    queries = (places[rng.integers(300, 340, size=200)] + 0.3 * rng.standard_normal((200, 16))).astype(np.float32)
    return Clusters(vectors[:150].copy()), vectors, queries


@pytest.mark.parametrize("metric", METRICS)
def test_auto_has_99_percent_of_the_true_hits_of_unseen_queries(
    build: Build, metric: Metric, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And still has them where twice as many have come since, without a look at the margins again."""
    monkeypatch.setattr(auto, "SMALL", 0)
    clusters, vectors, queries = crowded()
    early = vectors[:3000]
    assigned = clusters.assign(early)
    margins = measure_margins(Reach.nowhere(clusters).widened(early, assigned), early, assigned, 0)
    store = build(clusters, early, margins=margins)
    before = [shares(store, query, metric) for query in queries]
    store.upsert([f"late {row}" for row in range(3000)], vectors[3000:])
    after = [shares(store, query, metric) for query in queries]
    for result in (np.array(before), np.array(after)):
        recall, estimate, opened = result.mean(axis=0)
        assert recall >= 0.99
        assert 0.98 < estimate <= 1
        assert opened < 0.7, "less than everything"
        assert result[:, 2].std() > 0.02, "more for some queries than for others"


def shares(store: EmbeddedStore, query: Vectors, metric: Metric) -> tuple[float, float, float]:
    """Recall and its estimate, and the share of the clusters that were opened."""
    hits, truth = (store.search(query, k=10, metric=metric, probes=probes) for probes in ("auto", "all"))
    assert truth.exact
    assert truth.recall_estimate == 1
    return len(set(hits.ids) & set(truth.ids)) / 10, hits.recall_estimate, hits.clusters_opened / hits.clusters_total


@pytest.mark.parametrize("metric", METRICS)
def test_the_estimate_grows_with_the_clusters_opened_and_is_no_promise_too_high(build: Build, metric: Metric) -> None:
    clusters, vectors, queries = crowded()
    assigned = clusters.assign(vectors)
    margins = measure_margins(Reach.nowhere(clusters).widened(vectors, assigned), vectors, assigned, 0)
    store = build(clusters, vectors, margins=margins)
    estimates, recalls = [], []
    for probes in (1, 4, 16, 64):
        answers = [store.search(query, k=10, metric=metric, probes=probes) for query in queries]
        truths = [store.search(query, k=10, metric=metric, probes="all").ids for query in queries]
        result = [len(set(hits.ids) & set(ids)) / 10 for hits, ids in zip(answers, truths, strict=True)]
        estimates.append(np.mean([hits.recall_estimate for hits in answers]))
        recalls.append(np.mean(result))
    assert estimates == sorted(estimates)
    assert all(estimate <= recall + 0.02 for estimate, recall in zip(estimates, recalls, strict=True))


def test_without_margins_nothing_is_estimated(build: Build) -> None:
    clusters, vectors, queries = crowded()
    assert build(clusters, vectors).search(queries[0], k=10, metric="cosine", probes=1).recall_estimate is None


def test_margins_are_kept_as_arrays_and_check_themselves() -> None:
    measured = some_margins()
    again = Margins.of(measured.arrays())
    for key in KEYS:
        np.testing.assert_array_equal(again.arrays()[key], measured.arrays()[key])
    arrays: dict[str, Any] = measured.arrays()
    falling = np.linspace(1, 0, len(SHARES))
    for wrong in ({KEYS[0]: SHARES[:-1]}, {KEYS[1]: falling}, {KEYS[1]: SHARES * np.nan}, {KEYS[0]: SHARES + 1}):
        with pytest.raises(ValueError, match=r"margins|shares"):
            Margins.of(arrays | wrong)
