"""EfficientNet-B0 of keras.applications, with its pixels scaled in one place only.

Keras builds the scaling into this network, in the policy's precision, and the last factor of it only where Keras itself
has fetched the weights (https://github.com/tensorflow/tensorflow/issues/49930). Here `Pixels` does all of it.
Tan & Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"
(https://arxiv.org/abs/1905.11946).
"""

from pathlib import Path

import keras
import numpy as np
from keras import Layer, Model, layers

from trainer.config.backbones import IMAGENET_MEAN, IMAGENET_STD
from trainer.errors import WeightsError
from trainer.networks.weights.keras_files import load_keras_weights

OWN_SCALING = (layers.Rescaling, layers.Normalization)


def without_scaling(network: Model) -> Model:
    """A copy of `network` whose layers that scale pixels pass them on as they are; its weights are drawn anew."""

    def copied(layer: Layer) -> Layer:
        if isinstance(layer, OWN_SCALING):
            return layers.Identity(dtype="float32", name=layer.name)
        return type(layer).from_config(layer.get_config())

    return keras.models.clone_model(network, clone_function=copied)


def load_efficientnetb0(network: Model, path: Path) -> None:
    """Fill `network`, which scales nothing itself, from a weights file of the whole network as Keras has it.

    Raises WeightsError when the file is none, or was trained on pixels of another scale than ImageNet's.
    """
    whole = keras.applications.EfficientNetB0(include_top=False, weights=None, input_shape=network.input.shape[1:])
    load_keras_weights(whole, path)
    for layer in whole.layers:
        if isinstance(layer, layers.Normalization):
            mean, std, _count = layer.get_weights()  # the published file has the deviation where the variance belongs
            if not (np.allclose(mean, IMAGENET_MEAN, atol=1e-3) and np.allclose(std, IMAGENET_STD, atol=1e-3)):
                raise WeightsError(
                    f"{path} was trained on pixels less {mean}, over the root of {std}; "
                    f"expected ImageNet's {IMAGENET_MEAN} and {IMAGENET_STD}, "
                    "as in every file that began with Keras's own weights."
                )
        elif layer.weights:
            network.get_layer(layer.name).set_weights(layer.get_weights())
