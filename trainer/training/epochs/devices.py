"""On what a run computes: one device or several, half precision or not, and whether it can be repeated bit by bit."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import keras
import tensorflow as tf

from trainer.errors import ConfigError

StrategyName = Literal["auto", "one", "mirrored", "multiworker"]


def seed_everything(seed: int, *, deterministic: bool) -> None:
    """Seed Python, NumPy and TensorFlow; deterministic also makes operations give the same bits each time."""
    keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()


def choose_strategy(name: StrategyName) -> tf.distribute.Strategy:
    """How training is spread over devices. Raises ConfigError where that cannot be.

    auto: mirrored where there are several GPUs, else the one device there is. multiworker: one process on each host,
    which find each other by TF_CONFIG; every process runs the same command, and the first of them publishes.
    """
    gpus = tf.config.list_logical_devices("GPU")
    if name == "multiworker":
        if not tf.distribute.cluster_resolver.TFConfigClusterResolver().cluster_spec().jobs:
            raise ConfigError(
                'strategy = "multiworker" needs TF_CONFIG in the environment of every process: the addresses of all '
                'workers, and which of them it is. On one host, strategy = "mirrored" uses all its GPUs.'
            )
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "mirrored" or (name == "auto" and len(gpus) > 1):
        devices = gpus or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.get_strategy()  # the default: the first GPU, or else the CPU


@contextmanager
def precision(*, mixed: bool) -> Iterator[None]:
    """Networks built inside compute in half precision, where they do not ask for more themselves."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16" if mixed else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def compiling() -> bool:
    """Whether training steps are compiled by XLA: on a GPU. On a CPU compiling takes longer than it gains."""
    return bool(tf.config.list_physical_devices("GPU"))
