"""Keras to one ONNX model that keeps the encoder contract, and the check that both compute the same."""

from collections.abc import Sequence

import keras
import numpy as np
import onnx
from keras import KerasTensor, Layer, Model, layers, ops
from numpy.typing import NDArray

from retrieval.encoding.encoder import OnnxEncoder
from retrieval.images import RGB
from trainer.errors import ParityError
from trainer.networks.forms import TOLERANCE
from trainer.networks.pooling import in_full_precision

OPSET = 18
MIN_LENGTH = 0.01  # of the longest embedding: in a shorter one, all that is left of the picture may be rounding
BATCH = 16


def export_onnx(encoder: Model) -> onnx.ModelProto:
    """`encoder` (see networks.encoder) as ONNX, float32 throughout: images -> embedding, and cells if it has them."""
    import tensorflow as tf
    import tf2onnx

    network = _exportable(in_full_precision(encoder))
    signature = [tf.TensorSpec((None, *network.input.shape[1:]), tf.uint8, name="images")]

    def serve(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {name: tf.identity(output, name) for name, output in network(images, training=False).items()}

    function = tf.function(serve, input_signature=signature)
    model, _external = tf2onnx.convert.from_function(function, signature, opset=OPSET)
    return model


def _exportable(network: Model) -> Model:
    """`network`, or a copy that computes the same by operations that ONNX has.

    TensorFlow computes a convolution in as many groups as channels through XLA on a CPU, and GELU through erfc; no ONNX
    file can hold either.
    """
    if not any(_is_depthwise(layer) or _has_gelu(layer) for layer in network.layers):
        return network
    copy = keras.models.clone_model(network, clone_function=_exportable_layer)
    for layer, original in zip(copy.layers, network.layers, strict=True):
        weights = original.get_weights()
        if _is_depthwise(original):
            weights[0] = weights[0].swapaxes(2, 3)  # [h, w, 1, c] to [h, w, c, 1]
        layer.set_weights(weights)
    return copy


def _exportable_layer(layer: Layer) -> Layer:
    config = layer.get_config()
    if _has_gelu(layer):
        config["activation"] = _gelu
    if not _is_depthwise(layer):
        return type(layer).from_config(config)
    names = ("name", "dtype", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "use_bias")
    return layers.DepthwiseConv2D(activation=config["activation"], **{name: config[name] for name in names})


def _is_depthwise(layer: Layer) -> bool:
    return isinstance(layer, layers.Conv2D) and 1 < layer.groups == layer.filters == layer.input.shape[-1]


def _has_gelu(layer: Layer) -> bool:
    return getattr(layer, "activation", None) is keras.activations.gelu


def _gelu(x: KerasTensor) -> KerasTensor:
    return 0.5 * x * (1 + ops.erf(x / np.sqrt(2)))


def check_parity(encoder: Model, onnx_encoder: OnnxEncoder, pictures: Sequence[RGB]) -> float:
    """The largest difference between Keras and ONNX over all outputs on `pictures` (uint8 [H, W, 3] each).

    Embeddings are scaled to length one first and cells by the same factor, so the figure means the same for every
    network. A picture without features (one even grey) has an embedding of nearly nothing, whose direction is chance:
    it is scaled by MIN_LENGTH of the longest embedding, among those of the pictures and of noise. Raises ParityError
    above TOLERANCE.
    """
    network = in_full_precision(encoder)
    height, width, _ = pictures[0].shape
    noise = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), np.uint8)
    lengths = [np.linalg.norm(network.predict_on_batch(noise)["embedding"], axis=1)]
    differences = []
    for start in range(0, len(pictures), BATCH):
        batch = np.stack(pictures[start : start + BATCH])
        expected = network.predict_on_batch(batch)
        actual = _outputs(onnx_encoder, batch, cells="cells" in expected)
        lengths.append(np.linalg.norm(expected["embedding"], axis=1))
        by_output = [np.abs(output - expected[name]).reshape(len(batch), -1).max(1) for name, output in actual.items()]
        differences.append(np.max(by_output, axis=0))
    longest = max(float(part.max()) for part in lengths)
    scale = np.maximum(np.concatenate(lengths[1:]), max(MIN_LENGTH * longest, 1e-12))
    worst = float((np.concatenate(differences) / scale).max())  # NaN if any is
    if not worst <= TOLERANCE:
        raise ParityError(
            f"The exported encoder differs from Keras by {worst:.2g} on {len(pictures)} pictures; "
            f"at most {TOLERANCE:g} is accepted. Nothing was published. Please report this with your configuration."
        )
    return worst


def _outputs(encoder: OnnxEncoder, batch: NDArray[np.uint8], *, cells: bool) -> dict[str, NDArray[np.float32]]:
    if not cells:
        return {"embedding": encoder.encode(batch)}
    return dict(zip(("embedding", "cells"), encoder.encode_cells(batch), strict=True))
