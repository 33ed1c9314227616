"""A decoder that rebuilds the picture from an encoder's feature map, and the loss that compares the two."""

import math

import keras
import tensorflow as tf
from keras import KerasTensor, Model, layers

MAX_PIXELS = 128  # side of the rebuilt picture; the feature map of 32 times fewer cells knows nothing finer
NARROWEST, WIDEST = 24, 192  # channels


def build_decoder(backbone: Model) -> Model:
    """A feature map [n, h, w, c] to a picture float32 [n, s, s, 3] in 0..1, s = h * 2**m, at most MAX_PIXELS.

    Each step doubles the side (nearest neighbour, then a 3x3 convolution: no chequerboard; Odena et al. 2016,
    "Deconvolution and Checkerboard Artifacts") and halves the channels.
    """
    _batch, side, _width, channels = backbone.output.shape
    doublings = max(1, int(math.log2(MAX_PIXELS / side)))
    cells = keras.Input((side, side, channels), name="cells")
    width = WIDEST
    x = layers.Conv2D(width, 1, activation="relu", name="squeeze")(cells)
    for _doubling in range(doublings):
        width = max(NARROWEST, width // 2)
        x = layers.UpSampling2D(2)(x)
        x = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(3, 3, padding="same", activation="sigmoid", dtype="float32", name="picture")(x)
    return Model(cells, x, name="decoder")


def build_autoencoder(backbone: Model, decoder: Model) -> Model:
    """uint8 [n, H, W, 3] to the rebuilt picture float32 [n, s, s, 3] in 0..1."""
    return Model(backbone.input, decoder(backbone.output), name="autoencoder")


class RebuildLoss(keras.losses.Loss):  # type: ignore[misc]  # Keras ships no types
    """(1 - share) * mean squared error + share * (1 - SSIM), of pictures in 0..1.

    The squared error alone prefers a blur; structural similarity alone does not mind colours. SSIM: Wang et al. 2004,
    "Image Quality Assessment"; the mix: Zhao et al. 2017, "Loss Functions for Image Restoration With Neural Networks".
    """

    def __init__(self, ssim_share: float) -> None:
        super().__init__(name="rebuild")
        self.ssim_share = ssim_share

    def call(self, y_true: KerasTensor, y_pred: KerasTensor) -> KerasTensor:
        """`y_true`: the pictures uint8 [n, H, W, 3] themselves, made as small as `y_pred` here."""
        picture = tf.image.resize(tf.cast(y_true, tf.float32) / 255.0, y_pred.shape[1:3], antialias=True)
        error = tf.reduce_mean(tf.square(picture - y_pred), axis=(1, 2, 3))
        return (1 - self.ssim_share) * error + self.ssim_share * (1 - tf.image.ssim(picture, y_pred, max_val=1.0))
