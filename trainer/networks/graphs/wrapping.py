"""ONNX models from elsewhere, brought into the encoder contract (see graphs.building) with their preprocessing inside.

What varies between them: pixels, layout, precision, whether they pool, and whether they take more than one picture.
"""

import numpy as np
import onnxruntime as ort
import spox.opset.ai.onnx.v18 as op
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, ValueInfoProto, helper, numpy_helper
from onnx.inliner import inline_local_functions
from onnx.utils import Extractor
from spox import Tensor, Var, argument, build, inline

from trainer.config import OnnxConfig
from trainer.errors import ConfigError
from trainer.networks.graphs.building import checked

AGREEMENT = 0.01  # largest difference between a picture alone and in a batch, as a share of the largest number
FLOATS: dict[int, type[np.floating]] = {TensorProto.FLOAT: np.float32, TensorProto.FLOAT16: np.float16}


def wrap(model: ModelProto, config: OnnxConfig, where: str = "The ONNX file") -> ModelProto:
    """`model` behind a preprocessing graph as `config` describes it; a feature map becomes cells, and their mean.

    Its input is float32 or float16 [n, 3, size, size] or [n, size, size, 3]; its output is [n, e], or a feature map in
    the same layout. With a crop, the pictures are larger than `size` and their middle is cut out. `where` names the
    file in errors. Raises ConfigError that quotes what was found when the model does not fit.
    """
    source, output = _ends(model, config, where)
    number = FLOATS[source.type.tensor_type.elem_type]
    side = round(config.size / config.crop)
    images = argument(Tensor(np.uint8, ("n", side, side, 3)))
    pixels = _pixels(images, config, number)
    try:
        plain = inline_local_functions(model)
        if len(plain.graph.output) > 1:
            plain = Extractor(plain).extract_model([source.name], [output.name])
        free = _of_any_batch(plain, source.name)
        shape = _tried(free, source.name, _random_pixels(images, pixels))
    except Exception as error:  # ONNX, its converter and ONNX Runtime each have their own classes for what does not fit
        raise ConfigError(
            f"{where} cannot be wrapped: {error}. Its input is {_described(source)}, its output {_described(output)}. "
            f"Export it with a batch axis of any length, opset 18 or later, and operators of ONNX alone."
        ) from error
    if len(shape) not in (2, 4):
        raise ConfigError(f"{where} has the output {_described(output)}; expected [n, e] or a feature map of 4 axes.")
    kind = output.type.tensor_type.elem_type
    free.graph.output[0].CopyFrom(helper.make_tensor_value_info(output.name, kind, ["n", *shape[1:]]))
    features = op.cast(inline(free)(**{source.name: pixels})[output.name], to=np.float32)
    return checked(build({"images": images}, _pooled(features, config)), where)


def _ends(model: ModelProto, config: OnnxConfig, where: str) -> tuple[ValueInfoProto, ValueInfoProto]:
    """The model's input and the output that is meant. Raises ConfigError where they do not fit `config`."""
    constants = {tensor.name for tensor in model.graph.initializer}  # old files list them among the inputs
    inputs = [value for value in model.graph.input if value.name not in constants]
    outputs = {value.name: value for value in model.graph.output}
    signature = f"{where} has inputs {', '.join(map(_described, inputs))} and outputs " + ", ".join(
        map(_described, outputs.values())
    )
    area = (config.size, config.size)
    expected = (3, *area) if config.layout == "NCHW" else (*area, 3)
    sizes = _sizes(inputs[0])[1:] if inputs else []
    fits = len(sizes) == 3 and all(
        size in (None, size_wanted) for size, size_wanted in zip(sizes, expected, strict=True)
    )
    if len(inputs) != 1 or not fits or inputs[0].type.tensor_type.elem_type not in FLOATS:
        raise ConfigError(
            f"{signature}; expected one input, float32 or float16 [n, {', '.join(map(str, expected))}]. "
            "Set size and layout under [encoder.pixels] to what the model takes."
        )
    if config.output is None and len(outputs) != 1:
        raise ConfigError(f"{signature}. Set output under [encoder.pixels] to the one that is the embedding.")
    if (name := config.output or next(iter(outputs))) not in outputs:
        raise ConfigError(f"{signature}, none of them {name}. Correct output under [encoder.pixels].")
    return inputs[0], outputs[name]


