"""frozen -> autoencoder -> head -> finetune: each measured on the same held-out pictures, and kept if it helps."""

from collections.abc import Callable
from dataclasses import asdict

from trainer.data.features import Features
from trainer.evaluation.metrics import Scores
from trainer.networks import encoders
from trainer.networks.closed_form import Candidate
from trainer.networks.forms import Encoders
from trainer.progress import Epoch, Progress
from trainer.training.autoencoder import train_autoencoder
from trainer.training.epochs.checkpoint import Arrays, State
from trainer.training.examples import measure
from trainer.training.finetune import FinetuneResult, Start, finetune
from trainer.training.head import Head, tune_head
from trainer.training.tuning import Tuning

Compute = Callable[[Encoders, Progress], Features]
"""The features of the run's pictures by an encoder."""


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
