"""The measures of a ranking, against one query at a time from the formulas, and against scikit-learn."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    precision_recall_curve,
    precision_score,
    recall_score,
    top_k_accuracy_score,
)

from retrieval.clusters import Metric
from trainer.evaluation import rankings
from trainer.evaluation.metrics import LEVELS, MEASURES, AtK, Detail, Distances, Scores, detail, per_query, score
from trainer.evaluation.results import FORMULAS

METRICS: tuple[Metric, ...] = ("cosine", "euclidean")

Vectors = NDArray[np.float32]
Labels = NDArray[np.int64]


def ranking(query: Vectors, gallery: Vectors, metric: Metric, own: int) -> list[int]:
    """Gallery rows, nearest first, earlier rows first between equals, without the query itself."""

    def distance(vector: Vectors) -> float:
        if metric == "euclidean":
            return float(((query - vector) ** 2).sum())
        lengths = float(np.linalg.norm(query) * np.linalg.norm(vector))
        return -float(query @ vector) / lengths if lengths else 0.0

    return sorted((row for row in range(len(gallery)) if row != own), key=lambda row: distance(gallery[row]))


def measures(relevant: list[bool]) -> list[float]:
    """P@1, P@10, R@10, AP and AP@R of one ranking, from the formulas."""
    total = sum(relevant)

    def precision(k: int) -> float:
        return sum(relevant[:k]) / k

    gains = [precision(rank) if hit else 0.0 for rank, hit in enumerate(relevant, start=1)]
    return [precision(1), precision(10), sum(relevant[:10]) / total, sum(gains) / total, sum(gains[:total]) / total]


def expected(
    queries: Vectors, asked: Labels, gallery: Vectors, known: Labels, metric: Metric, same: Labels
) -> Scores | None:
    """The slow, obvious oracle; None where no query has a true match."""
    rows = []
    for query, label, own in zip(queries, asked, same, strict=True):
        relevant = [bool(known[row] == label) for row in ranking(query, gallery, metric, int(own))]
        if any(relevant):
            rows.append(measures(relevant))
    if not rows:
        return None
    return Scores(*np.mean(rows, axis=0).tolist(), queries=len(rows), unanswerable=len(queries) - len(rows))


def assert_equal(found: Scores, wanted: Scores) -> None:
    for name in Scores.__slots__:
        assert getattr(found, name) == pytest.approx(getattr(wanted, name), abs=1e-9), name


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Vectors, Labels, Vectors, Labels, Labels]:
    """Queries and gallery full of ties, and for some queries the gallery row that is the query itself.

    Whole numbers, of which each vector has one or four equal ones: every length and distance is exact in float32.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dims, kinds = 4, draw(st.integers(1, 4))

    def vectors(count: int) -> Vectors:
        few = np.eye(dims)[rng.integers(dims, size=count)]
        all_ = np.ones((count, dims))
        signs = rng.choice([-1, 1], (count, dims)) * rng.choice([1, 2, 4], (count, 1))
        return (np.where(rng.random((count, 1)) < 0.5, few, all_) * signs).astype(np.float32)

    gallery = vectors(draw(st.integers(1, 40)))
    queries = vectors(draw(st.integers(1, 12)))
    known, asked = rng.integers(kinds, size=len(gallery)), rng.integers(kinds + 1, size=len(queries))
    same = np.full(len(queries), -1)
    for row in np.flatnonzero(rng.random(len(queries)) < draw(st.sampled_from([0.0, 0.5, 1.0]))):
        same[row] = rng.integers(len(gallery))
        queries[row], asked[row] = gallery[same[row]], known[same[row]]
    return queries, asked, gallery, known, same


@settings(deadline=None, max_examples=200)
@given(scenes(), st.sampled_from(METRICS))
def test_scores_are_those_of_the_formulas(
    scene: tuple[Vectors, Labels, Vectors, Labels, Labels], metric: Metric
) -> None:
    queries, asked, gallery, known, same = scene
    wanted = expected(queries, asked, gallery, known, metric, same)
    if wanted is None:
        with pytest.raises(ValueError, match="true match"):
            score(queries, asked, gallery, known, metric=metric, same=same)
    else:
        assert_equal(score(queries, asked, gallery, known, metric=metric, same=same), wanted)


def expected_detail(
    queries: Vectors, asked: Labels, gallery: Vectors, known: Labels, metric: Metric, same: Labels
) -> tuple[list[AtK], Distances | None, Distances | None]:
    """The first hits and the distances, one query at a time."""
    firsts: dict[int, list[list[float]]] = {1: [], 5: [], 10: []}
    pairs: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for query, label, own in zip(queries, asked, same, strict=True):
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
    matches, misses = (
        Distances(*np.mean(p, axis=0).tolist(), len(p)) if p else None for p in (pairs[True], pairs[False])
    )
    return at, matches, misses


def assert_near(found: Distances | None, wanted: Distances | None) -> None:
    assert (found is None) == (wanted is None)
    if found and wanted:
        assert found.pairs == wanted.pairs
        assert (found.cosine, found.euclidean) == pytest.approx((wanted.cosine, wanted.euclidean), abs=1e-5)


