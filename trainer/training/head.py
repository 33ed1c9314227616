"""The linear head on cached features: chosen on held-out pictures, of labels seen and of labels never seen."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from trainer.config import HeadConfig
from trainer.data.split import TRAIN, VALIDATION
from trainer.errors import ConfigError
from trainer.evaluation.metrics import Scores
from trainer.networks.closed_form import Candidate, linear_starts, narrowed
from trainer.progress import Epoch, Progress, Watch
from trainer.training import validation
from trainer.training.collapse import check_features
from trainer.training.examples import Examples, Kernel, measure, new_label_draws, new_labels

if TYPE_CHECKING:
    from trainer.training.linear import Step


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
    check_features(examples.clean)
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
        _trained(split.only(TRAIN), kernel, config, seed) for split, kernel in zip(splits, kernels[0], strict=True)
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
    for _epoch, step in zip(range(epochs), _trained(scaled, kernel, config, seed), strict=False):
        kernel = step.kernel
    return kernel


def _scaled(examples: Examples) -> Examples:
    """Features of root mean square length one, so that a learning rate means the same for every backbone."""
    squares = sum(float(np.square(block).sum(dtype=np.float64)) for block in examples.clean.blocks())
    size = float(np.sqrt(squares / len(examples.labels)))
    details = None if examples.details is None else examples.details / size
    judged = examples.judged and replace(examples.judged, differences=examples.judged.differences / size)
    return replace(examples, factor=examples.factor / size, details=details, judged=judged)


def _starts(examples: Examples, config: HeadConfig, seed: int, max_dims: int | None = None) -> dict[Candidate, Kernel]:
    """Each way to start, of `max_dims` at most, scaled to embeddings of root mean square length one."""
    clean, rows, judged = examples.clean, examples.all_views, None
    if examples.judged is not None:  # a pair counts for as many as there are views of a picture
        judged = examples.judged.differences * np.float32(np.sqrt(len(rows.views))), examples.judged.same
    alike = np.repeat(examples.alike(), len(rows.views))
    kernels = {
        candidate: kernel if max_dims is None else narrowed(kernel, clean, max_dims)
        for candidate, kernel in linear_starts(rows, alike, config, seed, judged).items()
    }
    return {
        candidate: kernel / np.float32(np.sqrt(np.square(clean @ kernel).sum(axis=1).mean()))
        for candidate, kernel in kernels.items()
    }


def _trained(examples: Examples, start: Kernel, config: HeadConfig, seed: int) -> Iterator["Step"]:
    """The epochs of a head [e, dims] from `start`; none where the closed form alone is wanted, which needs no Keras."""
    if not config.max_epochs:
        return iter(())
    from trainer.training.linear import train_linear

    return train_linear(examples, start, config, seed)
