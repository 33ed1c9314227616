"""Scores and details, against one query at a time from the formulas, and against scikit-learn."""

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_score

from retrieval.clusters import Metric
from tests.support.marks import examples
from tests.trainer.evaluation.oracle import METRICS, Labels, Scene, Vectors, ranking, scenes
from trainer.evaluation import rankings
from trainer.evaluation.metrics import SCORED, AtK, Distances, Scores, detail, score


def measures(relevant: list[bool]) -> list[float]:
    """P@1, P@10, R@10, AP and AP@R of one ranking, from the formulas."""
    total = sum(relevant)

    def precision(k: int) -> float:
        return sum(relevant[:k]) / k

    gains = [precision(rank) if hit else 0.0 for rank, hit in enumerate(relevant, start=1)]
    return [precision(1), precision(10), sum(relevant[:10]) / total, sum(gains) / total, sum(gains[:total]) / total]


def expected(
    queries: Vectors, query_labels: Labels, gallery: Vectors, known: Labels, metric: Metric, same: Labels
) -> Scores | None:
    """The slow, obvious oracle; None where no query has a true match."""
    rows = []
    for query, label, own in zip(queries, query_labels, same, strict=True):
        relevant = [bool(known[row] == label) for row in ranking(query, gallery, metric, int(own))]
        if any(relevant):
            rows.append(measures(relevant))
    if not rows:
        return None
    numbers: list[Any] = [*np.mean(rows, axis=0).tolist(), len(rows), len(queries) - len(rows)]
    return Scores(*numbers)


def assert_equal(result: Scores, wanted: Scores) -> None:
    for name in (*SCORED, "queries", "unanswerable"):
        assert getattr(result, name) == pytest.approx(getattr(wanted, name), abs=1e-9), name


@settings(deadline=None, max_examples=examples(200))
@given(scenes(), st.sampled_from(METRICS))
def test_scores_are_those_of_the_formulas(scene: Scene, metric: Metric) -> None:
    queries, query_labels, gallery, known, same = scene
    wanted = expected(queries, query_labels, gallery, known, metric, same)
    if wanted is None:
        with pytest.raises(ValueError, match="true match"):
            score(queries, query_labels, gallery, known, metric=metric, same=same)
    else:
        assert_equal(score(queries, query_labels, gallery, known, metric=metric, same=same), wanted)


about: Any = pytest.approx  # stands where a number does


def _distances(pairs: list[tuple[float, float]]) -> Distances:
    cosine, euclidean = np.mean(pairs, axis=0).tolist()
    return Distances(cosine, euclidean, len(pairs))


def expected_detail(
    queries: Vectors, query_labels: Labels, gallery: Vectors, known: Labels, metric: Metric, same: Labels
) -> tuple[list[AtK], Distances | None, Distances | None]:
    """The first hits and the distances, one query at a time."""
    firsts: dict[int, list[list[float]]] = {1: [], 5: [], 10: []}
    pairs: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for query, label, own in zip(queries, query_labels, same, strict=True):
        order = ranking(query, gallery, metric, int(own))
        relevant = [bool(known[row] == label) for row in order]
        if not any(relevant):
            continue
        for k, rows in firsts.items():
            p, r = sum(relevant[:k]) / k, sum(relevant[:k]) / sum(relevant)
            rows.append([float(any(relevant[:k])), p, r, 2 * p * r / (p + r) if p + r else 0.0])
        for row, match in zip(order[:10], relevant, strict=False):
            cosine = query @ gallery[row] / (np.linalg.norm(query) * np.linalg.norm(gallery[row]))
            pairs[match].append((1 - float(cosine), float(np.linalg.norm(query - gallery[row]))))
    at = [AtK(k, *np.mean(rows, axis=0).tolist()) for k, rows in firsts.items()]
    matches, misses = (_distances(p) if p else None for p in (pairs[True], pairs[False]))
    return at, matches, misses


def assert_near(result: Distances | None, wanted: Distances | None) -> None:
    assert (result is None) == (wanted is None)
    if result and wanted:
        assert result.pairs == wanted.pairs
        assert (result.cosine, result.euclidean) == pytest.approx((wanted.cosine, wanted.euclidean), abs=1e-5)


@settings(deadline=None, max_examples=examples(200))
@given(scenes(), st.sampled_from(METRICS))
def test_the_detail_is_that_of_the_formulas(scene: Scene, metric: Metric) -> None:
    queries, query_labels, gallery, known, same = scene
    scores = expected(queries, query_labels, gallery, known, metric, same)
    if scores is None:
        with pytest.raises(ValueError, match="true match"):
            detail(queries, query_labels, gallery, known, metric=metric, same=same)
        return
    result = detail(queries, query_labels, gallery, known, metric=metric, same=same)
    at, matches, misses = expected_detail(queries, query_labels, gallery, known, metric, same)
    assert_equal(result.scores, scores)
    for one, other in zip(result.at, at, strict=True):
        assert asdict(one) == pytest.approx(asdict(other), abs=1e-9)
    assert_near(result.matches, matches)
    assert_near(result.misses, misses)


