"""Surgery on encoder files: ONNX models that keep the encoder contract, made into others that keep it too.

The contract: `images` uint8 [n, H, W, 3] RGB -> `embedding` float32 [n, e], and perhaps `cells` float32 [n, h, w, e] of
which the embedding is the mean. Weights stay as they are, and so do the models that are given. `wrap`, which brings
a model from elsewhere into this shape, is in networks.graphs.wrapping.
"""

from collections.abc import Sequence

import numpy as np
import onnx
import spox.opset.ai.onnx.v18 as op
from numpy.typing import NDArray
from onnx import ModelProto
from onnx.utils import Extractor
from spox import Tensor, Var, argument, build, inline

from retrieval.encoding.encoder import OnnxEncoder
from retrieval.errors import BundleDamaged
from trainer.errors import ConfigError

SMALLEST = np.float32(1e-12)  # length of an embedding that is divided by; none is shorter but zero


def adopt(model: ModelProto, where: str = "The ONNX file") -> ModelProto:
    """A file that keeps the contract already, without outputs that we do not know. `where` names it in errors.

    Raises ConfigError when it does not keep the contract.
    """
    checked(model, where)
    return _only(model, [name for name in ("embedding", "cells") if name in _outputs(model)])


def with_head(model: ModelProto, kernel: NDArray[np.float32]) -> ModelProto:
    """The linear head `kernel` [e, d] behind the embedding, and behind the cells where there are any."""
    images = _images_of(model)
    features = inline(model)(images)
    return _built(images, {name: op.matmul(value, op.const(kernel)) for name, value in features.items()})


def mirrored(model: ModelProto) -> ModelProto:
    """The mean of each embedding and that of the picture mirrored left to right; cells are turned back and averaged."""
    images = _images_of(model)
    both = inline(model)(op.concat([images, _flipped(images)], axis=0))
    outputs = {}
    for name, value in both.items():
        straight, other = op.split(value, num_outputs=2, axis=0)
        total = op.add(straight, other if name == "embedding" else _flipped(other))
        outputs[name] = op.mul(total, op.const(np.float32(0.5)))
    return _built(images, outputs)


def stacked(model: ModelProto) -> ModelProto:
    """For pictures twice as tall: the mean of the embeddings of their upper and lower half, each of length one."""
    height, width = _size(_images_of(model))
    images = argument(Tensor(np.uint8, ("n", 2 * height, width, 3)))
    halves = op.concat(list(op.split(images, num_outputs=2, axis=1)), axis=0)
    both = _normalised(inline(_only(model, ["embedding"]))(halves)["embedding"])
    upper, lower = op.split(both, num_outputs=2, axis=0)
    return _built(images, {"embedding": op.mul(op.add(upper, lower), op.const(np.float32(0.5)))})


def side_by_side(models: Sequence[ModelProto]) -> ModelProto:
    """One encoder whose embedding is those of all `models`, each of length one, one after the other. It has no cells.

    It takes pictures of the largest size among them, and shrinks them for the others by the bicubic filter with
    antialiasing that Pillow uses.
    """
    images = max(map(_images_of, models), key=lambda var: np.prod(_size(var)))
    embeddings = []
    for model in models:
        size = _size(_images_of(model))
        pictures = images if size == _size(images) else _resized(images, size)
        embeddings.append(_normalised(inline(_only(model, ["embedding"]))(pictures)["embedding"]))
    return _built(images, {"embedding": op.concat(embeddings, axis=1)})


def checked(model: ModelProto, where: str) -> ModelProto:
    """`model`, if it is valid ONNX that keeps the contract. Raises ConfigError that says what is wrong with `where`."""
    try:
        onnx.checker.check_model(model, full_check=True)
        OnnxEncoder(model.SerializeToString(), where, threads=1)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, BundleDamaged) as error:
        raise ConfigError(f"{where} cannot be used as an encoder: {error}") from error
    return model


def _built(images: Var, outputs: dict[str, Var]) -> ModelProto:
    return checked(build({"images": images}, outputs), "The encoder that was put together")


def _images_of(model: ModelProto) -> Var:
    """An input like that of `model`."""
    _batch, height, width, channels = (dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim)
    return argument(Tensor(np.uint8, ("n", height, width, channels)))


def _size(images: Var) -> tuple[int, int]:
    """Height and width in pixels."""
    _batch, height, width, _channels = images.unwrap_tensor().shape
    return height, width


def _outputs(model: ModelProto) -> set[str]:
    return {output.name for output in model.graph.output}


def _only(model: ModelProto, outputs: list[str]) -> ModelProto:
    """`model` with those outputs alone, and what they need."""
    if _outputs(model) == set(outputs):
        return model
    return Extractor(model).extract_model(["images"], outputs)


def _flipped(values: Var) -> Var:
    """Turned left to right: [n, h, w, c] read backwards along w."""
    start, end, axis, step = (op.const(np.array([n], np.int64)) for n in (-1, np.iinfo(np.int64).min, 2, -1))
    return op.slice(values, start, end, axis, step)


def _normalised(embedding: Var) -> Var:
    """Of length one; zero stays zero."""
    length = op.reduce_l2(embedding, op.const(np.array([1], np.int64)))
    return op.div(embedding, op.max([length, op.const(SMALLEST)]))


def _resized(images: Var, size: tuple[int, int]) -> Var:
    """Pictures uint8 [n, H, W, 3] of another size."""
    planes = op.transpose(op.cast(images, to=np.float32), perm=[0, 3, 1, 2])
    resized = op.resize(
        planes,
        sizes=op.const(np.array(size, np.int64)),
        axes=[2, 3],
        mode="cubic",
        cubic_coeff_a=-0.5,
        antialias=1,
        exclude_outside=1,
    )
    whole = op.clip(op.round(resized), op.const(np.float32(0)), op.const(np.float32(255)))
    return op.cast(op.transpose(whole, perm=[0, 2, 3, 1]), to=np.uint8)
