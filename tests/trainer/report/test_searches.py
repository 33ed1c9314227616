"""Queries, confusions and clusters against what is counted slowly, one picture after another."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.marks import examples
from trainer.report import searches as module
from trainer.report.clusters import describe_clusters
from trainer.report.searches import search_all

LABELS = st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=24)


def objects(labels: list[str | None]) -> np.ndarray:
    result = np.empty(len(labels), object)
    result[:] = labels
    return result


def ranking(vectors: np.ndarray, row: int) -> list[int]:
    """The other rows, nearest by cosine first."""
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    others = [other for other in range(len(vectors)) if other != row]
    return sorted(others, key=lambda other: -float(units[row] @ units[other]))


@settings(deadline=None, max_examples=examples(60))
@given(LABELS, st.integers(0, 1000), st.data())
def test_searches_are_what_counting_by_hand_gives(labels: list[str | None], seed: int, data: st.DataObject) -> None:
    vectors = np.random.default_rng(seed).normal(size=(len(labels), 5)).astype(np.float32)
    held_out = np.array([data.draw(st.booleans()) for _ in labels])
    result = search_all(vectors, objects(labels), held_out)
    expected, wrong, hit_count = {}, Counter[frozenset[str]](), Counter[str]()
    for row, label in enumerate(labels):
        if not (held_out[row] or not held_out.any()) or label is None or labels.count(label) < 2:
            continue
        order = ranking(vectors, row)
        places = [place for place, other in enumerate(order, start=1) if labels[other] == label]
        expected[row] = np.mean([count / place for count, place in enumerate(places, start=1)])
        first = order[: min(10, len(places))]
        hit_count[label] += len(first)
        wrong.update(frozenset((label, labels[o])) for o in first if labels[o] not in (label, None))
    assert {s.row: pytest.approx(s.average_precision) for s in result.searches} == expected
    assert result.query_count == result.possible == len(expected)
    assert {frozenset(c.labels): c.wrong for c in result.confusions} == dict(wrong)
    for confusion in result.confusions:
        assert confusion.hit_count == sum(hit_count[label] for label in confusion.labels)
        for query, hit in confusion.examples:
            assert {labels[query], labels[hit]} == set(confusion.labels)
            assert held_out[query] or not held_out.any()
        assert len({query for query, _hit in confusion.examples}) == len(confusion.examples)
    for search in result.searches:
        assert list(search.hits) == ranking(vectors, search.row)[: module.HITS]
        assert search.row not in search.hits


def test_many_queries_are_sampled_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_QUERIES", 7)
    vectors = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    result = search_all(vectors, objects(["a", "b"] * 20), np.ones(40, bool))
    assert (result.query_count, result.possible, len(result.searches)) == (7, 40, 7)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    labels = objects(["a", "b", "c"] * 10)
    whole = search_all(vectors, labels, np.ones(30, bool))
    monkeypatch.setattr(module, "TABLE_VALUES", 90)
    parts = search_all(vectors, labels, np.ones(30, bool))
    assert [search.row for search in parts.searches] == [search.row for search in whole.searches]
    assert parts.confusions == whole.confusions


def test_the_worst_come_first_and_no_label_fills_the_list() -> None:
    vectors = np.random.default_rng(1).normal(size=(60, 4)).astype(np.float32)
    labels = objects(["a", "b", "c"] * 20)
    result = search_all(vectors, labels, np.ones(60, bool))
    worst = result.worst(5, labels)
    values = [search.average_precision for search in worst]
    assert values == sorted(values)
    assert values[0] == min(search.average_precision for search in result.searches)
    assert max(Counter(labels[search.row] for search in worst).values()) <= module.A_LABEL_IN_A_LIST
    best = result.best(6, labels)
    assert max(Counter(labels[search.row] for search in best).values()) <= module.A_LABEL_IN_A_LIST
    assert best[0].average_precision == max(search.average_precision for search in result.searches)


def test_nothing_is_wrong_where_labels_lie_apart() -> None:
    vectors = np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)
    labels = objects([label for label in "abc" for _ in range(4)])
    result = search_all(vectors, labels, np.ones(12, bool))
    assert result.confusions == []  # though each query has but three true matches among its first ten hits
    assert result.worst(5, labels) == []


@settings(deadline=None, max_examples=examples(60))
@given(LABELS, st.integers(0, 1000))
def test_clusters_are_what_counting_by_hand_gives(labels: list[str | None], seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(len(labels), 3)).astype(np.float32)
    clusters = rng.integers(0, 4, len(labels))
    result = describe_clusters(vectors, clusters, objects(labels))
    assert [cluster.size for cluster in result] == sorted(Counter(clusters.tolist()).values(), reverse=True)
    for cluster in result:
        members = np.flatnonzero(clusters == cluster.number)
        middle = vectors[members].astype(float).mean(axis=0)
        distances = {row: float(np.linalg.norm(vectors[row] - middle)) for row in members.tolist()}
        assert distances[cluster.medoid] == pytest.approx(min(distances.values()))
        inside = Counter(labels[row] for row in members if labels[row] is not None)
        assert cluster.share == pytest.approx(max(inside.values(), default=0) / len(members))
        assert cluster.label is None or inside[cluster.label] == max(inside.values())