def test_chunks_do_not_show_in_the_detail(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(50, 6)).astype(np.float32), rng.integers(5, size=50)
    whole = detail(rows, labels, rows, labels, same=np.arange(50))
    monkeypatch.setattr(rankings, "TABLE_VALUES", 7 * len(rows))
    parts = detail(rows, labels, rows, labels, same=np.arange(50))
    assert_equal(parts.scores, whole.scores)
    assert parts.at == whole.at
    assert_near(parts.matches, whole.matches)
    assert_near(parts.misses, whole.misses)


def test_matches_alone_leave_no_misses() -> None:
    row = np.ones((1, 2), np.float32)
    result = detail(row, np.array(["x"]), row, np.array(["x"]))
    assert_equal(result.scores, Scores(1.0, 0.1, 1.0, 1.0, 1.0, queries=1, unanswerable=0))
    assert result.at == (
        AtK(1, 1, 1, 1, 1),
        AtK(5, 1, 0.2, 1, about(1 / 3)),
        AtK(10, 1, 0.1, 1, about(2 / 11)),
    )
    assert result.matches == Distances(about(0, abs=1e-6), 0.0, 1)
    assert result.misses is None
    assert "distance_misses" not in result.intervals


def test_every_mean_has_an_interval_where_one_is_wanted() -> None:
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(50, 6)).astype(np.float32), rng.integers(5, size=50)
    plain = score(rows, labels, rows, labels, same=np.arange(50))
    assert plain.intervals == {}
    result = score(rows, labels, rows, labels, same=np.arange(50), intervals=True)
    assert result.intervals.keys() == SCORED.keys()
    for name, interval in result.intervals.items():
        assert interval.value == pytest.approx(getattr(plain, name))
        assert interval.low < interval.value < interval.high
    details = detail(rows, labels, rows, labels, same=np.arange(50))
    assert {name: details.intervals[measure] for name, measure in SCORED.items()} == result.intervals


def test_scores_are_the_same_after_json() -> None:
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(20, 6)).astype(np.float32), rng.integers(3, size=20)
    result = score(rows, labels, rows, labels, same=np.arange(20), intervals=True)
    assert Scores.from_json(json.loads(json.dumps(asdict(result)))) == result
    before = {name: value for name, value in asdict(result).items() if name != "intervals"}  # of version 0.1.0
    figures: dict[str, Any] = result.figures()
    assert Scores.from_json(before) == Scores(**figures)


@pytest.mark.parametrize("metric", METRICS)
def test_chunks_do_not_show(metric: Metric, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(50, 6)).astype(np.float32), rng.integers(5, size=50)
    whole = score(rows, labels, rows, labels, metric=metric, same=np.arange(50))
    monkeypatch.setattr(rankings, "TABLE_VALUES", 7 * len(rows))
    assert_equal(score(rows, labels, rows, labels, metric=metric, same=np.arange(50)), whole)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(10, 60))
def test_scores_are_those_of_scikit_learn(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    gallery, query = rng.normal(size=(size, 5)).astype(np.float32), rng.normal(size=(1, 5)).astype(np.float32)
    known = rng.integers(2, size=size)
    known[rng.integers(size)] = 1
    result = score(query, np.ones(1, np.int64), gallery, known)
    nearness = rankings.similarities(query, gallery, "cosine")[0]
    assert result.map == pytest.approx(average_precision_score(known, nearness))
    ten_nearest = nearness >= np.sort(nearness)[-10]
    assert result.precision_at_10 == pytest.approx(precision_score(known, ten_nearest, zero_division=0))


@pytest.mark.parametrize("metric", METRICS)
def test_what_is_near_by_each_metric(metric: Metric) -> None:
    query, gallery = np.array([[1, 0]], np.float32), np.array([[9, 1], [1, 0.9]], np.float32)
    result = score(query, np.array(["x"]), gallery, np.array(["x", "y"]), metric=metric)
    assert result.precision_at_1 == (1.0 if metric == "cosine" else 0.0)


def test_a_picture_is_not_its_own_match() -> None:
    rows = np.array([[1, 0], [0, 1], [1, 0.1]], np.float32)
    labels = np.array(["cup", "cup", "plate"])
    with_itself = score(rows, labels, rows, labels)
    left_out = score(rows, labels, rows, labels, same=np.arange(3))
    assert (with_itself.precision_at_1, with_itself.queries) == (1.0, 3)
    assert (left_out.precision_at_1, left_out.queries, left_out.unanswerable) == (0.0, 2, 1)


def test_precision_at_ten_divides_by_ten_even_in_a_smaller_gallery() -> None:
    row = np.ones((1, 2), np.float32)
    result = score(row, np.array(["x"]), row, np.array(["x"]))
    assert result == Scores(1.0, 0.1, 1.0, 1.0, 1.0, queries=1, unanswerable=0)


@pytest.mark.parametrize(("queries", "gallery"), [(0, 3), (3, 0), (2, 3)])
def test_nothing_to_be_found_is_an_error(queries: int, gallery: int) -> None:
    with pytest.raises(ValueError, match="no query has a true match"):
        score(
            np.ones((queries, 2), np.float32),
            np.full(queries, "x"),
            np.ones((gallery, 2), np.float32),
            np.full(gallery, "y"),
        )
