"""A protocol from vectors alone: the same as each of its parts, measured by itself."""

import numpy as np
import pytest

from trainer.evaluation.bootstrap import intervals
from trainer.evaluation.measures import FORMULAS, NAMES
from trainer.evaluation.metrics import per_query, score
from trainer.evaluation.protocols import evaluate_vectors

RNG = np.random.default_rng(4)
LABELS = np.repeat([f"label {n}" for n in range(8)], 6)
CENTRES = np.repeat(RNG.normal(size=(8, 5)), 6, axis=0)
NEAR = (CENTRES + 0.6 * RNG.normal(size=CENTRES.shape)).astype(np.float32)
FAR = (CENTRES + 1.5 * RNG.normal(size=CENTRES.shape)).astype(np.float32)
HELD = np.arange(48) % 3 == 0


def test_the_measures_are_those_of_a_score() -> None:
    result = evaluate_vectors(
        NEAR[HELD], LABELS[HELD], NEAR[~HELD], LABELS[~HELD], metric="euclidean", name="known labels"
    )
    plain = score(NEAR[HELD], LABELS[HELD], NEAR[~HELD], LABELS[~HELD], metric="euclidean")
    assert (result.queries, result.unanswerable, result.gallery, result.labels) == (16, 0, 32, 8)
    assert not result.leave_one_out
    assert result.against == {}
    assert set(result.measures) == set(FORMULAS)
    assert result.measures["map"].value == pytest.approx(plain.map)
    assert result.measures["precision@1"].value == pytest.approx(plain.precision_at_1)
    assert all(m.low <= m.value <= m.high for m in result.measures.values())
    assert [recall for recall, _precision in result.precision_recall] == [n / 20 for n in range(21)]


def test_each_label_by_itself() -> None:
    result = evaluate_vectors(NEAR, LABELS, NEAR, LABELS, np.arange(48), metric="cosine", name="new labels")
    assert result.leave_one_out
    assert list(result.per_label) == sorted(set(LABELS))
    for label, means in result.per_label.items():
        own = np.flatnonzero(label == LABELS)
        alone = score(NEAR[own], LABELS[own], NEAR, LABELS, same=own)
        assert means["queries"] == 6
        assert means["map@r"] == pytest.approx(alone.map_at_r)
    assert np.mean([means["map"] for means in result.per_label.values()]) == pytest.approx(result.measures["map"].value)


def test_a_difference_is_paired_query_by_query() -> None:
    sides = NEAR[HELD], LABELS[HELD], NEAR[~HELD], LABELS[~HELD]
    other = FAR[HELD], FAR[~HELD]
    result = evaluate_vectors(
        *sides, metric="cosine", name="known labels", against={"frozen": other, "live": sides[::2]}
    )
    ours = per_query(*sides).values
    theirs = per_query(other[0], sides[1], other[1], sides[3]).values
    column = NAMES.index("map")
    (wanted,) = intervals((ours - theirs)[:, [column]], LABELS[HELD])
    assert result.against["frozen"]["map"] == wanted
    assert result.against["frozen"]["map"].low > 0
    assert {(d.value, d.low, d.high) for d in result.against["live"].values()} == {(0.0, 0.0, 0.0)}
    assert set(FORMULAS) - set(result.against["frozen"]) == {"distance_hits", "distance_misses"}


def test_what_no_query_has_is_left_out() -> None:
    row, labels = np.ones((2, 2), np.float32), np.array(["x", "x"])
    result = evaluate_vectors(row, labels, row, labels, metric="cosine", name="known labels")
    assert "distance_misses" not in result.measures
    assert "distance_misses" not in result.per_label["x"]
    assert result.measures["distance_hits"].value == pytest.approx(0, abs=1e-6)


def test_queries_without_a_true_match_are_counted() -> None:
    labels = np.array(["new", *LABELS[1:]])
    result = evaluate_vectors(NEAR, labels, NEAR, labels, np.arange(48), metric="cosine", name="known labels")
    assert (result.queries, result.unanswerable) == (47, 1)
    with pytest.raises(ValueError, match="true match"):
        evaluate_vectors(NEAR[:1], labels[:1], NEAR, labels, np.arange(1), metric="cosine", name="known labels")
