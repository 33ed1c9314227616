"""The autoencoder stage: the encoder learns to keep what rebuilds these pictures. It needs no labels."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import Model
from numpy.typing import NDArray
from PIL import Image

from retrieval.images import resize
from trainer.config import AutoencoderConfig, Config
from trainer.data.augment import augment
from trainer.data.split import TRAIN
from trainer.networks.backbones import build_backbone
from trainer.networks.blocks import freeze_norms, last_block, layers_from
from trainer.networks.decoder import RebuildLoss, build_autoencoder, build_decoder
from trainer.progress import Epoch, Progress, Watch
from trainer.training.epochs.batches import PictureBatches
from trainer.training.epochs.checkpoint import Checkpoint
from trainer.training.epochs.dataset import Pictures
from trainer.training.epochs.devices import compiling, precision
from trainer.training.epochs.loop import fit_epoch, restore, state_of
from trainer.training.epochs.optimizer import TwoRates

SHEET_PICTURES = 8


def train_autoencoder(
    backbone: Model,
    pictures: Pictures,
    config: Config,
    strategy: tf.distribute.Strategy,
    checkpoint: Checkpoint,
    sheets: Path,
    progress: Progress,
    watch: Watch,
) -> tuple[Model, Sequence[Epoch]]:
    """First the decoder on the frozen encoder, then both, of the encoder its last block alone, at a low rate.

    Returns the adapted backbone in float32, and the history. A sheet of originals and what was rebuilt of them is
    written into the folder `sheets` after every epoch. An interrupted training goes on from `checkpoint`.
    """
    settings = config.autoencoder
    rows = np.flatnonzero(pictures.parts == TRAIN)
    sheet_rows = np.flatnonzero(pictures.parts != TRAIN)[:SHEET_PICTURES]
    sheet_rows = sheet_rows if len(sheet_rows) else rows[:SHEET_PICTURES]
    originals = np.stack([pictures.square(row) for row in sheet_rows])
    keras.utils.set_random_seed(config.seed)  # whatever came before, also in a run that goes on
    with strategy.scope(), precision(mixed=config.mixed_precision):
        network = build_backbone(config.encoder.backbone, "none", config.encoder.side)
        network.set_weights(backbone.get_weights())
        model = build_autoencoder(network, build_decoder(network))

    saved = checkpoint.load()
    history = [Epoch(**epoch) for epoch in saved[1]["history"]] if saved else []
    done, frozen = len(history), None
    epochs = settings.frozen_epochs + settings.epochs
    for epoch in range(max(1, done), epochs + 1):
        if frozen != (epoch <= settings.frozen_epochs):
            frozen = epoch <= settings.frozen_epochs
            with strategy.scope():
                _compile(model, network, settings, frozen=frozen)
        if saved and epoch == done:
            with strategy.scope():
                restore(model, saved[0]["model"])
            continue
        loss, seconds = fit_epoch(
            model, _batches(pictures, rows, config, epoch, strategy.num_replicas_in_sync), epoch, epochs, progress
        )
        history.append(Epoch("autoencoder", epoch, loss, None, None, seconds))
        watch(history[-1])
        rebuilt = keras.ops.convert_to_numpy(model(originals, training=False))  # predict answers once for each device
        write_sheet(sheets / f"autoencoder-epoch-{epoch:02}.webp", originals, rebuilt)
        checkpoint.save({"model": state_of(model)}, {"history": [asdict(e) for e in history]})
    with precision(mixed=False):
        adapted = build_backbone(config.encoder.backbone, "none", config.encoder.side)
    adapted.set_weights(network.get_weights())
    return adapted, history


def _compile(model: Model, network: Model, settings: AutoencoderConfig, *, frozen: bool) -> None:
    """What trains now, and how fast: the decoder, or the decoder and the last block of the encoder."""
    network.trainable = not frozen
    if not frozen:
        block = layers_from(network, last_block(network))
        for layer in network.layers:
            layer.trainable = layer in block
        freeze_norms(network)
    optimizer = TwoRates(
        settings.learning_rate,
        slower=network.trainable_variables,
        factor=settings.block_learning_rate / settings.learning_rate,
    )
    model.compile(optimizer, RebuildLoss(settings.ssim_share), jit_compile=compiling())


def _batches(pictures: Pictures, rows: NDArray[np.int64], config: Config, epoch: int, devices: int) -> PictureBatches:
    """Every picture once, in random order; the last, smaller batch too."""
    order = np.random.default_rng([config.seed, epoch]).permutation(rows)
    size = config.autoencoder.pictures_per_batch
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    return PictureBatches(batches, pictures, None, augment=augment, seed=(config.seed, epoch), devices=devices)


def write_sheet(path: Path, originals: NDArray[np.uint8], rebuilt: NDArray[np.float32]) -> None:
    """Originals uint8 [n, H, W, 3] above what was rebuilt of them, float32 [n, s, s, 3] in 0..1."""
    side = rebuilt.shape[1]
    above = [resize(picture, side, side) for picture in originals]
    below = [(picture * 255).round().astype(np.uint8) for picture in rebuilt]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.vstack([np.hstack(above), np.hstack(below)])).save(path, quality=85)
