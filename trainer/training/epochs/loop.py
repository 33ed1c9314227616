"""Epochs of a Keras model, one at a time, so that each can be measured, kept and gone on from."""

import time
from collections.abc import Callable, Sequence

import keras
import tensorflow as tf
from numpy.typing import NDArray

from trainer.progress import Progress
from trainer.training.epochs.batches import PictureBatches


def fit_epoch(
    model: keras.Model, batches: PictureBatches, epoch: int, epochs: int, progress: Progress
) -> tuple[float, float]:
    """Train on every batch once, as `epoch` (from 1) of `epochs`. Returns the mean loss and the seconds it took.

    Raises SourceError when a picture has become unreadable.
    """
    began = time.perf_counter()
    done, total = (epoch - 1) * len(batches), epochs * len(batches)
    callback = _BatchProgress(lambda batch: progress(done + batch, total))
    try:
        history = model.fit(batches, epochs=1, shuffle=False, verbose=0, callbacks=[callback])
    except tf.errors.OpError as error:
        raise batches.failure or error from None
    return float(history.history["loss"][0]), time.perf_counter() - began


class _BatchProgress(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Says how many batches are done."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        super().__init__()
        self.tell = tell

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002  # Keras names it
        self.tell(batch + 1)


def state_of(model: keras.Model) -> list[NDArray]:  # type: ignore[type-arg]  # of any type
    """Everything that training changes: weights, the counters of random layers, the optimizer's moments."""
    return [variable.numpy() for variable in _variables(model)]


def restore(model: keras.Model, state: Sequence[NDArray]) -> None:  # type: ignore[type-arg]  # of any type
    """Take up what `state_of` gave for a model built the same way."""
    for variable, value in zip(_variables(model), state, strict=True):
        variable.assign(value)


def _variables(model: keras.Model) -> list[keras.Variable]:
    model.optimizer.build(model.trainable_variables)
    metrics = {id(variable) for variable in model.metrics_variables}
    return [v for v in [*model.variables, *model.optimizer.variables] if id(v) not in metrics]
