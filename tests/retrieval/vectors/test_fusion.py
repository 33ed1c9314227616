"""Fused ranks against brute force over both rankings; blends against the formula."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.vectors import fusion
from retrieval.vectors.base import Probes
from retrieval.vectors.blending import blend, expand
from retrieval.vectors.embedded.store import EmbeddedStore
from retrieval.vectors.fusion import search_fused
from tests.retrieval.vectors.embedded.test_store import Build
from tests.retrieval.vectors.scenes import Scene, scenes
from tests.support.marks import examples


def fused(store: EmbeddedStore, query: np.ndarray, left_out: set[str]) -> list[tuple[float, str]]:
    """The whole rankings, summed; they are tested by themselves."""
    size = max(1, len(store))
    rankings = [
        {item: rank for rank, item in enumerate(store.search(query, k=size, metric=metric, exclude=left_out).ids, 1)}
        for metric in ("cosine", "euclidean")
    ]
    return sorted((-sum(1 / (60 + ranks[item]) for ranks in rankings), item) for item in rankings[0])


@settings(max_examples=examples(60), deadline=None)
@given(scenes(), st.integers(1, 30), st.sampled_from(["auto", "all", 1, 3]), st.integers(1, 200), st.data())
def test_certified_fused_ranks_are_those_of_the_whole_rankings(
    build: Build, scene: Scene, k: int, probes: Probes, deepest: int, data: st.DataObject
) -> None:
    clusters, vectors, query = scene
    store = build(clusters, vectors)
    left_out = data.draw(st.sets(st.integers(0, 90).map(str), max_size=9))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fusion, "DEEPEST", deepest)
        patch.setattr(fusion, "RANK_OFFSET", 60)
        hits, scores = search_fused(store, query, k=k, probes=probes, exclude=left_out)
    assert [(-score, item) for score, item in zip(scores, hits.ids, strict=True)] == sorted(
        (-score, item) for score, item in zip(scores, hits.ids, strict=True)
    )
    if hits.exact:
        best = fused(store, query, left_out)[:k]
        assert hits.ids == tuple(item for _, item in best)
        assert scores == pytest.approx([-key for key, _ in best])
    else:
        assert isinstance(probes, int) or deepest < len(vectors)


def test_a_blend_of_one_is_itself_and_of_two_lies_between() -> None:
    vectors = np.array([[3, 0], [0, 1]], np.float32)
    assert blend(vectors[:1], np.array([2.0])) == pytest.approx(vectors[0])
    assert blend(vectors, np.array([1.0, 1.0])) == pytest.approx([np.sqrt(2), np.sqrt(2)])  # mean length 2
    assert blend(vectors, np.array([1.0, -1.0])) == pytest.approx([np.sqrt(2), -np.sqrt(2)])
    for weights in ([1.0, -1.0], [0.0, 0.0]):
        with pytest.raises(ValueError, match="cancel out"):
            blend(vectors[[0, 0]], np.array(weights))


def test_expansion_follows_the_formula_of_its_paper() -> None:
    rng = np.random.default_rng(2)
    query, neighbours = rng.standard_normal(6, dtype=np.float32), rng.standard_normal((5, 6), dtype=np.float32)
    neighbours[0] = -query  # beyond the other side: adds nothing
    point = query / np.linalg.norm(query)
    total = point.astype(float)
    for neighbour in neighbours / np.linalg.norm(neighbours, axis=1, keepdims=True):
        total = total + max(0.0, float(point @ neighbour)) ** 3 * neighbour
    expanded = expand(query, neighbours)
    assert expanded / np.linalg.norm(expanded) == pytest.approx(total / np.linalg.norm(total), abs=1e-6)
    assert np.linalg.norm(expanded) == pytest.approx(np.linalg.norm(query), rel=1e-6)
    assert expand(np.zeros(6, np.float32), neighbours) == pytest.approx(np.zeros(6))
