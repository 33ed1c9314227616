"""int8: an encoder file whose convolutions count in bytes, about twice as fast on a CPU and a quarter of the size.

Static quantisation in the QDQ format of ONNX Runtime: the ranges of all tensors are measured on real pictures
beforehand; weights have a scale for each output channel. Jacob et al. 2018, "Quantization and Training of Neural
Networks for Efficient Integer-Arithmetic-Only Inference" (https://arxiv.org/abs/1712.05877).
"""

import platform
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from retrieval.encoding.encoder import OnnxEncoder
from retrieval.images import RGB
from trainer.data.sampling import sample_evenly
from trainer.evaluation.metrics import Scores
from trainer.networks.forms import Encoders
from trainer.training.epochs.dataset import Pictures, measure

LINEAR = ("Conv", "Gemm", "MatMul")
# What has a fast form in bytes, and what stands between two such. The arithmetic of preprocessing is not among it.
QUANTISED = (*LINEAR, "Add", "AveragePool", "Clip", "Concat", "GlobalAveragePool", "MaxPool", "Relu")
BATCH = 8
X86 = ("x86_64", "amd64", "i686")
CPU_INFO = Path("/proc/cpuinfo")


def quantise(model: ModelProto, pictures: Iterable[RGB]) -> ModelProto:
    """`model`, which keeps the encoder contract, in int8; its inputs and outputs stay what they are.

    `pictures` uint8 [H, W, 3] are a few dozen of those that it will see, prepared for it. Preprocessing stays exact.
    Ranges are the smallest and largest value seen: on EfficientNet-Lite0, percentiles and entropy came no closer.
    Weights have seven bits where this CPU would cut off the large sums of eight (see `cuts_off_sums`), else all eight.
    """
    with TemporaryDirectory() as folder:
        source, preprocessed, quantised = (
            str(Path(folder, f"{name}.onnx")) for name in ("source", "preprocessed", "quantised")
        )
        onnx.save(model, source)  # given a model in memory, the next line would take its weights away
        quant_pre_process(source, preprocessed, skip_symbolic_shape=True)
        quantize_static(
            preprocessed,
            quantised,
            _Batches(pictures),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTISED),
            nodes_to_exclude=_preprocessing(onnx.load(preprocessed).graph),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            reduce_range=cuts_off_sums(),
        )
        return onnx.load(quantised)


def cuts_off_sums() -> bool:
    """Whether this CPU says that it multiplies bytes with 16 bits for a sum of two: x86 without VNNI.

    On such a CPU the mean cosine to the float encoder was 0.928 with eight bits, 0.979 with seven, at one speed.
    A CPU that does not say what it can (no CPU_INFO) is taken for one of today.
    """
    if platform.machine().lower() not in X86 or not CPU_INFO.exists():
        return False
    return "vnni" not in CPU_INFO.read_text(encoding="utf-8", errors="replace")


class _Batches(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime.quantization has no types
    """The pictures as ONNX Runtime asks for them."""

    def __init__(self, pictures: Iterable[RGB]) -> None:
        self._pictures = iter(pictures)

    def get_next(self) -> Mapping[str, NDArray[np.uint8]] | None:
        """The next batch; None after the last."""
        batch = list(islice(self._pictures, BATCH))
        return {"images": np.stack(batch)} if batch else None


def _preprocessing(graph: GraphProto) -> list[str]:
    """Names of the nodes from the picture up to the first layer that makes features of its colours."""
    names, colours = [], {"images"}
    sizes = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    for node in graph.node:
        if colours & set(node.input) and not _makes_features(node, sizes):
            names.append(node.name)
            colours |= set(node.output)
    return names


def _makes_features(node: NodeProto, sizes: Mapping[str, list[int]]) -> bool:
    """A layer, unless it makes three channels of three, as networks.pixels does."""
    return node.op_type in LINEAR and sizes.get(node.input[1], [])[:2] != [3, 3]


CALIBRATION_PICTURES = 128


def int8_encoder(encoder: Encoders, pictures: Pictures) -> tuple[Encoders, Scores, Scores]:
    """The encoder in int8, calibrated on training pictures, and the scores in float32 and in int8."""
    rows = pictures.training_rows()
    sample = sample_evenly(rows, CALIBRATION_PICTURES)
    graph = quantise(encoder.graph, (pictures.prepared(row) for row in sample))
    quantised = replace(encoder, graph=graph, onnx=OnnxEncoder(graph.SerializeToString(), "the int8 encoder"))
    before, after = (measure(pictures, e.onnx.encode)[0] for e in (encoder, quantised))
    return quantised, before, after
