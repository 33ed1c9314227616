"""Intervals by resampling labels, against one draw at a time, and against what is known of made-up data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.support.marks import examples
from trainer.evaluation import bootstrap
from trainer.evaluation.bootstrap import DRAWS, intervals
from trainer.evaluation.results import Interval


def one_at_a_time(values: NDArray[np.float64], labels: list[str], seed: int) -> list[Interval | None]:
    """The same draws of labels, their queries gathered in a list, query by query."""
    names = sorted(set(labels))
    groups = [[i for i, label in enumerate(labels) if label == name] for name in names]
    if len(names) == 1:
        groups = [[i] for i in range(len(labels))]
    rng = np.random.default_rng(seed)
    means: list[list[float]] = [[] for _ in values.T]
    for _draw in range(DRAWS):
        times = rng.multinomial(len(groups), np.full(len(groups), 1 / len(groups)))
        drawn = [i for group, often in zip(groups, times, strict=True) for i in group * int(often)]
        for column, kept in zip(values.T, means, strict=True):
            there = [column[i] for i in drawn if not np.isnan(column[i])]
            if there:
                kept.append(sum(there) / len(there))
    result: list[Interval | None] = []
    for column, kept in zip(values.T, means, strict=True):
        there = column[~np.isnan(column)]
        low, high = np.percentile(kept, [2.5, 97.5]) if len(there) else (0, 0)
        result.append(Interval(there.mean(), low, high) if len(there) else None)
    return result


@settings(deadline=None, max_examples=examples(15))
@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 25))
def test_intervals_are_those_of_one_draw_at_a_time(seed: int, kinds: int, queries: int) -> None:
    rng = np.random.default_rng(seed)
    labels = [f"label {n}" for n in rng.integers(kinds, size=queries)]
    values = rng.random((queries, 3))
    values[rng.random(queries) < 0.4, 1] = np.nan
    values[:, 2] = np.nan
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "TABLE_VALUES", 700 * kinds)  # the draws in several tables
        result = intervals(values, np.array(labels), seed=3)
    for one, other in zip(result, one_at_a_time(values, labels, 3), strict=True):
        assert (one is None) == (other is None)
        if one and other:
            assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), abs=1e-12)
    assert result[2] is None


def covered(trials: int, *, together: bool) -> float:
    """How often the interval holds the true mean, 0, of data whose labels differ more than their queries."""
    rng, hits = np.random.default_rng(0), 0
    for _trial in range(trials):
        labels = np.repeat(np.arange(40), rng.integers(5, 15, 40))
        values = rng.normal(size=40)[labels] + 0.5 * rng.normal(size=len(labels))
        (result,) = intervals(values[:, None], labels if together else np.arange(len(labels)))
        assert result is not None
        hits += result.low <= 0 <= result.high
    return hits / trials


def test_an_interval_holds_the_true_mean_as_often_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "DRAWS", 400)
    assert 0.90 <= covered(300, together=True) <= 0.98
    assert covered(100, together=False) < 0.7  # what drawing queries by themselves would claim


def test_a_paired_difference_is_surer_than_the_two_means() -> None:
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(30), 10)
    before = rng.random(30)[labels]
    after = before + 0.02 + 0.01 * rng.random(300)
    difference, _one, _other = intervals(np.stack([after - before, before, after], axis=1), labels)
    assert difference is not None
    assert 0.02 < difference.low < difference.value < difference.high < 0.03


def test_a_single_label_is_no_certainty() -> None:
    (result,) = intervals(np.array([[0.0], [1.0], [1.0], [0.0]]), np.array(["cup"] * 4))
    assert result is not None
    assert result.low < result.value < result.high


def test_the_same_seed_gives_the_same_intervals() -> None:
    values, labels = np.random.default_rng(0).random((20, 2)), np.arange(20) % 6
    assert intervals(values, labels, seed=5) == intervals(values, labels, seed=5)
    assert intervals(values, labels, seed=5) != intervals(values, labels, seed=6)
