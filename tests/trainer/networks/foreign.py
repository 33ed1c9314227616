"""Small ONNX models in the forms that people have, and in NumPy what they compute."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

SIDE = 32
WIDTH = 6
KERNEL = np.random.default_rng(0).normal(size=(WIDTH, 3, 8, 8)).astype(np.float32)

Numbers = NDArray[np.floating[Any]]


def convolution(x: Numbers) -> Numbers:
    """Of stride 8 and the size of its kernel: [n, 3, H, W] to [n, WIDTH, H/8, W/8]."""
    count, _channels, height, width = x.shape
    patches = x.reshape(count, 3, height // 8, 8, width // 8, 8)
    return np.einsum("nchiwj,ocij->nohw", patches, KERNEL)


def model(
    tail: list[NodeProto],
    outputs: dict[str, list[int | str]],
    *,
    batch: int | str = "n",
    kind: int = TensorProto.FLOAT,
    opset: int = 17,
    constants: dict[str, NDArray[Any]] | None = None,
) -> ModelProto:
    """A network as they are exported: one convolution of planes `input` to `map`, then `tail`."""
    kernel = KERNEL.astype(np.float16) if kind == TensorProto.FLOAT16 else KERNEL
    nodes = [helper.make_node("Conv", ["input", "kernel"], ["map"], strides=[8, 8]), *tail]
    tensors = [numpy_helper.from_array(value, name) for name, value in ({"kernel": kernel} | (constants or {})).items()]
    inputs = [helper.make_tensor_value_info("input", kind, [batch, 3, SIDE, SIDE])]
    results = [helper.make_tensor_value_info(name, kind, [batch, *shape]) for name, shape in outputs.items()]
    graph = helper.make_graph(nodes, "theirs", inputs, results, tensors)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(made)
    return made


def pooled(**settings: Any) -> ModelProto:
    """Ends in [n, WIDTH, 1, 1], as many do."""
    return model([helper.make_node("GlobalAveragePool", ["map"], ["out"])], {"out": [WIDTH, 1, 1]}, **settings)


def mapped() -> ModelProto:
    return model([helper.make_node("Identity", ["map"], ["out"])], {"out": [WIDTH, 4, 4]})


def reshaped(shape: list[int], **settings: Any) -> ModelProto:
    """Ends in a reshape whose sizes were written down at export."""
    tail = [
        helper.make_node("GlobalAveragePool", ["map"], ["mean"]),
        helper.make_node("Reshape", ["mean", "shape"], ["out"]),
    ]
    return model(tail, {"out": [WIDTH]}, constants={"shape": np.array(shape, np.int64)}, **settings)
