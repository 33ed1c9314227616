"""The encoder as a Keras model: a backbone, perhaps a linear head, and the pooling over the cells."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, Layer, Model, layers, ops
from numpy.typing import NDArray

from trainer.config.encoder import Pooling

SMALLEST = 1e-6  # below it a cell's power has no slope


@keras.saving.register_keras_serializable(package="lookalike")
class GeM(layers.Layer):  # type: ignore[misc]  # keras has no types
    """The generalised mean over the cells, [n, h, w, c] -> float32 [n, c]: `mean(x^p)^(1/p)` with a p that is learnt.

    p = 1 is the mean and a large p the maximum; the larger, the more the strongest cells count. Negative values count
    as none. Radenović, Tolias & Chum 2018, "Fine-tuning CNN Image Retrieval with No Human Annotation"
    (https://arxiv.org/abs/1711.02512), which starts from p = 3.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs | {"dtype": "float32"})

    def build(self, _shape: tuple[int | None, ...]) -> None:
        self.p = self.add_weight(name="p", shape=(), initializer=keras.initializers.Constant(3.0))

    def call(self, cells: KerasTensor) -> KerasTensor:
        powers = ops.power(ops.maximum(cells, SMALLEST), self.p)
        return ops.power(ops.mean(powers, axis=(1, 2)), 1 / self.p)


POOLINGS: Mapping[str, Callable[[], Layer]] = {
    "avg": lambda: layers.GlobalAveragePooling2D(dtype="float32", name="avg"),
    "gem": lambda: GeM(name="gem"),
    "max": lambda: layers.GlobalMaxPooling2D(dtype="float32", name="max"),
}
"""Cells [n, h, w, c] to [n, c]."""


def build_encoder(backbone: Model, kernel: NDArray[np.float32] | None = None, *, pooling: Pooling = "avg") -> Model:
    """uint8 [n, H, W, 3] -> {"embedding": [n, e], "cells": [n, h, w, e]}, e the backbone's channels or the head's dims.

    `kernel` float32 [channels, dims] is the linear head. It has no bias and stands before the mean, so that the
    embedding is exactly the mean of the cells, and a similarity can be split over the picture. With any other pooling
    it stands after, and there are no cells: those are not linear. Of several poolings, such as "avg+gem+max", each is
    scaled to length one, and they stand one after the other: the kernel is [poolings * channels, dims]. Pooling and
    head are float32 whatever the policy.
    """
    cells = layers.Activation("linear", dtype="float32")(backbone.output)
    if pooling != "avg":
        outputs = {"embedding": _headed(_pooled(cells, pooling.split("+")), kernel)}
    else:
        cells = _headed(cells, kernel)
        pooled = layers.GlobalAveragePooling2D(dtype="float32", name="embedding")(cells)
        outputs = {"embedding": pooled, "cells": cells}
    return Model(backbone.input, outputs, name=f"{backbone.name}-encoder")


def _pooled(cells: KerasTensor, names: Sequence[str]) -> KerasTensor:
    """[n, h, w, c] to [n, c] by one pooling, or to [n, c * poolings] by several."""
    several = [POOLINGS[name]()(cells) for name in names]
    if len(several) == 1:
        return several[0]
    scaled = [layers.UnitNormalization(dtype="float32")(pooled) for pooled in several]
    return layers.Concatenate(dtype="float32", name="pooled")(scaled)


def _headed(features: KerasTensor, kernel: NDArray[np.float32] | None) -> KerasTensor:
    """Cells or pooled features [..., channels] times `kernel` [channels, dims]; as they are without one."""
    if kernel is None:
        return features
    settings = {"use_bias": False, "dtype": "float32", "name": "head"}
    cells = len(features.shape) == 4  # a 1x1 convolution is one node in ONNX, a Dense over cells a dozen
    head = layers.Conv2D(kernel.shape[1], 1, **settings) if cells else layers.Dense(kernel.shape[1], **settings)
    headed = head(features)
    head.set_weights([kernel.reshape(head.kernel.shape)])
    return headed


def in_full_precision(encoder: Model) -> Model:
    """`encoder` with every layer in float32 and the same weights; itself where that is so already."""
    if all(layer.compute_dtype == "float32" or not layer.weights for layer in encoder.layers):
        return encoder
    copy = keras.models.clone_model(
        encoder, clone_function=lambda layer: type(layer).from_config(layer.get_config() | {"dtype": "float32"})
    )
    copy.set_weights(encoder.get_weights())
    return copy
