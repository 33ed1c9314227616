"""Every measure of the table, for each query: against its formula, term by term, and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    precision_recall_curve,
    precision_score,
    recall_score,
    top_k_accuracy_score,
)

from retrieval.clusters import Metric
from tests.support.marks import examples
from tests.trainer.evaluation.oracle import METRICS, Scene, every_measure, ranking, scenes
from trainer.evaluation import rankings
from trainer.evaluation.measures import FORMULAS, HEADLINE, NAMES
from trainer.evaluation.metrics import LEVELS, per_query


def interpolated(relevant: list[bool]) -> list[float]:
    """The highest precision at each level of recall or beyond."""
    total = sum(relevant)
    points = [(sum(relevant[:i]) / total, sum(relevant[:i]) / i) for i in range(1, len(relevant) + 1)]
    return [max(p for recall, p in points if recall >= level - 1e-9) for level in LEVELS]


@settings(deadline=None, max_examples=examples(200))
@given(scenes(), st.sampled_from(METRICS), st.booleans())
def test_every_measure_of_every_query_is_that_of_its_formula(scene: Scene, metric: Metric, copies: bool) -> None:
    queries, query_labels, gallery, known, same = scene
    left_out = [{int(own)} - {-1} for own in same]
    if copies:  # the copies of a query are no answer either
        left_out = [rows | {row for row in range(0, len(gallery), 3) if rows} for rows in left_out]
        width = max(map(len, left_out))
        same = np.array([[*sorted(rows), *[-1] * (width - len(rows) + 1)] for rows in left_out])
    rows, wanted, curves = [], [], []
    for row, (query, label, out) in enumerate(zip(queries, query_labels, left_out, strict=True)):
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
            per_query(queries, query_labels, gallery, known, metric=metric, same=same)
        return
    result = per_query(queries, query_labels, gallery, known, metric=metric, same=same)
    assert set(NAMES) == set(FORMULAS) == set(wanted[0])
    np.testing.assert_array_equal(result.rows, rows)
    np.testing.assert_allclose(result.values, [[one[name] for name in NAMES] for one in wanted], atol=1e-5)
    np.testing.assert_allclose(result.precision, np.mean(curves, axis=0), atol=1e-9)


def test_chunks_do_not_show_in_the_measures_of_each_query(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(50, 6)).astype(np.float32), rng.integers(5, size=50)
    whole = per_query(rows, labels, rows, labels, same=np.arange(50))
    monkeypatch.setattr(rankings, "TABLE_VALUES", 7 * len(rows))
    parts = per_query(rows, labels, rows, labels, same=np.arange(50))
    np.testing.assert_array_equal(parts.rows, whole.rows)
    np.testing.assert_allclose(parts.values, whole.values, atol=1e-6)
    np.testing.assert_allclose(parts.precision, whole.precision)


@settings(deadline=None, max_examples=examples(30))
@given(st.integers(0, 2**32 - 1), st.integers(10, 60), st.integers(2, 12))
def test_the_measures_of_each_query_are_those_of_scikit_learn(seed: int, size: int, kinds: int) -> None:
    rng = np.random.default_rng(seed)
    gallery, queries = rng.normal(size=(size, 5)).astype(np.float32), rng.normal(size=(4, 5)).astype(np.float32)
    known = rng.permutation(np.concatenate([np.arange(kinds), rng.integers(kinds, size=size)])[:size])
    query_labels = rng.choice(known, 4)
    result = per_query(queries, query_labels, gallery, known)
    nearness = rankings.similarities(queries, gallery, "cosine")
    columns = dict(zip(NAMES, result.values.T, strict=True))
    for row, label in enumerate(query_labels):
        relevant = (known == label).astype(int)
        assert columns["map"][row] == pytest.approx(average_precision_score(relevant, nearness[row]))
        for k in (1, 5, 10):
            first = (nearness[row] >= np.sort(nearness[row])[-k]).astype(int)
            assert columns[f"precision@{k}"][row] == pytest.approx(precision_score(relevant, first, zero_division=0))
            assert columns[f"recall@{k}"][row] == pytest.approx(recall_score(relevant, first))
            assert columns[f"f1@{k}"][row] == pytest.approx(f1_score(relevant, first, zero_division=0))
        exact = (nearness[row] >= np.sort(nearness[row])[-relevant.sum()]).astype(int)
        assert columns["r_precision"][row] == pytest.approx(precision_score(relevant, exact, zero_division=0))
    precision, recall, _ = precision_recall_curve((known == query_labels[0]).astype(int), nearness[0])
    curve = per_query(queries[:1], query_labels[:1], gallery, known).precision
    # scikit-learn ends the curve with a point of recall 0 and precision 1 that no ranking has.
    np.testing.assert_allclose(curve, [precision[:-1][recall[:-1] >= level - 1e-9].max() for level in LEVELS])
    names = np.unique(known)
    if len(names) > 2:  # each label as near as its nearest picture
        labels = np.stack([nearness[:, known == name].max(axis=1) for name in names], axis=1)
        by_label = top_k_accuracy_score(query_labels, labels, k=1, labels=names)
        assert columns["accuracy@1"].mean() == pytest.approx(by_label)


def test_the_headline_is_of_measures_that_there_are() -> None:
    assert set(HEADLINE) <= set(NAMES)
