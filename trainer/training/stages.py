"""frozen -> autoencoder -> head -> finetune: each measured on the same held-out pictures, and kept if it helps."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from trainer.config import Config
from trainer.data.features import Features
from trainer.evaluation.metrics import Scores
from trainer.networks import encoders
from trainer.networks.closed_form import Candidate
from trainer.networks.encoders import Encoders
from trainer.progress import Epoch, Listener, Progress
from trainer.training.autoencoder import train_autoencoder
from trainer.training.epochs.checkpoint import Arrays, Checkpoint, State
from trainer.training.epochs.dataset import Pictures
from trainer.training.finetune import FinetuneResult, Start, finetune
from trainer.training.head import Examples, Head, measure, tune_head
from trainer.training.validation import best

Compute = Callable[[Encoders, Progress], Features]
"""The features of the run's pictures by an encoder."""


@dataclass(slots=True)
class Tuning:
    """What the stages work on, and what they have reached so far. `frozen` float32 [n, e]: where they started."""

    config: Config
    pictures: Pictures
    strategy: tf.distribute.Strategy
    work: Path
    made_from: str
    listener: Listener
    encoders: Encoders
    features: Features
    frozen: NDArray[np.float32]
    head: Head | None = None
    """The one that is kept, before it may be fine-tuned."""
    scores: dict[str, Scores] = field(default_factory=dict)
    """Of every stage that ran, kept or not."""
    history: list[Epoch] = field(default_factory=list)
    reached: str = "frozen"

    def checkpoint(self, stage: str) -> Checkpoint:
        """Where a stage keeps its state."""
        return Checkpoint(self.work / f"{stage}.npz", self.made_from)

    def examples(self, features: Features | None = None) -> Examples:
        """Features, those reached so far if none are given, with what is known of the pictures."""
        features = features or self.features
        return Examples(features.values, self.pictures.labels, self.pictures.parts, features.details)

    def judge(self, stage: str, scores: Scores, *, hurts_new_labels: bool = False) -> bool:
        """Whether a stage helped, without harm to labels that it has not seen; says so."""
        before = self.scores[self.reached]
        self.scores[stage] = scores
        helped = best([before, scores]) == 1 and not hurts_new_labels
        measures = ", ".join(
            f"{name} {getattr(scores, key):.3f} ({self.reached} {getattr(before, key):.3f})"
            for name, key in (("recall@1", "precision_at_1"), ("mAP", "map"))
        )
        undone = "it hurts labels that it has not seen" if hurts_new_labels else "no better on the held-out pictures"
        self.listener.note(f"{stage}: {measures}{'' if helped else f': {undone}, so it is undone'}")
        if helped:
            self.reached = stage
        return helped


def tune(tuning: Tuning, compute: Compute) -> None:
    """Run the stages that the configuration switches on. `tuning.encoders` is the encoder after the last that helped.

    Raises TrainingCollapsed, and what the stages raise.
    """
    config = tuning.config
    tuning.scores["frozen"] = measure(tuning.examples())
    if config.autoencoder.enabled and tuning.encoders.backbone is not None:
        _autoencoder(tuning, compute)
    if config.head.enabled:
        _head(tuning)
    if config.finetune.enabled and tuning.encoders.backbone is not None:
        _finetune(tuning)


def _autoencoder(tuning: Tuning, compute: Compute) -> None:
    config, backbone = tuning.config, tuning.encoders.backbone
    with tuning.listener.step("Training the autoencoder") as progress:
        adapted, history = train_autoencoder(
            backbone,
            tuning.pictures,
            config,
            tuning.strategy,
            tuning.checkpoint("autoencoder"),
            tuning.work / "report",
            progress,
            tuning.listener.epoch,
        )
    candidate = encoders.from_backbone("autoencoder", adapted, config.encoder, mirror=config.mirror)
    with tuning.listener.step("Computing its features") as progress:
        features = compute(candidate, progress)
    tuning.history += history
    if tuning.judge("autoencoder", measure(tuning.examples(features))):
        tuning.encoders, tuning.features = candidate, features


def _head(tuning: Tuning) -> None:
    checkpoint = tuning.checkpoint("head")
    with tuning.listener.step("Tuning the head") as progress:
        if saved := checkpoint.load():
            head = _read_head(*saved)
        else:
            head = tune_head(
                tuning.examples(),
                tuning.config.head,
                tuning.config.seed,
                progress,
                tuning.listener.epoch,
                max_dims=tuning.config.reduce.dims,
            )
            checkpoint.save(*_written_head(head))
    tuning.history += head.history
    if tuning.judge(
        "head", head.scores, hurts_new_labels=(head.new_label_gain or 0) < -tuning.config.head.new_label_loss
    ):
        tuning.encoders = encoders.headed(tuning.encoders, head.kernel, tuning.config.encoder)
        tuning.head = head


def _finetune(tuning: Tuning) -> None:
    config, clean = tuning.config, tuning.features.values[:, 0]
    kernel = (
        tuning.head.validation_kernel if tuning.head else None
    )  # the one that has not seen the pictures that decide
    start = Start(
        tuning.encoders.backbone,
        kernel,
        clean if kernel is None else clean @ kernel,
        tuning.scores[tuning.reached],
    )
    with tuning.listener.step("Fine-tuning") as progress:
        tuned: FinetuneResult = finetune(
            start,
            tuning.pictures,
            config,
            tuning.strategy,
            tuning.checkpoint("finetune"),
            progress,
            tuning.listener.epoch,
        )
    tuning.history += tuned.history
    if tuning.judge("finetune", tuned.scores):
        tuning.encoders = encoders.from_keras("finetune", tuned.encoder, None, config.encoder, mirror=config.mirror)


def _written_head(head: Head) -> tuple[Arrays, State]:
    history = [asdict(epoch) for epoch in head.history]
    state = {
        "start": head.start,
        "epochs": head.epochs,
        "scores": asdict(head.scores),
        "history": history,
        "new_label_gain": head.new_label_gain,
    }
    return {
        "kernels": [
            head.kernel,
            head.validation_kernel,
            *([] if head.new_label_kernel is None else [head.new_label_kernel]),
        ]
    }, state


def _read_head(arrays: Arrays, state: State) -> Head:
    kernel, validation_kernel, *other = arrays["kernels"]
    history = [Epoch(**epoch) for epoch in state["history"]]
    start, scores = Candidate(*state["start"]), Scores.from_json(state["scores"])
    return Head(
        kernel,
        validation_kernel,
        other[0] if other else None,
        start,
        state["epochs"],
        scores,
        history,
        state.get("new_label_gain"),
    )
