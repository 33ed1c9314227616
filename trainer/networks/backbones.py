"""Networks cut before their pooling: uint8 RGB pictures in, a feature map out, preprocessing inside.

They are described in config.backbones. What is not like the others in keras.applications is named here: our own
networks, and files of weights that Keras alone cannot read.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras
from keras import KerasTensor, Model

from trainer.config.backbones import BACKBONES, Backbone
from trainer.errors import ConfigError, WeightsError
from trainer.networks import efficientnet_b0
from trainer.networks.efficientnet_lite import VARIANTS, efficientnet_lite, load_torch_weights, packaged_weights
from trainer.networks.pixels import Pixels
from trainer.networks.siamese import siamese
from trainer.networks.weights.keras_files import fetch, load_keras_weights

LITE = {f"efficientnet-lite{number}": number for number in range(len(VARIANTS))}

BUILDERS: dict[str, Callable[[KerasTensor], KerasTensor]] = {
    "siamese": siamese,
    **{name: efficientnet_lite(number) for name, number in LITE.items()},
}
"""Scaled pictures to the feature map, for networks that keras.applications does not have."""
LOADERS: dict[str, Callable[[Model, Path], None]] = {
    "efficientnetb0": efficientnet_b0.load_efficientnetb0,
    **dict.fromkeys(LITE, load_torch_weights),
}
PACKAGED: dict[str, Callable[[], Path]] = {name: partial(packaged_weights, number) for name, number in LITE.items()}


def build_backbone(name: str, weights: str, size: int) -> Model:
    """The network `name` for pictures of `size` x `size` pixels: uint8 [n, size, size, 3] -> [n, h, w, c].

    The feature map has the precision of the global Keras policy. `weights` is "imagenet", "none" (random, by the global
    seed) or the path of a weights file. Raises WeightsError when the weights cannot be read or reached, ConfigError
    when the network cannot take pictures that small.
    """
    backbone = BACKBONES[name]
    if weights not in ("imagenet", "none") and not Path(weights).is_file():
        raise WeightsError(f'There is no weights file {weights}. Set weights to "imagenet", "none" or a file.')
    model = _untrained(name, backbone, size)
    if weights != "none":
        path = _imagenet_file(name, backbone) if weights == "imagenet" else Path(weights)
        network = Model(model.get_layer("pixels").output, model.output, name=name)
        LOADERS.get(name, load_keras_weights)(network, path)
    return model


def _untrained(name: str, backbone: Backbone, size: int) -> Model:
    images = keras.Input((size, size, 3), dtype="uint8", name="images")
    try:
        scaled = Pixels(*backbone.scaling, name="pixels")(images)
        output = BUILDERS[name](scaled) if name in BUILDERS else _application(backbone, scaled)
    except ValueError as error:  # how keras.applications says that a picture is too small
        raise ConfigError(f"{name} cannot be built for pictures of {size} x {size} pixels: {error}") from error
    model = Model(images, output, name=name)
    return efficientnet_b0.without_scaling(model) if backbone.scales_itself else model


def _application(backbone: Backbone, scaled: KerasTensor) -> KerasTensor:
    """A network of keras.applications up to its last feature map."""
    build = getattr(keras.applications, str(backbone.application))
    options = {"include_preprocessing": False} if backbone.without_preprocessing else {}
    return build(include_top=False, weights=None, input_tensor=scaled, input_shape=scaled.shape[1:], **options).output


def _imagenet_file(name: str, backbone: Backbone) -> Path:
    if backbone.imagenet is None:
        raise WeightsError(f'{name} has no ImageNet weights: it starts from scratch. Set weights to "none" or a file.')
    return PACKAGED[name]() if backbone.imagenet == "package" else fetch(name, backbone.imagenet)
