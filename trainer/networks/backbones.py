"""Networks cut before their pooling: uint8 RGB pictures in, a feature map out, preprocessing inside.

A backbone is an entry in `BACKBONES`: how it wants its pixels, how it is built, where its weights are, who reads them.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import keras
from keras import KerasTensor, Model

from trainer.errors import ConfigError, WeightsError
from trainer.networks import efficientnet_b0
from trainer.networks.efficientnet_lite import efficientnet_lite0, load_torch_weights, packaged_weights
from trainer.networks.keras_weights import Published, fetch, load_keras_weights
from trainer.networks.pixels import Pixels
from trainer.networks.siamese import siamese


class Backbone(NamedTuple):
    """One kind of network."""

    pixels: Callable[..., Pixels]
    """The layer that makes of a picture what the network was trained on."""
    build: Callable[[KerasTensor], KerasTensor]
    imagenet: Published | Callable[[], Path] | None
    """Where the file of its ImageNet weights is; None: it has none."""
    load: Callable[[Model, Path], None] = load_keras_weights
    scales_itself: bool = False
    """Whether `build` scales pixels as well, which is then taken out."""


def _application(build: Callable[..., Model]) -> Callable[[KerasTensor], KerasTensor]:
    """A network of keras.applications up to its last feature map."""
    return lambda x: build(include_top=False, weights=None, input_tensor=x, input_shape=x.shape[1:]).output


CENTRED = partial(Pixels, (127.5,) * 3, (127.5,) * 3)  # -1..1
CAFFE = partial(Pixels, (103.939, 116.779, 123.68), (1.0,) * 3, "BGR")
STANDARDISED = partial(
    Pixels, [255 * mean for mean in efficientnet_b0.MEAN], [255 * std for std in efficientnet_b0.STD]
)
KERAS = "tensorflow/keras-applications"

BACKBONES = {
    # Tan & Le 2019 (https://arxiv.org/abs/1905.11946), Lite0: see its file
    "efficientnet-lite0": Backbone(
        partial(Pixels, (127.0,) * 3, (128.0,) * 3), efficientnet_lite0, packaged_weights, load_torch_weights
    ),
    # He et al. 2015 (https://arxiv.org/abs/1512.03385)
    "resnet50": Backbone(
        CAFFE,
        _application(keras.applications.ResNet50),
        Published(
            f"{KERAS}/resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5", "4d473c1dd8becc155b73f8504c6f6626"
        ),
    ),
    # Sandler et al. 2018 (https://arxiv.org/abs/1801.04381)
    "mobilenetv2": Backbone(
        CENTRED,
        _application(keras.applications.MobileNetV2),
        Published(
            f"{KERAS}/mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
            None,  # Keras names no checksum for it
        ),
    ),
    "efficientnetb0": Backbone(
        STANDARDISED,
        _application(keras.applications.EfficientNetB0),
        Published("keras-applications/efficientnetb0_notop.h5", "50bc09e76180e00e4465e1a485ddc09d"),
        efficientnet_b0.load_efficientnetb0,
        scales_itself=True,
    ),
    # Simonyan & Zisserman 2015 (https://arxiv.org/abs/1409.1556)
    "vgg16": Backbone(
        CAFFE,
        _application(keras.applications.VGG16),
        Published(
            f"{KERAS}/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", "6d6bbae143d832006294945121d1f1fc"
        ),
    ),
    # Szegedy et al. 2016 (https://arxiv.org/abs/1512.00567)
    "inceptionv3": Backbone(
        CENTRED,
        _application(keras.applications.InceptionV3),
        Published(
            f"{KERAS}/inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "bcbd6486424b2319ff4ef7d526e38f63",
        ),
    ),
    "siamese": Backbone(CENTRED, siamese, None),
}


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
        path = _imagenet_file(name, backbone.imagenet) if weights == "imagenet" else Path(weights)
        network = Model(model.get_layer("pixels").output, model.output, name=name)
        backbone.load(network, path)
    return model


def _untrained(name: str, backbone: Backbone, size: int) -> Model:
    images = keras.Input((size, size, 3), dtype="uint8", name="images")
    try:
        output = backbone.build(backbone.pixels(name="pixels")(images))
    except ValueError as error:  # how keras.applications says that a picture is too small
        raise ConfigError(f"{name} cannot be built for pictures of {size} x {size} pixels: {error}") from error
    model = Model(images, output, name=name)
    return efficientnet_b0.without_scaling(model) if backbone.scales_itself else model


def _imagenet_file(name: str, place: Published | Callable[[], Path] | None) -> Path:
    if place is None:
        raise WeightsError(f'{name} has no ImageNet weights: it starts from scratch. Set weights to "none" or a file.')
    return fetch(name, place) if isinstance(place, Published) else place()
