"""The encoder: its head is linear, its pooling what the formula says, float32 and saved whole."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import Model
from numpy.typing import NDArray

from tests.support.marks import examples
from trainer.networks.backbones import build_backbone
from trainer.networks.pooling import GeM, build_encoder, in_full_precision

SIDE = 32

# Keras 3.15 saves in a way that NumPy 2 warns of.
KERAS_SAVES = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(params=["float32", "mixed_float16"])
def policy(request: pytest.FixtureRequest) -> Iterator[str]:
    """Full precision, and that of GPUs that train in half of it."""
    keras.mixed_precision.set_global_policy(request.param)
    yield request.param
    keras.mixed_precision.set_global_policy("float32")


def backbone() -> Model:
    keras.utils.set_random_seed(0)
    return build_backbone("siamese", "none", SIDE)


def pictures() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)


def kernel() -> NDArray[np.float32]:
    return np.random.default_rng(1).normal(size=(256, 5)).astype(np.float32)


def gem(cells: NDArray[np.float32], p: float) -> NDArray[np.float64]:
    """Written from the formula, one channel at a time."""
    return np.array(
        [
            [np.mean([max(value, 1e-6) ** p for value in channel.ravel()]) ** (1 / p) for channel in picture.T]
            for picture in cells.astype(np.float64)
        ]
    )


def test_the_head_is_linear_and_stands_before_the_mean() -> None:
    features = backbone().predict_on_batch(pictures())
    result = build_encoder(backbone(), kernel()).predict_on_batch(pictures())
    np.testing.assert_allclose(result["cells"], features @ kernel(), atol=1e-4)
    np.testing.assert_allclose(result["embedding"], (features @ kernel()).mean(axis=(1, 2)), atol=1e-4)
    bare = build_encoder(backbone()).predict_on_batch(pictures())
    np.testing.assert_allclose(bare["cells"], features, atol=1e-6)
    np.testing.assert_allclose(bare["embedding"], features.mean(axis=(1, 2)), atol=1e-6)


def test_with_gem_the_head_stands_after_the_pooling() -> None:
    pooled = gem(backbone().predict_on_batch(pictures()), 3)
    for matrix, wanted in ((None, pooled), (kernel(), pooled @ kernel())):
        result = build_encoder(backbone(), matrix, pooling="gem").predict_on_batch(pictures())
        assert set(result) == {"embedding"}
        np.testing.assert_allclose(result["embedding"], wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())


def test_several_poolings_stand_one_after_the_other_each_of_length_one() -> None:
    cells = backbone().predict_on_batch(pictures()).astype(np.float64)
    pooled = [cells.mean(axis=(1, 2)), gem(cells, 3), cells.max(axis=(1, 2))]
    wanted = np.hstack([one / np.linalg.norm(one, axis=1, keepdims=True) for one in pooled])
    result = build_encoder(backbone(), pooling="avg+gem+max").predict_on_batch(pictures())
    assert set(result) == {"embedding"}
    np.testing.assert_allclose(result["embedding"], wanted, atol=1e-5)
    alone = build_encoder(backbone(), pooling="max").predict_on_batch(pictures())["embedding"]
    np.testing.assert_allclose(alone, pooled[2], rtol=1e-5, atol=1e-6)


@settings(deadline=None, max_examples=examples(30))
@given(st.floats(1, 8), st.integers(0, 2**32 - 1))
def test_gem_lies_between_the_mean_and_the_maximum(p: float, seed: int) -> None:
    cells = np.random.default_rng(seed).uniform(-1, 3, (2, 3, 4, 5)).astype(np.float32)
    layer = GeM()
    layer.build(cells.shape)
    layer.p.assign(p)
    result = np.asarray(layer(cells))
    np.testing.assert_allclose(result, gem(cells, p), rtol=1e-4)
    positive = np.maximum(cells, 1e-6)
    assert (result >= positive.mean(axis=(1, 2)) * (1 - 1e-4)).all()
    assert (result <= positive.max(axis=(1, 2)) * (1 + 1e-4)).all()


def test_the_power_of_gem_trains_even_where_all_cells_are_dark() -> None:
    layer = GeM()
    cells = np.zeros((1, 2, 2, 3), np.float32)
    layer.build(cells.shape)
    assert [float(np.asarray(weight)) for weight in layer.trainable_weights] == [3.0]
    import tensorflow as tf

    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(cells))
    assert np.isfinite(tape.gradient(total, layer.p.value))


@pytest.mark.parametrize("pooling", ["avg", "gem"])
def test_pooling_and_head_are_float32_whatever_the_policy(policy: str, pooling: str) -> None:
    network = backbone()
    assert network.output.dtype == policy.removeprefix("mixed_")
    encoder = build_encoder(network, kernel(), pooling=pooling)  # type: ignore[arg-type]  # a parameter of the test
    assert {output.dtype for output in encoder.output.values()} == {"float32"}
    full = in_full_precision(encoder)
    assert (full is encoder) == (policy == "float32")
    assert {layer.compute_dtype for layer in full.layers if layer.weights} == {"float32"}
    result, wanted = (network.predict_on_batch(pictures())["embedding"] for network in (encoder, full))
    np.testing.assert_allclose(result, wanted, atol=0.02 * np.abs(wanted).max())


@KERAS_SAVES
@pytest.mark.parametrize("pooling", [pytest.param("avg", marks=pytest.mark.slow), "gem"])
def test_a_saved_encoder_is_loaded_as_it_was(policy: str, pooling: str, tmp_path: Path) -> None:
    encoder = build_encoder(backbone(), kernel(), pooling=pooling)  # type: ignore[arg-type]  # a parameter of the test
    encoder.save(tmp_path / "encoder.keras")
    again = keras.models.load_model(tmp_path / "encoder.keras")
    wanted = encoder.predict_on_batch(pictures())
    for name, value in again.predict_on_batch(pictures()).items():
        np.testing.assert_array_equal(value, wanted[name])