@settings(deadline=None, max_examples=200)
@given(scenes(), st.sampled_from(METRICS))
def test_the_detail_is_that_of_the_formulas(
    scene: tuple[Vectors, Labels, Vectors, Labels, Labels], metric: Metric
) -> None:
    queries, asked, gallery, known, same = scene
    scores = expected(queries, asked, gallery, known, metric, same)
    if scores is None:
        with pytest.raises(ValueError, match="true match"):
            detail(queries, asked, gallery, known, metric=metric, same=same)
        return
    found = detail(queries, asked, gallery, known, metric=metric, same=same)
    at, matches, misses = expected_detail(queries, asked, gallery, known, metric, same)
    assert_equal(found.scores, scores)
    for one, other in zip(found.at, at, strict=True):
        assert asdict(one) == pytest.approx(asdict(other), abs=1e-9)
    assert_near(found.matches, matches)
    assert_near(found.misses, misses)


def every_measure(relevant: list[bool], distances: list[float]) -> dict[str, float]:
    """All of FORMULAS for one ranking, term by term as they are written there; NaN where there is no such hit."""
    r = dict(enumerate(map(int, relevant), start=1))
    total = sum(r.values())

    def precision(i: int) -> float:
        return sum(r.get(j, 0) for j in range(1, i + 1)) / i

    found = {
        "map": sum(r[i] * precision(i) for i in r) / total,
        "map@r": sum(r[i] * precision(i) for i in r if i <= total) / total,
        "r_precision": precision(total),
        "mrr": 1 / min(i for i in r if r[i]),
    }
    for k in (1, 5, 10):
        p, q = precision(k), precision(k) * k / total
        found |= {f"precision@{k}": p, f"recall@{k}": q, f"f1@{k}": 2 * p * q / (p + q) if p + q else 0.0}
        found |= {f"hit_rate@{k}": float(p > 0), f"accuracy@{k}": float(p > 0)}
    for name, wanted in (("distance_hits", True), ("distance_misses", False)):
        among = [d for d, hit in zip(distances[:10], relevant, strict=False) if hit == wanted]
        found[name] = sum(among) / len(among) if among else np.nan
    return found


def interpolated(relevant: list[bool]) -> list[float]:
    """The highest precision at each level of recall or beyond."""
    total = sum(relevant)
    points = [(sum(relevant[:i]) / total, sum(relevant[:i]) / i) for i in range(1, len(relevant) + 1)]
    return [max(p for recall, p in points if recall >= level - 1e-9) for level in LEVELS]


@settings(deadline=None, max_examples=200)
@given(scenes(), st.sampled_from(METRICS), st.booleans())
def test_every_measure_of_every_query_is_that_of_its_formula(
    scene: tuple[Vectors, Labels, Vectors, Labels, Labels], metric: Metric, twins: bool
) -> None:
    queries, asked, gallery, known, same = scene
    left_out = [{int(own)} - {-1} for own in same]
    if twins:  # the copies of a query are no answer either
        left_out = [rows | {row for row in range(0, len(gallery), 3) if rows} for rows in left_out]
        width = max(map(len, left_out))
        same = np.array([[*sorted(rows), *[-1] * (width - len(rows) + 1)] for rows in left_out])
    rows, wanted, curves = [], [], []
    for row, (query, label, out) in enumerate(zip(queries, asked, left_out, strict=True)):
        order = [other for other in ranking(query, gallery, metric, -1) if other not in out]
        relevant = [bool(known[other] == label) for other in order]
        if any(relevant):
            lengths = [np.linalg.norm(query) * np.linalg.norm(gallery[other]) for other in order]
            cosines = [1 - query @ gallery[other] / n for other, n in zip(order, lengths, strict=True)]
            spans = [np.linalg.norm(query - gallery[other]) for other in order]
            wanted.append(every_measure(relevant, list(map(float, cosines if metric == "cosine" else spans))))
            curves.append(interpolated(relevant))
            rows.append(row)
    if not rows:
        with pytest.raises(ValueError, match="true match"):
            per_query(queries, asked, gallery, known, metric=metric, same=same)
        return
    found = per_query(queries, asked, gallery, known, metric=metric, same=same)
    assert set(MEASURES) == set(FORMULAS) == set(wanted[0])
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_allclose(found.values, [[one[name] for name in MEASURES] for one in wanted], atol=1e-5)
    np.testing.assert_allclose(found.precision, np.mean(curves, axis=0), atol=1e-9)


def test_chunks_do_not_show_in_the_measures_of_each_query(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(50, 6)).astype(np.float32), rng.integers(5, size=50)
    whole = per_query(rows, labels, rows, labels, same=np.arange(50))
    monkeypatch.setattr(rankings, "TABLE_VALUES", 7 * len(rows))
    parts = per_query(rows, labels, rows, labels, same=np.arange(50))
    np.testing.assert_array_equal(parts.rows, whole.rows)
    np.testing.assert_allclose(parts.values, whole.values, atol=1e-6)
    np.testing.assert_allclose(parts.precision, whole.precision)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(10, 60), st.integers(2, 12))
