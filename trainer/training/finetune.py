"""The whole network, or its upper blocks, trained on pixels together with the head."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial

import keras
import numpy as np
import tensorflow as tf
from keras import Model
from numpy.typing import NDArray

from trainer.config import Config, EncoderConfig
from trainer.data.augment import augment
from trainer.errors import ConfigError, SourceError
from trainer.evaluation.metrics import Scores
from trainer.networks.backbones import build_backbone
from trainer.networks.blocks import freeze_norms, layers_from
from trainer.networks.closed_form import label_means
from trainer.networks.pooling import build_encoder
from trainer.progress import Epoch, Progress, Watch
from trainer.training.collapse import check_spread
from trainer.training.epochs.batches import PictureBatches, epoch_batches
from trainer.training.epochs.checkpoint import Checkpoint
from trainer.training.epochs.dataset import Pictures, measure, seen_in
from trainer.training.epochs.devices import compiling, precision
from trainer.training.epochs.loop import fit_epoch, restore, state_of
from trainer.training.epochs.optimizer import TwoRates, warm_cosine
from trainer.training.losses import Proxies, make_loss, uses_proxies
from trainer.training.validation import best


@dataclass(frozen=True, slots=True)
class Start:
    """The network so far: `backbone`, perhaps a head float32 [e, d], what they make of each picture (float32 [n, d]),

    and the scores they have reached.
    """

    backbone: Model
    kernel: NDArray[np.float32] | None
    embeddings: NDArray[np.float32]
    scores: Scores


@dataclass(frozen=True, slots=True)
class FinetuneResult:
    """The encoder (networks.encoder) with the weights of its best epoch, that epoch's scores, and the history."""

    encoder: Model
    scores: Scores
    history: Sequence[Epoch]


def finetune(
    start: Start,
    pictures: Pictures,
    config: Config,
    strategy: tf.distribute.Strategy,
    checkpoint: Checkpoint,
    progress: Progress,
    watch: Watch,
) -> FinetuneResult:
    """Train until validation no longer gains, and go back to the epoch that was best by it.

    After every epoch the whole state is kept in `checkpoint`, and an interrupted training goes on from there.
    Raises ConfigError for batches that cannot be spread over the devices, SourceError where no batch can be made, and
    TrainingCollapsed when all embeddings become the same.
    """
    settings = config.finetune
    rows = pictures.training_rows()
    numbers = np.unique(pictures.alike()[rows], return_inverse=True)[1]
    targets = np.zeros(len(pictures.labels), np.int64)
    targets[rows] = numbers
    if settings.labels_per_batch % strategy.num_replicas_in_sync:
        raise ConfigError(
            f"labels_per_batch = {settings.labels_per_batch} under [finetune] cannot be shared out evenly to "
            f"{strategy.num_replicas_in_sync} devices. Choose a multiple of that."
        )

    def batches(epoch: int) -> PictureBatches:
        rng = np.random.default_rng([config.seed, epoch])
        return PictureBatches(
            [rows[batch] for batch in epoch_batches(numbers, settings, rng, supervised=pictures.supervised)],
            pictures,
            targets,
            augment=partial(augment, area=(settings.smallest_crop, 1.0), erase=settings.erase),
            seed=(config.seed, epoch),
            devices=strategy.num_replicas_in_sync,
        )

    steps = len(batches(1)) * settings.max_epochs
    if not steps:
        raise SourceError("Fine-tuning needs two labels with two pictures each to learn from. Add pictures.")
    proxies = label_means(start.embeddings[rows], numbers)
    encoder, model = _build(start, config, steps, proxies, strategy, supervised=pictures.supervised)

    network = Model(encoder.input, encoder.output["embedding"])
    encode = seen_in(network.predict_on_batch, config.encoder.fit, mirror=config.mirror)
    history, scores = [Epoch("finetune", 0, None, start.scores.precision_at_1, start.scores.map, 0.0)], start.scores
    best_epoch, best_weights = 0, encoder.get_weights()
    if saved := checkpoint.load():
        arrays, state = saved
        with strategy.scope():
            restore(model, arrays["model"])
        history, scores = [Epoch(**epoch) for epoch in state["history"]], Scores.from_json(state["scores"])
        best_epoch, best_weights = state["best_epoch"], arrays["best"]
    for epoch in range(len(history), settings.max_epochs + 1):
        if epoch - best_epoch > settings.patience_epochs:
            break
        loss, seconds = fit_epoch(model, batches(epoch), epoch, settings.max_epochs, progress)
        epoch_scores, embeddings = measure(pictures, encode)
        check_spread(embeddings, "finetune", epoch)
        history.append(Epoch("finetune", epoch, loss, epoch_scores.precision_at_1, epoch_scores.map, seconds))
        watch(history[-1])
        if best([scores, epoch_scores]) == 1:
            scores, best_epoch, best_weights = epoch_scores, epoch, encoder.get_weights()
        state = {"history": [asdict(e) for e in history], "scores": asdict(scores), "best_epoch": best_epoch}
        checkpoint.save({"model": state_of(model), "best": best_weights}, state)
    return FinetuneResult(_in_float32(start, config.encoder, best_weights), scores, history)


def _build(
    start: Start,
    config: Config,
    steps: int,
    proxies: NDArray[np.float32],
    strategy: tf.distribute.Strategy,
    *,
    supervised: bool,
) -> tuple[Model, Model]:
    """The encoder, and the model that trains it, sharing their weights."""
    settings = config.finetune
    keras.utils.set_random_seed(config.seed)  # whatever came before, also in a run that goes on
    with strategy.scope(), precision(mixed=config.mixed_precision):
        encoder, backbone = _copy(start, config.encoder)
        output = encoder.output["embedding"]
        if supervised and uses_proxies(settings):
            output = Proxies(len(proxies), proxies)(output)
        model = Model(encoder.input, output, name="finetune")
        _choose_layers(backbone, config.encoder)
        model.compile(
            TwoRates(
                warm_cosine(settings.learning_rate, steps, settings.warmup_share),
                slower=backbone.trainable_variables,
                factor=settings.backbone_learning_rate / settings.learning_rate,
            ),
            make_loss(settings, supervised=supervised),
            jit_compile=compiling(),
        )
    return encoder, model


def _copy(start: Start, config: EncoderConfig) -> tuple[Model, Model]:
    """The network so far, built anew under the precision that holds now: the encoder and its backbone."""
    backbone = build_backbone(config.backbone, "none", config.side)
    backbone.set_weights(start.backbone.get_weights())
    return build_encoder(backbone, start.kernel, pooling=config.pooling), backbone


def _choose_layers(backbone: Model, config: EncoderConfig) -> None:
    """Which layers train: see freeze_backbone and train_from in the configuration."""
    if config.freeze_backbone:
        backbone.trainable = False
    elif config.train_from:
        trainable = layers_from(backbone, config.train_from)
        for layer in backbone.layers:
            layer.trainable = layer.trainable and layer in trainable
    if config.weights != "none":
        freeze_norms(backbone)


def _in_float32(start: Start, config: EncoderConfig, weights: Sequence[NDArray[np.float32]]) -> Model:
    with precision(mixed=False):
        encoder, _backbone = _copy(start, config)
    encoder.set_weights(weights)
    return encoder
