"""Losses by proxies against a loop written from the formula, and the layer that holds the proxies."""

from functools import partial
from math import exp, log
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.marks import examples
from tests.trainer.training.losses.batches import Embeddings, Labels, batches, loss_and_gradient, unit
from trainer.training.losses.proxies import Proxies, proxy_anchor, softmax

LOSSES = {"proxy-anchor": proxy_anchor, "softmax": softmax}


def cosines_of(embeddings: Embeddings, count: int) -> Embeddings:
    """Cosines to `count` arbitrary directions."""
    directions = unit(np.random.default_rng(count).normal(size=(count, embeddings.shape[1])).astype(np.float32))
    return (unit(embeddings) @ directions.T).astype(np.float32)


@settings(deadline=None, max_examples=examples(60))
@given(batches(), st.integers(5, 9), st.sampled_from([4.0, 32.0]), st.sampled_from([0.0, 0.1]))
def test_proxy_anchor_is_that_of_the_formula(
    batch: tuple[Labels, Embeddings], count: int, alpha: float, delta: float
) -> None:
    labels, embeddings = batch
    cosines = cosines_of(embeddings, count)
    pull = [
        log(1 + sum(exp(-alpha * (s - delta)) for s in cosines[labels == proxy, proxy].tolist()))
        for proxy in set(labels)
    ]
    push = [
        log(1 + sum(exp(alpha * (s + delta)) for s in cosines[labels != proxy, proxy].tolist()))
        for proxy in range(count)
    ]
    result = float(proxy_anchor(labels, cosines, alpha, delta))
    assert result == pytest.approx(sum(pull) / len(pull) + sum(push) / len(push), rel=1e-4)


@settings(deadline=None, max_examples=examples(60))
@given(batches(), st.integers(5, 9), st.sampled_from([1.0, 16.0]), st.sampled_from([0.0, 0.1]))
def test_softmax_is_that_of_the_formula(
    batch: tuple[Labels, Embeddings], count: int, scale: float, smoothing: float
) -> None:
    labels, embeddings = batch
    cosines, total = cosines_of(embeddings, count), 0.0
    for label, row in zip(labels, cosines.tolist(), strict=True):
        everything = sum(exp(scale * s) for s in row)
        for column, s in enumerate(row):
            wanted = (1 - smoothing) * (column == label) + smoothing / count
            total -= wanted * log(exp(scale * s) / everything)
    result = float(softmax(labels, cosines, scale, smoothing))
    assert result == pytest.approx(total / len(labels), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("value", [-1.0, 0.0, 1.0])
def test_the_extremes_are_finite(name: str, value: float) -> None:
    cosines = np.full((4, 3), value, np.float32)
    loss, gradient = loss_and_gradient(partial(LOSSES[name], np.array([0, 0, 1, 1])), cosines)
    assert np.isfinite(loss)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", LOSSES)
def test_half_precision_is_computed_in_float32(name: str) -> None:
    labels, half = np.arange(4), np.linspace(-1, 1, 20).reshape(4, 5).astype(np.float16)
    result = LOSSES[name](labels, tf.constant(half))
    assert result.dtype == tf.float32
    assert float(result) == pytest.approx(float(LOSSES[name](labels, half.astype(np.float32))))


def test_the_layer_gives_cosines() -> None:
    rng = np.random.default_rng(0)
    rows, start = rng.normal(size=(6, 4)).astype(np.float32), 9 * rng.normal(size=(3, 4)).astype(np.float32)
    layer = Proxies(3, start)
    np.testing.assert_allclose(layer(rows), unit(rows) @ unit(start).T, atol=1e-6)
    assert layer.compute_output_shape((None, 4)) == (None, 3)


def test_proxies_begin_in_different_directions() -> None:
    keras.utils.set_random_seed(0)
    layer = Proxies(20)
    layer.build((None, 64))
    directions = layer.get_weights()[0]
    lengths = np.linalg.norm(directions, axis=1)
    assert 0.7 < lengths.min() < lengths.max() < 1.3
    assert np.abs(unit(directions) @ unit(directions).T - np.eye(20)).max() < 0.6


def test_a_start_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(3, 4\) where \(3, 5\)"):
        Proxies(3, np.ones((3, 4), np.float32)).build((None, 5))


def test_the_layer_stays_in_float32_in_a_half_precision_network() -> None:
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(5), Proxies(3)])
    finally:
        keras.config.set_dtype_policy(policy)
    assert model.layers[0].compute_dtype == "float16"
    result = model(np.ones((2, 4), np.float32))
    assert result.dtype == tf.float32
    assert model.layers[1].weights[0].dtype == "float32"


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras, as it reads TensorFlow
def test_a_saved_layer_comes_back_with_its_proxies(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    model = keras.Sequential([keras.Input((4,)), Proxies(3, rows[:3])])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(rows), model(rows))
