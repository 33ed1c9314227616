"""Training of a linear head by gradients, one epoch at a time. It brings Keras: heads of the closed form do without."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from trainer.config import HeadConfig
from trainer.networks.closed_form import label_means
from trainer.training.collapse import check_spread
from trainer.training.epochs.batches import epoch_batches
from trainer.training.examples import Examples, Kernel
from trainer.training.losses import Proxies, make_loss, uses_proxies


@dataclass(frozen=True, slots=True)
class Step:
    """The head after one more epoch; the loss is None where there is no batch to be made."""

    kernel: Kernel
    loss: float | None
    seconds: float


def train_linear(examples: Examples, start: Kernel, config: HeadConfig, seed: int) -> Iterator[Step]:
    """Train a linear head [e, dims] from `start`, one epoch each time the next step is asked for.

    Each picture of a batch appears as one of its views, drawn at random; without labels, as two different ones.
    """
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    features = examples.all_views
    head = keras.layers.Dense(start.shape[1], use_bias=False, name="head")
    model = keras.Sequential([keras.Input(start.shape[:1]), head])
    head.set_weights([start])
    numbers = np.unique(examples.alike(), return_inverse=True)[1]
    if examples.supervised and uses_proxies(config):
        model.add(Proxies(int(numbers.max()) + 1, label_means(examples.clean @ start, numbers)))
    model.compile(keras.optimizers.Adam(config.learning_rate), make_loss(config, supervised=examples.supervised))
    for epoch in range(1, config.max_epochs + 1):
        began = time.perf_counter()
        losses = []
        for rows in epoch_batches(numbers, config, rng, supervised=examples.supervised):
            views = _draw_views(rows, examples.features.shape[1], rng, supervised=examples.supervised)
            batch = features[rows * len(features.views) + views]
            losses.append(float(model.train_on_batch(batch, numbers[rows])))
        (kernel,) = head.get_weights()
        check_spread(examples.clean @ kernel, "head", epoch)
        yield Step(kernel, float(np.mean(losses)) if losses else None, time.perf_counter() - began)


def _draw_views(
    rows: NDArray[np.int64], views: int, rng: np.random.Generator, *, supervised: bool
) -> NDArray[np.int64]:
    """Which view of each row of a batch; of the two neighbours that are one picture, two different ones."""
    if supervised:
        return rng.integers(0, views, len(rows))
    return rng.permuted(np.tile(np.arange(views), (len(rows) // 2, 1)), axis=1)[:, :2].ravel()
