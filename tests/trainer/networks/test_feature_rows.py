"""Rows of features that are not copied as a whole."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.config import HeadConfig
from trainer.data.split import TRAIN
from trainer.networks import closed_form, feature_rows
from trainer.networks.closed_form import Candidate
from trainer.networks.feature_rows import FeatureRows
from trainer.training.examples import Examples
from trainer.training.head import fit_head


@given(st.data())
def test_rows_are_those_of_the_matrix_that_they_stand_for(data: st.DataObject) -> None:
    count, views, width = (data.draw(st.integers(1, limit)) for limit in (9, 3, 4))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    values = rng.normal(size=(count, views, width)).astype(np.float32)
    pictures = rng.integers(count, size=data.draw(st.integers(0, 12)))
    some_views = tuple(data.draw(st.lists(st.integers(0, views - 1), min_size=1, max_size=3)))
    rows = FeatureRows(values, pictures, some_views, 0.5)
    matrix = (values[pictures][:, some_views] * np.float32(0.5)).reshape(-1, width)
    assert rows.shape == matrix.shape
    some = data.draw(st.slices(len(matrix)))
    np.testing.assert_array_equal(rows[some], matrix[some])
    numbers = rng.integers(max(1, len(matrix)), size=5 if len(matrix) else 0)
    np.testing.assert_array_equal(rows[numbers], matrix[numbers])
    kernel = rng.normal(size=(width, 2)).astype(np.float32)
    np.testing.assert_allclose(rows @ kernel, matrix @ kernel, atol=1e-5)
    half = np.arange(0, len(pictures), 2)
    np.testing.assert_array_equal(rows.only(half)[:], FeatureRows(values, pictures[half], some_views, 0.5)[:])


def test_what_is_read_may_be_changed_and_the_features_stay() -> None:
    values = np.ones((3, 1, 2), np.float32)
    rows = FeatureRows(values, np.arange(3), (0,), 2.0)
    rows[:][:] = 7
    np.testing.assert_array_equal(values, 1)
    np.testing.assert_array_equal(rows[:], 2)


def test_a_head_is_fitted_without_a_copy_of_all_features(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (closed_form, feature_rows):
        monkeypatch.setattr(module, "BLOCK", 1_000)
    rng = np.random.default_rng(0)
    labels = rng.integers(40, size=20_000)
    features = rng.standard_normal((len(labels), 2, 64), np.float32)
    features[:, :, :40] += np.eye(40, dtype=np.float32)[labels][:, None]
    examples = Examples(features, labels, np.full(len(labels), TRAIN, np.int8))
    tracemalloc.start()
    kernel = fit_head(examples, Candidate(0.1, 16), 0, HeadConfig(), 0, max_dims=8)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kernel.shape == (64, 8)
    assert peak < features.nbytes * 0.8