def test_the_measures_of_each_query_are_those_of_scikit_learn(seed: int, size: int, kinds: int) -> None:
    rng = np.random.default_rng(seed)
    gallery, queries = rng.normal(size=(size, 5)).astype(np.float32), rng.normal(size=(4, 5)).astype(np.float32)
    known = rng.permutation(np.concatenate([np.arange(kinds), rng.integers(kinds, size=size)])[:size])
    asked = rng.choice(known, 4)
    found = per_query(queries, asked, gallery, known)
    nearness = rankings.similarities(queries, gallery, "cosine")
    columns = dict(zip(MEASURES, found.values.T, strict=True))
    for row, label in enumerate(asked):
        relevant = (known == label).astype(int)
        assert columns["map"][row] == pytest.approx(average_precision_score(relevant, nearness[row]))
        for k in (1, 5, 10):
            first = (nearness[row] >= np.sort(nearness[row])[-k]).astype(int)
            assert columns[f"precision@{k}"][row] == pytest.approx(precision_score(relevant, first, zero_division=0))
            assert columns[f"recall@{k}"][row] == pytest.approx(recall_score(relevant, first))
            assert columns[f"f1@{k}"][row] == pytest.approx(f1_score(relevant, first, zero_division=0))
        exact = (nearness[row] >= np.sort(nearness[row])[-relevant.sum()]).astype(int)
        assert columns["r_precision"][row] == pytest.approx(precision_score(relevant, exact, zero_division=0))
    precision, recall, _ = precision_recall_curve((known == asked[0]).astype(int), nearness[0])
    curve = per_query(queries[:1], asked[:1], gallery, known).precision
    # scikit-learn ends the curve with a point of recall 0 and precision 1 that no ranking has.
    np.testing.assert_allclose(curve, [precision[:-1][recall[:-1] >= level - 1e-9].max() for level in LEVELS])
    names = np.unique(known)
    if len(names) > 2:  # each label as near as its nearest picture
        labels = np.stack([nearness[:, known == name].max(axis=1) for name in names], axis=1)
        by_label = top_k_accuracy_score(asked, labels, k=1, labels=names)
        assert columns["accuracy@1"].mean() == pytest.approx(by_label)


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
    found = detail(row, np.array(["x"]), row, np.array(["x"]))
    assert found == Detail(
        Scores(1.0, 0.1, 1.0, 1.0, 1.0, queries=1, unanswerable=0),
        (AtK(1, 1, 1, 1, 1), AtK(5, 1, 0.2, 1, pytest.approx(1 / 3)), AtK(10, 1, 0.1, 1, pytest.approx(2 / 11))),
        Distances(pytest.approx(0, abs=1e-6), 0.0, 1),
        None,
    )


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
    found = score(query, np.ones(1, np.int64), gallery, known)
    nearness = rankings.similarities(query, gallery, "cosine")[0]
    assert found.map == pytest.approx(average_precision_score(known, nearness))
    ten_nearest = nearness >= np.sort(nearness)[-10]
    assert found.precision_at_10 == pytest.approx(precision_score(known, ten_nearest, zero_division=0))


@pytest.mark.parametrize("metric", METRICS)
def test_what_is_near_by_each_metric(metric: Metric) -> None:
    query, gallery = np.array([[1, 0]], np.float32), np.array([[9, 1], [1, 0.9]], np.float32)
    found = score(query, np.array(["x"]), gallery, np.array(["x", "y"]), metric=metric)
    assert found.precision_at_1 == (1.0 if metric == "cosine" else 0.0)


def test_a_picture_is_not_its_own_match() -> None:
    rows = np.array([[1, 0], [0, 1], [1, 0.1]], np.float32)
    labels = np.array(["cup", "cup", "plate"])
    with_itself = score(rows, labels, rows, labels)
    left_out = score(rows, labels, rows, labels, same=np.arange(3))
    assert (with_itself.precision_at_1, with_itself.queries) == (1.0, 3)
    assert (left_out.precision_at_1, left_out.queries, left_out.unanswerable) == (0.0, 2, 1)


def test_precision_at_ten_divides_by_ten_even_in_a_smaller_gallery() -> None:
    row = np.ones((1, 2), np.float32)
    found = score(row, np.array(["x"]), row, np.array(["x"]))
    assert found == Scores(1.0, 0.1, 1.0, 1.0, 1.0, queries=1, unanswerable=0)


@pytest.mark.parametrize(("queries", "gallery"), [(0, 3), (3, 0), (2, 3)])
def test_nothing_to_be_found_is_an_error(queries: int, gallery: int) -> None:
    with pytest.raises(ValueError, match="no query has a true match"):
        score(
            np.ones((queries, 2), np.float32),
            np.full(queries, "x"),
            np.ones((gallery, 2), np.float32),
            np.full(gallery, "y"),
        )
