"""Features for the tests of the linear head, made so that it is known what can be learned from them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.config import HeadConfig
from trainer.data.split import TRAIN, UNLABELLED, VALIDATION
from trainer.training.examples import Examples
from trainer.training.head import Head, tune_head

CONFIG = HeadConfig(
    dims=(6,),
    general=(0.0,),
    max_epochs=4,
    patience_epochs=2,
    labels_per_batch=6,
    pictures_per_label=4,
    learning_rate=1e-2,
)
WIDTH = 16

Kernel = NDArray[np.float32]


def made(*, labels: int = 12, each: int = 10, views: int = 2, seed: int = 0, new_labels: bool = False) -> Examples:
    """Features whose loudest directions say nothing of the label: three quiet ones do. Some pictures have no label."""
    rng = np.random.default_rng(seed)
    numbers = np.concatenate([np.repeat(np.arange(labels), each), np.full(5, UNLABELLED)])
    rows = rng.normal(size=(len(numbers), 1, WIDTH)) * np.where(np.arange(WIDTH) < 3, 0.3, 3)
    rows[:, 0, :3] += rng.normal(size=(labels + 1, 3))[numbers] * 1.5
    features = 50 + np.repeat(rows, 1 + views, axis=1) + 0.1 * rng.normal(size=(len(numbers), 1 + views, WIDTH))
    held_out = numbers < 3 if new_labels else rng.random(len(numbers)) < 0.2
    parts = np.where(held_out & (numbers != UNLABELLED), VALIDATION, TRAIN).astype(np.int8)
    return Examples(features.astype(np.float32), numbers, parts)


def without_labels(*, count: int = 90, views: int = 3, seed: int = 0) -> Examples:
    """Pictures whose views agree in six quiet directions and in no other."""
    rng = np.random.default_rng(seed)
    quiet = np.arange(WIDTH) < 6
    features = 5 + np.where(quiet, rng.normal(size=(count, 1, WIDTH)), 1.5 * rng.normal(size=(count, 2 + views, WIDTH)))
    features += 0.1 * rng.normal(size=features.shape)
    parts = np.where(rng.random(count) < 0.3, VALIDATION, TRAIN).astype(np.int8)
    features = features.astype(np.float32)
    return Examples(features[:, 1:], np.full(count, UNLABELLED), parts, details=features[:, 0])


def tune(examples: Examples, config: HeadConfig = CONFIG) -> Head:
    return tune_head(examples, config, 0, lambda _done, _of: None, lambda _epoch: None)


def changed(**changes: Any) -> HeadConfig:
    return CONFIG.model_copy(update=changes)
