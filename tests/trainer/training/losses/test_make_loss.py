"""What the configuration names, inside Keras: fit, train_on_batch, half precision, several replicas."""

import subprocess
import sys
from typing import Any

import keras
import numpy as np
import pytest

from tests.conftest import ROOT
from trainer.config import LossConfig
from trainer.training.losses import (
    Proxies,
    make_loss,
    multi_similarity,
    nt_xent,
    proxy_anchor,
    softmax,
    triplet,
    uses_proxies,
)

SLOW = pytest.mark.slow
NAMES = ("triplet", "proxy-anchor", "multi-similarity", "softmax", "nt-xent")
ROWS = np.random.default_rng(0).normal(size=(12, 6)).astype(np.float32)
LABELS = np.repeat(np.arange(4), 3)


def config(**fields: Any) -> LossConfig:
    return LossConfig(**fields)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (config(), triplet(LABELS, ROWS, 0.2, "batch-hard")),
        (config(margin=0.5, miner="semi-hard"), triplet(LABELS, ROWS, 0.5, "semi-hard")),
        (config(miner="all"), triplet(LABELS, ROWS, 0.2, "all")),
        (config(loss="multi-similarity"), multi_similarity(LABELS, ROWS)),
        (config(loss="nt-xent", temperature=0.5), nt_xent(LABELS, ROWS, 0.5)),
        (config(loss="proxy-anchor"), proxy_anchor(LABELS, ROWS)),
        (config(loss="softmax"), softmax(LABELS, ROWS)),
    ],
)
def test_the_loss_is_the_one_that_is_named(settings: LossConfig, expected: Any) -> None:
    loss = make_loss(settings, supervised=True)
    for labels in (LABELS, LABELS[:, None], LABELS.astype(np.int32)):
        assert float(loss(labels, ROWS)) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_without_labels_it_is_nt_xent(name: Any) -> None:
    result = make_loss(config(loss=name, temperature=0.3), supervised=False)(LABELS, ROWS)
    assert float(result) == pytest.approx(float(nt_xent(LABELS, ROWS, 0.3)), rel=1e-5)


def test_which_losses_need_proxies() -> None:
    assert {name for name in NAMES if uses_proxies(config(loss=name))} == {"proxy-anchor", "softmax"}


@pytest.mark.parametrize("name", [NAMES[0], *(pytest.param(name, marks=SLOW) for name in NAMES[1:])])
def test_a_half_precision_network_trains_by_it(name: Any) -> None:
    keras.utils.set_random_seed(0)
    settings = config(loss=name)
    top = [Proxies(4)] if uses_proxies(settings) else []
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4, dtype="mixed_float16"), *top])
    optimiser = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.05))
    model.compile(optimiser, make_loss(settings, supervised=True))
    history = model.fit(ROWS, LABELS, batch_size=12, epochs=30, verbose=0).history["loss"]
    assert np.isfinite(history).all()
    assert history[-1] < 0.9 * history[0]


REPLICAS = """
import keras, numpy as np, tensorflow as tf
from trainer.config import LossConfig
from trainer.training.losses import Proxies, make_loss

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
rows = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")
start = np.random.default_rng(1).normal(size=(3, 5)).astype("float32")
repeated, labels = np.concatenate([rows, rows]), np.tile([0, 0, 1, 1, 2, 2], 2)

def step(strategy, inputs, labels):
    with strategy.scope():
        model = keras.Sequential([keras.Input((5,)), Proxies(3, start)])
        model.compile(keras.optimizers.SGD(1.0), make_loss(LossConfig(loss="softmax"), supervised=True))
    loss = model.train_on_batch(inputs, labels)
    return float(loss), model.get_weights()[0]

alone = step(tf.distribute.get_strategy(), rows, labels[:6])
mirrored = step(tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"]), repeated, labels)
np.testing.assert_allclose(mirrored[0], alone[0], rtol=1e-5)
np.testing.assert_allclose(mirrored[1], alone[1], rtol=1e-4, atol=1e-6)
assert np.abs(alone[1] - start).max() > 0.01
"""


@pytest.mark.slow
def test_two_replicas_with_the_same_half_each_step_as_far_as_one() -> None:
    """In a process of its own: TensorFlow makes its devices once."""
    done = subprocess.run([sys.executable, "-c", REPLICAS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
