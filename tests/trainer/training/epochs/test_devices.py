"""On what a run computes. Several devices are two logical ones of this CPU, in a process of their own."""

import json
import random
import subprocess
import sys
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import ROOT, environment
from trainer.errors import ConfigError
from trainer.training.epochs.devices import choose_strategy, compiling, precision, seed_everything


def test_here_auto_is_one_device() -> None:
    for name in ("auto", "one"):
        strategy = choose_strategy(name)
        assert strategy.num_replicas_in_sync == 1
    assert not compiling()


def test_several_workers_must_know_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(ConfigError, match=r'strategy = "multiworker" needs TF_CONFIG .* strategy = "mirrored"'):
        choose_strategy("multiworker")


def test_half_precision_ends_with_the_block() -> None:
    with precision(mixed=True):
        assert keras.config.dtype_policy().name == "mixed_float16"
        with precision(mixed=False):
            assert keras.config.dtype_policy().name == "float32"
        assert keras.config.dtype_policy().name == "mixed_float16"
    with pytest.raises(KeyboardInterrupt), precision(mixed=True):
        raise KeyboardInterrupt
    assert keras.config.dtype_policy().name == "float32"


def test_a_seed_is_for_everything_random() -> None:
    def drawn() -> list[float]:
        python, numpy = random.random(), np.random.random_sample()  # noqa: S311 - the global ones are meant
        return [python, numpy, float(tf.random.uniform(())), float(keras.random.uniform(()))]

    seed_everything(3, deterministic=False)
    first = drawn()
    seed_everything(3, deterministic=False)
    assert drawn() == first
    assert drawn() != first


TWO_DEVICES = """
import json, sys
from pathlib import Path
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras, numpy as np
from dataclasses import asdict
from tests.trainer import tuning
from trainer.training import finetune
from trainer.training.autoencoder import train_autoencoder
from trainer.training.epochs.checkpoint import Checkpoint
from trainer.config import Config
from trainer.training.epochs.devices import choose_strategy, seed_everything
from trainer.training.finetune import Start
from trainer.networks import backbones, decoder
from trainer.training.epochs.optimizer import TwoRates

seed_everything(0, deterministic=True)
home = Path(sys.argv[1])
decoder.MAX_PIXELS = tuning.SIDE
backbones.BUILDERS["siamese"] = tuning.tiny
found = {"auto": choose_strategy("auto").num_replicas_in_sync}
strategy = choose_strategy("mirrored")
found["mirrored"] = strategy.num_replicas_in_sync

# Two rates, one step.
with strategy.scope():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(1)])
    model.compile(TwoRates(1e-2, slower=model.layers[0].trainable_variables, factor=0.1), "mse")
before = model.get_weights()
x = np.random.default_rng(0).normal(size=(8, 4)).astype("f4")
model.fit(x, x.sum(axis=1), batch_size=8, verbose=0)
found["steps"] = [float(abs(b - a).max()) for a, b in zip(before, model.get_weights())]

# Nine pictures a batch cannot be shared out to two devices as they are.
pictures = tuning.pictures_in(home, labels=3, each=5)
config = Config(
    encoder={"backbone": "siamese", "weights": "none", "size": tuning.SIDE},
    autoencoder={"enabled": True, "frozen_epochs": 1, "epochs": 1, "pictures_per_batch": 9},
    finetune={"enabled": True, "loss": "softmax", "labels_per_batch": 4, "pictures_per_label": 3, "max_epochs": 3},
)

def go_on(name, stop):
    (home / name).mkdir(exist_ok=True)
    keras.utils.set_random_seed(5)
    backbone = backbones.build_backbone("siamese", "none", tuning.SIDE)
    embeddings = np.random.default_rng(0).normal(size=(len(pictures.labels), tuning.CHANNELS)).astype("f4")
    start = Start(backbone, None, embeddings, tuning.scores(0, 0))
    def watch(epoch):
        if (epoch.stage, epoch.epoch) == stop:
            raise KeyboardInterrupt
    checkpoints = [Checkpoint(home / name / f"{stage}.npz", "this") for stage in ("autoencoder", "finetune")]
    _adapted, rebuilt = train_autoencoder(
        backbone, pictures, config, strategy, checkpoints[0], home / name, tuning.no_progress, watch
    )
    tuned = finetune.finetune(start, pictures, config, strategy, checkpoints[1], tuning.no_progress, watch)
    return [epoch.loss for epoch in (*rebuilt, *tuned.history[1:])], [asdict(tuned.scores)]

found["whole"] = go_on("whole", None)
for stop in (("autoencoder", 2), ("finetune", 2)):
    try:
        go_on("stopped", stop)
    except KeyboardInterrupt:
        found["stops"] = found.get("stops", 0) + 1
found["resumed"] = go_on("stopped", None)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def two_devices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process with two devices has found."""
    home = tmp_path_factory.mktemp("two")
    done = subprocess.run(
        [sys.executable, "-c", TWO_DEVICES, home],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_mirrored_uses_all_devices_there_are_and_auto_one_without_gpus(two_devices: dict[str, Any]) -> None:
    assert (two_devices["mirrored"], two_devices["auto"]) == (2, 1)


@pytest.mark.slow
def test_the_two_rates_hold_on_several_devices(two_devices: dict[str, Any]) -> None:
    assert two_devices["steps"] == pytest.approx([1e-3, 1e-3, 1e-2, 1e-2], rel=1e-2)


@pytest.mark.slow
def test_several_devices_train_and_take_up_what_was_stopped(two_devices: dict[str, Any]) -> None:
    losses, _scores = two_devices["whole"]
    assert len(losses) == 5
    assert np.isfinite(losses).all()
    assert two_devices["stops"] == 2
    assert two_devices["resumed"] == two_devices["whole"]
