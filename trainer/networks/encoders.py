"""The encoder of a run as it grows: as a Keras network where it is one of ours, and always as an ONNX graph."""

from dataclasses import replace

import numpy as np
import onnx
from keras import Model
from numpy.typing import NDArray

from trainer.config import EncoderConfig
from trainer.errors import WeightsError
from trainer.networks.backbones import build_backbone
from trainer.networks.forms import Encoders, ready
from trainer.networks.graphs.building import adopt, mirrored, side_by_side, stacked, with_head
from trainer.networks.graphs.export import export_onnx
from trainer.networks.graphs.wrapping import wrap
from trainer.networks.pooling import build_encoder


def frozen(config: EncoderConfig, *, mirror: bool) -> Encoders:
    """The pretrained encoder as it is. With `mirror`, averaged with what it makes of the mirrored picture."""
    if config.keras:
        return from_backbone(
            "frozen", build_backbone(config.backbone, config.weights, config.side), config, mirror=mirror
        )
    return ready("frozen", _seen_in(_from_files(config), config, mirror=mirror))


def from_backbone(stage: str, backbone: Model, config: EncoderConfig, *, mirror: bool) -> Encoders:
    """A network of ours without a head."""
    return from_keras(stage, build_encoder(backbone, pooling=config.pooling), backbone, config, mirror=mirror)


def from_keras(stage: str, encoder: Model, backbone: Model | None, config: EncoderConfig, *, mirror: bool) -> Encoders:
    """A network of ours (networks.encoder)."""
    encoders = ready(stage, _seen_in(export_onnx(encoder), config, mirror=mirror))
    return replace(encoders, keras=encoder, backbone=backbone)


def headed(encoders: Encoders, kernel: NDArray[np.float32], config: EncoderConfig) -> Encoders:
    """The same encoder with a linear head [e, d]; nothing before it changes, so it is not exported again."""
    with_kernel = ready("head", with_head(encoders.graph, kernel))
    if encoders.backbone is None:
        return with_kernel
    keras = build_encoder(encoders.backbone, kernel, pooling=config.pooling)
    return replace(with_kernel, keras=keras, backbone=encoders.backbone)


def _from_files(config: EncoderConfig) -> onnx.ModelProto:
    if config.ensemble:
        return side_by_side([frozen(member, mirror=False).graph for member in config.ensemble])
    try:
        model = onnx.load(str(config.onnx))
    except Exception as error:  # onnx raises protobuf's, its own and the system's errors for a file it cannot read
        raise WeightsError(f"{config.onnx} cannot be read as an ONNX model: {error}") from error
    where = str(config.onnx)
    return wrap(model, config.pixels, where) if config.pixels else adopt(model, where)


def _seen_in(graph: onnx.ModelProto, config: EncoderConfig, *, mirror: bool) -> onnx.ModelProto:
    """The graph for what the encoder is given: pictures that are mirrored, too, and perhaps their centres."""
    graph = mirrored(graph) if mirror else graph
    return stacked(graph) if config.fit == "both" else graph
