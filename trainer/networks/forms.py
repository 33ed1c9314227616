"""The forms of an encoder: its ONNX graph, the session that runs it, and Keras networks where it has them.

It brings neither Keras nor TensorFlow.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import onnx

from retrieval.encoding.encoder import OnnxEncoder

if TYPE_CHECKING:
    from keras import Model

TOLERANCE = 1e-3  # largest difference of a unit-scaled output that we ship


@dataclass(frozen=True, slots=True)
class Encoders:
    """One encoder in its forms. `keras` and its `backbone` are None where it was made from ONNX files."""

    stage: str
    graph: onnx.ModelProto
    onnx: OnnxEncoder
    keras: "Model | None" = None
    backbone: "Model | None" = None


def fingerprint(graph: onnx.ModelProto) -> str:
    """What an encoder computes, as 16 hex digits: its operations and numbers, whatever their names, order and place."""
    numbers = dict(stored_numbers(graph))
    parts = [
        node.op_type.encode() + b"".join(a.SerializeToString() for a in node.attribute)
        for node in graph.graph.node
        if node.output[0] not in numbers
    ]
    parts += [onnx.numpy_helper.to_array(tensor).tobytes() for tensor in numbers.values()]
    digest = sha256()
    for part in sorted(sha256(part).digest() for part in parts):
        digest.update(part)
    return digest.hexdigest()[:16]


def stored_numbers(graph: onnx.ModelProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """All tensors that the file holds by name, whether as initializers or as constants."""
    for initializer in graph.graph.initializer:
        yield initializer.name, initializer
    for node in graph.graph.node:
        if node.op_type == "Constant" and node.attribute[0].HasField("t"):
            yield node.output[0], node.attribute[0].t


def ready(stage: str, graph: onnx.ModelProto) -> Encoders:
    """An encoder that is an ONNX graph alone."""
    return Encoders(stage, graph, OnnxEncoder(graph.SerializeToString(), f"the {stage} encoder"))