def _pixels(images: Var, config: OnnxConfig, number: type[np.floating]) -> Var:
    """What the model is given: cut, laid out, ordered and scaled."""
    planar = config.layout == "NCHW"
    side = images.unwrap_tensor().shape[1]
    if side != config.size:
        start = (side - config.size) // 2
        corners = (np.array([corner] * 2, np.int64) for corner in (start, start + config.size))
        images = op.slice(images, *map(op.const, corners), op.const(np.array([1, 2], np.int64)))
    values = op.cast(op.transpose(images, perm=[0, 3, 1, 2]) if planar else images, to=np.float32)
    if config.order == "BGR":
        values = op.gather(values, op.const(np.array([2, 1, 0], np.int64)), axis=1 if planar else 3)
    shape = (3, 1, 1) if planar else (3,)
    slope, offset = (
        op.const(np.divide(value, config.std).astype(np.float32).reshape(shape))
        for value in (config.scale, config.mean)
    )
    return op.cast(op.sub(op.mul(values, slope), offset), to=number)


def _pooled(features: Var, config: OnnxConfig) -> dict[str, Var]:
    """The embedding [n, e], and the cells [n, h, w, e] where the model ends in a map of more than one."""
    _batch, *sizes = features.unwrap_tensor().shape
    if len(sizes) == 1:
        return {"embedding": op.identity(features)}
    cells = op.transpose(features, perm=[0, 2, 3, 1]) if config.layout == "NCHW" else features
    embedding = op.reduce_mean(cells, op.const(np.array([1, 2], np.int64)), keepdims=0)
    single = np.prod(cells.unwrap_tensor().shape[1:3]) == 1
    return {"embedding": embedding} if single else {"embedding": embedding, "cells": op.identity(cells)}


def _of_any_batch(model: ModelProto, source: str) -> ModelProto:
    """A copy without the batch size that it was exported for, which may also stand at the head of its reshapes."""
    free = ModelProto()
    free.CopyFrom(model)
    graph = free.graph
    images = next(value for value in graph.input if value.name == source)
    fixed = _sizes(images)[0]
    images.type.tensor_type.shape.dim[0].dim_param = "n"
    graph.output[0].type.tensor_type.ClearField("shape")
    del graph.value_info[:]
    constants = {tensor.name: tensor for tensor in graph.initializer}
    constants |= {
        node.output[0]: node.attribute[0].t
        for node in graph.node
        if node.op_type == "Constant" and node.attribute[0].name == "value"
    }
    for number, node in enumerate(graph.node):
        if fixed and node.op_type == "Reshape" and node.input[1] in constants:
            shape = numpy_helper.to_array(constants[node.input[1]]).copy()
            if len(shape) and shape[0] == fixed:
                shape[0] = 0 if -1 in shape else -1  # 0: as many as come in
                node.input[1] = f"{node.input[1]}_of_any_batch_{number}"
                graph.initializer.append(numpy_helper.from_array(shape, node.input[1]))
    return free


def _random_pixels(images: Var, pixels: Var) -> NDArray[np.floating]:
    """What the preprocessing makes of three pictures of noise."""
    shape = (3, *images.unwrap_tensor().shape[1:])
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    values: NDArray[np.floating] = _session(build({"images": images}, {"pixels": pixels})).run(None, {"images": noise})[
        0
    ]
    return values


def _tried(model: ModelProto, source: str, pixels: NDArray[np.floating]) -> tuple[int, ...]:
    """The shape of the output for all `pixels` at once. Raises ValueError where each alone gives something else."""
    session = _session(model)
    together: NDArray[np.floating] = session.run(None, {source: pixels})[0]
    alone = np.concatenate([session.run(None, {source: one[None]})[0] for one in pixels])
    if alone.shape != together.shape or not np.isfinite(together).all():
        raise ValueError(f"three pictures give {together.shape}, one by one {alone.shape}, or numbers are not finite")
    if np.abs(alone - together).max() > AGREEMENT * np.abs(alone).max():
        raise ValueError("pictures in a batch give other numbers than one by one")
    return together.shape


def _session(model: ModelProto) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _sizes(value: ValueInfoProto) -> list[int | None]:
    """The sizes of its axes; None where any will do."""
    return [dim.dim_value or None for dim in value.type.tensor_type.shape.dim]


def _described(value: ValueInfoProto) -> str:
    kind = TensorProto.DataType.Name(value.type.tensor_type.elem_type).lower()
    return f"{value.name} {kind} [{', '.join('?' if size is None else str(size) for size in _sizes(value))}]"
