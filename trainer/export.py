"""Keras to one ONNX file that keeps the encoder contract, and the proof that both compute the same."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from keras import Model

from retrieval.encoder import OnnxEncoder
from retrieval.images import RGB
from trainer.errors import ParityError

OPSET = 18
TOLERANCE = 1e-3  # largest difference of a unit-scaled output that we ship
BATCH = 16


def export_onnx(encoder: Model, path: Path) -> None:
    """Write `encoder` (see networks.encoder) as float32 ONNX: images -> embedding, cells."""
    import tensorflow as tf
    import tf2onnx

    signature = [tf.TensorSpec((None, *encoder.input.shape[1:]), tf.uint8, name="images")]

    def serve(images: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = encoder(images, training=False)
        return {name: tf.identity(outputs[name], name) for name in ("embedding", "cells")}

    function = tf.function(serve, input_signature=signature)
    tf2onnx.convert.from_function(function, signature, opset=OPSET, output_path=str(path))


def check_parity(encoder: Model, onnx: OnnxEncoder, pictures: Sequence[RGB]) -> float:
    """The largest difference between Keras and ONNX over both outputs on `pictures` (uint8 [H, W, 3] each).

    Embeddings are scaled to length one first and cells by the same factor, so the figure means the same for every
    network. Raises ParityError above TOLERANCE.
    """
    worst = 0.0
    for start in range(0, len(pictures), BATCH):
        batch = np.stack(pictures[start : start + BATCH])
        keras_outputs = encoder.predict_on_batch(batch)
        embedding, cells = onnx.encode_cells(batch)
        lengths = np.maximum(np.linalg.norm(keras_outputs["embedding"], axis=1), 1e-12)
        for ours, theirs in ((embedding, keras_outputs["embedding"]), (cells, keras_outputs["cells"])):
            scale = lengths.reshape(-1, *[1] * (ours.ndim - 1))
            worst = float(np.maximum(worst, (np.abs(ours - theirs) / scale).max()))  # unlike max(), keeps NaN
    if not worst <= TOLERANCE:
        raise ParityError(
            f"The exported encoder differs from Keras by {worst:.2g} on {len(pictures)} pictures; "
            f"at most {TOLERANCE:g} is accepted. Nothing was published. Please report this with your configuration."
        )
    return worst
