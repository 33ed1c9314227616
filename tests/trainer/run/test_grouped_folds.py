"""Folds of whole groups of similar pictures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.marks import examples
from trainer.data.split import UNLABELLED
from trainer.run import folds as folds_module
from trainer.run.folds import FOLDS, NO_FOLD, grouped_folds


@settings(deadline=None, max_examples=examples(60))
@given(st.lists(st.integers(UNLABELLED, 3), max_size=40), st.integers(0, 99))
def test_every_labelled_picture_is_in_one_fold_and_a_label_of_enough_pictures_in_all(
    labels: list[int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    numbers = np.array(labels, np.int64)
    folds = grouped_folds(rng.normal(size=(len(labels), 5)).astype(np.float32), numbers, seed)
    assert ((folds == NO_FOLD) == (numbers == UNLABELLED)).all()
    assert set(folds[folds != NO_FOLD]) <= set(range(FOLDS))
    for label in set(labels) - {UNLABELLED}:
        members = numbers == label
        assert len(set(folds[members])) == min(FOLDS, members.sum())


def test_a_series_of_shots_stays_together() -> None:
    rng = np.random.default_rng(0)
    series = rng.normal(size=(2 * FOLDS, 16))  # four of each of two labels
    features = np.repeat(series, 6, axis=0) + rng.normal(0, 0.05, (12 * FOLDS, 16))
    folds = grouped_folds(features.astype(np.float32), np.repeat([0, 1], 6 * FOLDS), 0)
    by_series = folds.reshape(2 * FOLDS, 6)
    assert (by_series == by_series[:, :1]).all()
    assert sorted(by_series[:FOLDS, 0]) == sorted(by_series[FOLDS:, 0]) == list(range(FOLDS))


def test_pictures_that_are_all_the_same_are_one_group() -> None:
    folds = grouped_folds(np.ones((8, 3), np.float32), np.zeros(8, np.int64), 0)
    assert len(set(folds)) == 1


def test_a_label_of_very_many_pictures_needs_no_table_of_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folds_module, "MAX_FOR_WARD", 10)
    monkeypatch.setattr(folds_module, "AgglomerativeClustering", None)
    folds = grouped_folds(np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32), np.zeros(40, np.int64), 0)
    assert set(folds) == set(range(FOLDS))
