"""Tuning on cached features: the frozen encoder, then a head, and what held-out pictures say of both."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from retrieval.projection import unit
from trainer.config import HeadConfig
from trainer.errors import TrainingCollapsed
from trainer.losses import BatchHardTriplet
from trainer.metrics import Scores, score
from trainer.networks.heads import scatter, whitened_directions
from trainer.progress import Progress
from trainer.sampling import pk_batches
from trainer.split import UNLABELLED

MOST_QUERIES = 2_000  # held-out pictures searched with after each epoch: a standard error of 1 % at most
COLLAPSED_SPREAD = 0.01  # root mean square distance of unit embeddings from their mean, of at most 1


@dataclass(frozen=True, slots=True)
class Epoch:
    """One line of history.csv. Epoch 0 is the closed-form start; `loss` is the mean over the batches of an epoch."""

    epoch: int
    loss: float | None
    recall_at_1: float
    map: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Head:
    """A tuned head. `kernel` float32 [e, dims] was fitted on every labelled picture with what validation chose;

    `scores` are those of its twin that never saw the held-out pictures.
    """

    kernel: NDArray[np.float32]
    shrinkage: float
    epochs: int
    scores: Scores
    history: Sequence[Epoch]


@dataclass(frozen=True, slots=True)
class Examples:
    """Features float32 [n, 1 + views, e], label numbers int64 [n], and which rows are held out."""

    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    held_out: NDArray[np.bool_]

    def validate(self, kernel: NDArray[np.float32] | None = None) -> Scores:
        """Held-out pictures, up to MOST_QUERIES of them, searched among all the other labelled ones by cosine.

        Without a kernel: by the features as they are.
        """
        clean = self.features[:, 0] if kernel is None else self.features[:, 0] @ kernel
        gallery = ~self.held_out & (self.labels != UNLABELLED)
        queries = np.flatnonzero(self.held_out)
        queries = queries[:: -(-len(queries) // MOST_QUERIES)]
        return score(clean[queries], self.labels[queries], clean[gallery], self.labels[gallery])

    def training(self) -> "Examples":
        """The labelled rows that are not held out."""
        rows = ~self.held_out & (self.labels != UNLABELLED)
        return Examples(self.features[rows], self.labels[rows], self.held_out[rows])

    def labelled(self) -> "Examples":
        """All labelled rows."""
        rows = self.labels != UNLABELLED
        return Examples(self.features[rows], self.labels[rows], self.held_out[rows])


def best(candidates: Sequence[Scores]) -> int:
    """Which of several is best on the same held-out pictures: by recall@1, and between equals by mAP.

    Equal means within one standard error of the highest recall@1 (Breiman et al. 1984, "Classification and Regression
    Trees", section 3.4.3): where nearly every held-out picture finds its like, one picture more or less is chance,
    while mAP still tells a good ranking from a better one.
    """
    highest = max(scores.precision_at_1 for scores in candidates)
    error = np.sqrt(highest * (1 - highest) / candidates[0].queries)
    equals = [i for i, scores in enumerate(candidates) if scores.precision_at_1 >= highest - error]
    return max(equals, key=lambda i: candidates[i].map)


def tune_head(examples: Examples, config: HeadConfig, seed: int, progress: Progress) -> Head:
    """Choose the start and the number of epochs on held-out pictures, then fit on every labelled picture.

    Raises TrainingCollapsed when all embeddings become the same, or all features are from the start.
    """
    if not np.ptp(examples.features[:, 0], axis=0).max() > 0:
        raise TrainingCollapsed(
            "The backbone gives the same features for every picture, or none that are numbers. Check its weights."
        )
    began = time.perf_counter()
    scaled = _scaled(examples)
    training = scaled.training()
    starts = _closed_forms(training, config.shrinkage, config.dims)
    found = [scaled.validate(start) for start in starts]
    chosen = best(found)
    reached = [found[chosen]]
    history = [Epoch(0, None, reached[0].precision_at_1, reached[0].map, time.perf_counter() - began)]

    def watch(epoch: int, kernel: NDArray[np.float32], loss: float | None, seconds: float) -> bool:
        reached.append(scaled.validate(kernel))
        history.append(Epoch(epoch, loss, reached[-1].precision_at_1, reached[-1].map, seconds))
        progress(epoch, config.max_epochs)
        return epoch - best(reached) < config.patience_epochs

    train_linear(training, starts[chosen], config, seed, watch)
    progress(config.max_epochs, config.max_epochs)
    epochs, shrinkage = best(reached), config.shrinkage[chosen]
    everything = scaled.labelled()
    (kernel,) = _closed_forms(everything, [shrinkage], config.dims)
    if epochs:
        kernel = train_linear(everything, kernel, config, seed, lambda epoch, *_: epoch < epochs)
    return Head(kernel, shrinkage, epochs, reached[epochs], history)


def _scaled(examples: Examples) -> Examples:
    """Features of root mean square length one, so that a learning rate means the same for every backbone."""
    size = np.sqrt(np.square(examples.features[:, 0]).sum(axis=1).mean())
    return Examples(examples.features / np.float32(size), examples.labels, examples.held_out)


def _closed_forms(examples: Examples, shrinkages: Sequence[float], dims: int) -> list[NDArray[np.float32]]:
    """A closed-form head over all views for each shrinkage, scaled to embeddings of root mean square length one."""
    count, views, width = examples.features.shape
    rows, labels = examples.features.reshape(count * views, width), np.repeat(examples.labels, views)
    within, total = scatter(rows, labels)
    kernels = []
    for shrinkage in shrinkages:
        kernel = whitened_directions(within, total, shrinkage=shrinkage, dims=min(dims, width))
        size = np.sqrt(np.square(examples.features[:, 0] @ kernel).sum(axis=1).mean())
        kernels.append(kernel / np.float32(size))
    return kernels


def train_linear(
    examples: Examples,
    start: NDArray[np.float32],
    config: HeadConfig,
    seed: int,
    watch: Callable[[int, NDArray[np.float32], float | None, float], bool],
) -> NDArray[np.float32]:
    """Train a linear head [e, dims] from `start` with batch-hard triplets until `watch` says stop.

    `watch(epoch, kernel, mean loss, seconds)` is asked after each epoch, from 1 on; the loss is None where there is no
    batch to be made. Each picture of a batch appears as one of its views, drawn at random.
    """
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    head = keras.layers.Dense(start.shape[1], use_bias=False)
    model = keras.Sequential([keras.Input(start.shape[:1]), head])
    head.set_weights([start])
    model.compile(keras.optimizers.Adam(config.learning_rate), BatchHardTriplet(config.margin))
    kernel = start
    for epoch in range(1, config.max_epochs + 1):
        began = time.perf_counter()
        losses = []
        for rows in pk_batches(examples.labels, config.labels_per_batch, config.pictures_per_label, rng):
            views = rng.integers(0, examples.features.shape[1], len(rows))
            losses.append(float(model.train_on_batch(examples.features[rows, views], examples.labels[rows])))
        (kernel,) = head.get_weights()
        check_spread(examples.features[:, 0] @ kernel, epoch)
        loss = float(np.mean(losses)) if losses else None
        if not watch(epoch, kernel, loss, time.perf_counter() - began):
            break
    return kernel


def check_spread(embeddings: NDArray[np.float32], epoch: int) -> None:
    """The collapse alarm. Raises TrainingCollapsed when all embeddings [n, d] point one way, or are not numbers."""
    directions = unit(embeddings)
    spread = float(np.sqrt(np.square(directions - directions.mean(axis=0)).sum(axis=1).mean()))
    if not spread > COLLAPSED_SPREAD:
        raise TrainingCollapsed(
            f"After epoch {epoch} all embeddings are nearly the same (spread {spread:.2g}). "
            "Lower learning_rate or margin under [head], or check that labels are not mixed up."
        )
