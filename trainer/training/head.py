"""The linear head on cached features: chosen on held-out pictures, of labels seen and of labels never seen."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np
from numpy.typing import NDArray

from trainer.config import HeadConfig
from trainer.data.split import TEST, TRAIN, UNLABELLED, VALIDATION, hold_out_labels
from trainer.errors import ConfigError
from trainer.evaluation.metrics import Scores
from trainer.networks.closed_form import Candidate, label_means, linear_starts, narrowed
from trainer.progress import Epoch, Progress, Watch
from trainer.training import validation
from trainer.training.epochs.batches import epoch_batches
from trainer.training.epochs.loop import check_features, check_spread
from trainer.training.losses import Proxies, make_loss, uses_proxies
from trainer.training.validation import Validation

Kernel = NDArray[np.float32]

INNER_SHARE = 0.2  # of the training labels, held out to choose by
LABEL_DRAWS = 3  # times that labels are held out so


@dataclass(frozen=True, slots=True)
class Examples:
    """Features float32 [n, 1 + views, e], the clean picture first; label numbers int64 [n]; parts int8 [n].

    With `details` float32 [n, e], a small part of each picture, labels are not looked at: the views of a picture are
    what is alike, and held-out pictures are searched by their details.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    parts: NDArray[np.int8]
    details: NDArray[np.float32] | None = None
    crowded: bool = False
    """Whether held-out pictures are searched among those trained on, too, though their labels are new."""

    @property
    def supervised(self) -> bool:
        """Whether labels say what is alike."""
        return self.details is None

    def validation(self) -> Validation:
        """Who is searched for, and among whom."""
        if not self.supervised:
            return validation.by_details(self.parts)
        return (validation.by_new_labels if self.crowded else validation.by_labels)(self.labels, self.parts)

    def only(self, *parts: int) -> "Examples":
        """The pictures of these parts that can be learned from."""
        return self.rows(np.isin(self.parts, parts) & (not self.supervised or self.labels != UNLABELLED))

    def rows(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Examples":
        """These pictures."""
        details = None if self.details is None else self.details[rows]
        return Examples(self.features[rows], self.labels[rows], self.parts[rows], details, self.crowded)

    def alike(self) -> NDArray[np.int64]:
        """Numbers int64 [n] that say which rows are alike: the labels, or each picture by itself."""
        return self.labels if self.supervised else np.arange(len(self.labels))


@dataclass(frozen=True, slots=True)
class Head:
    """A linear head, float32 [e, dims] each, chosen on held-out pictures.

    `kernel` is fitted on all pictures that can be learned from, with the settings that validation chose.
    `validation_kernel` is fitted without the held-out pictures; `scores` are its scores on them. `new_label_kernel` is
    fitted without the labels that `new_labels` holds out; None where it holds out none.
    """

    kernel: Kernel
    validation_kernel: Kernel
    new_label_kernel: Kernel | None
    start: Candidate
    epochs: int
    scores: Scores
    history: Sequence[Epoch]
    new_label_gain: float | None = None
    """Of mAP against the features as they are, over several draws of labels held out; None where none can be."""


def measure(examples: Examples, kernel: Kernel | None = None, *, intervals: bool = True) -> Scores:
    """The held-out pictures by the features as they are, or through a kernel [e, dims]; with their intervals or not."""
    among = examples.validation()
    query_features = examples.features[:, 0] if examples.details is None else examples.details
    queries, gallery = query_features[among.queries], examples.features[among.gallery, 0]
    if kernel is not None:
        queries, gallery = queries @ kernel, gallery @ kernel
    return among.scores(queries, gallery, intervals=intervals)


def tune_head(
    examples: Examples,
    config: HeadConfig,
    seed: int,
    progress: Progress,
    watch: Watch,
    *,
    max_dims: int | None = None,
) -> Head:
    """Choose start, dims and the number of epochs on held-out pictures, then fit on all that can be learned from.

    The head that is best for labels it has seen can be poor for new ones, so candidates are measured on both: on the
    run's own held-out pictures, and on several draws of labels of the training part that are held out whole from fits
    of their own, among all pictures. A weighted mean of the two decides, among those that hurt neither: whose mAP is
    no lower than that of the features as they are. Where all hurt, the one that hurts least is taken.
    `max_dims`: what PCA leaves of an embedding later; candidates are measured so.
    Raises TrainingCollapsed when all embeddings become the same, or all features are from the start.
    """
    check_features(examples.features[:, 0])
    if not examples.supervised and examples.features.shape[1] < 2:
        raise ConfigError("Without labels a head learns from augmented views: set views to 1 or more under [head].")
    began = time.perf_counter()
    scaled = _scaled(examples)
    draws = new_label_draws(scaled, seed)
    starts = [_starts(split.only(TRAIN), config, seed, max_dims) for split in (scaled, *draws)]
    baseline = [measure(split, intervals=False) for split in (scaled, *draws)]
    candidates = list(starts[0])
    scores_by_candidate = [
        [measure(split, start[c], intervals=False) for split, start in zip((scaled, *draws), starts, strict=True)]
        for c in candidates
    ]
    best = validation.best_harmless(scores_by_candidate, baseline, new_label_loss=config.new_label_loss)
    candidate, chosen_scores = candidates[best], scores_by_candidate[best]

    splits, reference = [scaled, *draws[:1]], baseline[: 1 + len(draws[:1])]
    by_epoch = [chosen_scores[: len(splits)]]
    kernels = [[start[candidate] for start in starts[: len(splits)]]]
    own = by_epoch[0][0]
    history = [Epoch("head", 0, None, own.precision_at_1, own.map, time.perf_counter() - began)]
    training = [
        train_linear(split.only(TRAIN), kernel, config, seed) for split, kernel in zip(splits, kernels[0], strict=True)
    ]
    for epoch, steps in enumerate(zip(*training, strict=True), start=1):
        by_epoch.append(
            [measure(split, step.kernel, intervals=False) for split, step in zip(splits, steps, strict=True)]
        )
        own = by_epoch[-1][0]
        kernels.append([step.kernel for step in steps])
        history.append(Epoch("head", epoch, steps[0].loss, own.precision_at_1, own.map, steps[0].seconds))
        watch(history[-1])
        progress(epoch, config.max_epochs)
        if (
            epoch - validation.best_harmless(by_epoch, reference, new_label_loss=config.new_label_loss)
            >= config.patience_epochs
        ):
            break
    progress(max(1, config.max_epochs), max(1, config.max_epochs))

    epochs = validation.best_harmless(by_epoch, reference, new_label_loss=config.new_label_loss)
    kernel = fit_head(examples.only(TRAIN, VALIDATION), candidate, epochs, config, seed, max_dims=max_dims)
    validation_kernel, *others = kernels[epochs]
    after = by_epoch[epochs] + chosen_scores[len(splits) :] if epochs == 0 else by_epoch[epochs]
    gains = [here.map - before.map for here, before in zip(after, baseline, strict=False)][1:]
    return Head(
        kernel,
        validation_kernel,
        others[0] if others and new_labels(scaled, seed) is not None else None,
        candidate,
        epochs,
        measure(scaled, validation_kernel),
        history,
        float(np.mean(gains)) if gains else None,
    )


def fit_head(
    examples: Examples,
    start: Candidate,
    epochs: int,
    config: HeadConfig,
    seed: int,
    *,
    max_dims: int | None = None,
) -> Kernel:
    """A head float32 [e, dims] fitted on all these examples, with what was chosen for it before."""
    scaled = _scaled(examples)
    settings: dict[str, object] = {"dims": (start.dims,)}
    if config.init == "lda":
        settings |= {"shrinkage": (start.shrinkage,), "general": (start.general,)}
    ((_start, kernel),) = _starts(scaled, config.model_copy(update=settings), seed, max_dims).items()
    for _epoch, step in zip(range(epochs), train_linear(scaled, kernel, config, seed), strict=False):
        kernel = step.kernel
    return kernel


def new_labels(examples: Examples, seed: int) -> Examples | None:
    """The training part split once more, by label, unless the run's own split is by label already.

    None where there are too few labels for that, or none to be looked at.
    """
    labels = np.where(examples.parts == TRAIN, examples.labels, UNLABELLED)
    has_known = np.isin(examples.labels[examples.parts == VALIDATION], labels[labels != UNLABELLED]).any()
    held_out = hold_out_labels(labels, INNER_SHARE, np.random.default_rng(seed))
    if not (examples.supervised and has_known and held_out.any()):
        return None
    parts = np.where(held_out, VALIDATION, np.where(examples.parts == TRAIN, TRAIN, TEST)).astype(np.int8)
    return replace(examples, parts=parts)


def new_label_draws(examples: Examples, seed: int) -> list[Examples]:
    """The training part split several times over, by label, each time with other labels held out.

    Their pictures are searched among all pictures of the training part: a gallery as crowded as the real one.
    Empty where there are too few labels for that, or none to be looked at.
    """
    labels = np.where(examples.parts == TRAIN, examples.labels, UNLABELLED)
    draws = []
    for draw in range(LABEL_DRAWS):
        held_out = hold_out_labels(labels, INNER_SHARE, np.random.default_rng(seed + draw))
        if examples.supervised and held_out.any():
            parts = np.where(held_out, VALIDATION, np.where(examples.parts == TRAIN, TRAIN, TEST)).astype(np.int8)
            draws.append(replace(examples, parts=parts, crowded=True))
    return draws


def _scaled(examples: Examples) -> Examples:
    """Features of root mean square length one, so that a learning rate means the same for every backbone."""
    size = np.float32(np.sqrt(np.square(examples.features[:, 0]).sum(axis=1).mean()))
    details = None if examples.details is None else examples.details / size
    return replace(examples, features=examples.features / size, details=details)


def _starts(examples: Examples, config: HeadConfig, seed: int, max_dims: int | None = None) -> dict[Candidate, Kernel]:
    """Each way to start, of `max_dims` at most, scaled to embeddings of root mean square length one."""
    clean = examples.features[:, 0]
    kernels = {
        candidate: kernel if max_dims is None else narrowed(kernel, clean, max_dims)
        for candidate, kernel in linear_starts(examples.features, examples.alike(), config, seed).items()
    }
    return {
        candidate: kernel / np.float32(np.sqrt(np.square(clean @ kernel).sum(axis=1).mean()))
        for candidate, kernel in kernels.items()
    }


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
    head = keras.layers.Dense(start.shape[1], use_bias=False, name="head")
    model = keras.Sequential([keras.Input(start.shape[:1]), head])
    head.set_weights([start])
    numbers = np.unique(examples.alike(), return_inverse=True)[1]
    if examples.supervised and uses_proxies(config):
        model.add(Proxies(int(numbers.max()) + 1, label_means(examples.features[:, 0] @ start, numbers)))
    model.compile(keras.optimizers.Adam(config.learning_rate), make_loss(config, supervised=examples.supervised))
    for epoch in range(1, config.max_epochs + 1):
        began = time.perf_counter()
        losses = []
        for rows in epoch_batches(numbers, config, rng, supervised=examples.supervised):
            views = _draw_views(rows, examples.features.shape[1], rng, supervised=examples.supervised)
            losses.append(float(model.train_on_batch(examples.features[rows, views], numbers[rows])))
        (kernel,) = head.get_weights()
        check_spread(examples.features[:, 0] @ kernel, "head", epoch)
        yield Step(kernel, float(np.mean(losses)) if losses else None, time.perf_counter() - began)


def _draw_views(
    rows: NDArray[np.int64], views: int, rng: np.random.Generator, *, supervised: bool
) -> NDArray[np.int64]:
    """Which view of each row of a batch; of the two neighbours that are one picture, two different ones."""
    if supervised:
        return rng.integers(0, views, len(rows))
    return rng.permuted(np.tile(np.arange(views), (len(rows) // 2, 1)), axis=1)[:, :2].ravel()
