"""int8: close to the float encoder, smaller, exact in its preprocessing, and with the same face."""

import os
import platform
from collections.abc import Iterable
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, helper, numpy_helper

from retrieval.encoding.embedder import prepare
from retrieval.encoding.encoder import OnnxEncoder
from retrieval.images import RGB
from tests.support.bundles import picture
from tests.trainer.tuning import SIDE, pictures_in
from trainer.config import EncoderConfig
from trainer.evaluation.metrics import score
from trainer.networks import encoders
from trainer.networks.backbones import build_backbone
from trainer.networks.graphs.building import mirrored, side_by_side, with_head
from trainer.networks.graphs.export import export_onnx
from trainer.networks.pooling import build_encoder
from trainer.training import quantization
from trainer.training.epochs.dataset import measure
from trainer.training.quantization import int8_encoder, quantise

SIZE = 32
PICTURES = [prepare(picture(seed), SIZE, SIZE) for seed in range(20)]

CPU = Path("/proc/cpuinfo")
VNNI = CPU.exists() and "vnni" in CPU.read_text()

Numbers = NDArray[np.float32]


@pytest.fixture(scope="module")
def model() -> ModelProto:
    keras.utils.set_random_seed(0)
    return export_onnx(build_encoder(build_backbone("siamese", "none", SIZE)))


@pytest.fixture(scope="module")
def quantised(model: ModelProto) -> ModelProto:
    return quantise(model, iter(PICTURES))


def encoder(model: ModelProto) -> OnnxEncoder:
    onnx.checker.check_model(model, full_check=True)
    return OnnxEncoder(model.SerializeToString(), "the model", threads=1)


def cosines(result: Numbers, wanted: Numbers) -> Numbers:
    lengths = np.linalg.norm(result, axis=-1) * np.linalg.norm(wanted, axis=-1)
    return (result * wanted).sum(axis=-1) / lengths


def test_embeddings_and_cells_are_nearly_those_of_the_float_encoder(model: ModelProto, quantised: ModelProto) -> None:
    images = np.stack(PICTURES)
    wanted, result = (encoder(each).encode_cells(images) for each in (model, quantised))
    assert cosines(result[0], wanted[0]).min() > 0.99
    assert cosines(result[1], wanted[1]).mean() > 0.98
    assert (result[0] != wanted[0]).any()
    assert result[0].dtype == result[1].dtype == np.float32
    np.testing.assert_allclose(result[1].mean(axis=(1, 2)), result[0], atol=0.02 * np.abs(result[0]).max())


def test_inputs_and_outputs_stay_what_they_are(model: ModelProto, quantised: ModelProto) -> None:
    def face(each: ModelProto) -> list[tuple[str, int, list[int]]]:
        values = [*each.graph.input, *sorted(each.graph.output, key=lambda value: value.name)]
        kinds = [value.type.tensor_type for value in values]
        return [(v.name, k.elem_type, [d.dim_value for d in k.shape.dim]) for v, k in zip(values, kinds, strict=True)]

    assert face(quantised) == face(model)
    for count in (1, 5):
        assert encoder(quantised).encode(np.stack(PICTURES[:count])).shape == (count, 256)


@pytest.mark.parametrize(
    ("flags", "machine", "bits"), [("avx2", "x86_64", 7), ("avx_vnni", "x86_64", 8), ("", "aarch64", 8)]
)
def test_weights_have_seven_bits_where_the_cpu_would_cut_off_sums(
    flags: str, machine: str, bits: int, model: ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpu_info = tmp_path / "cpuinfo"
    cpu_info.write_text(f"flags : fpu sse2 {flags}")
    monkeypatch.setattr(quantization, "CPU_INFO", cpu_info)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    weights = [
        numpy_helper.to_array(tensor)
        for tensor in quantise(model, iter(PICTURES)).graph.initializer
        if tensor.data_type == onnx.TensorProto.INT8 and len(tensor.dims) == 4
    ]
    largest = max(int(np.abs(kernel.astype(np.int64)).max()) for kernel in weights)
    assert largest == (64 if bits == 7 else 127)


def test_weights_are_bytes_with_a_scale_for_each_channel(model: ModelProto, quantised: ModelProto) -> None:
    assert len(quantised.SerializeToString()) < 0.35 * len(model.SerializeToString())
    sizes = {tensor.name: list(tensor.dims) for tensor in quantised.graph.initializer}
    kernels = [
        node
        for node in quantised.graph.node
        if node.op_type == "DequantizeLinear" and len(sizes.get(node.input[0], [])) == 4
    ]
    assert len(kernels) == 12  # every convolution of the network, and not that of the pixels
    for kernel in kernels:
        assert sizes[kernel.input[1]] == sizes[kernel.input[0]][:1] != [1]


def test_preprocessing_is_exact(quantised: ModelProto) -> None:
    """What is turned into bytes first is the pixels as the network scales them, in floating point."""
    first = next(node for node in quantised.graph.node if node.op_type == "QuantizeLinear")
    shown = ModelProto()
    shown.CopyFrom(quantised)
    shown.graph.output.append(helper.make_empty_tensor_value_info(first.input[0]))
    session = ort.InferenceSession(shown.SerializeToString(), providers=["CPUExecutionProvider"])
    images = np.stack(PICTURES)
    (result,) = session.run([first.input[0]], {"images": images})
    np.testing.assert_allclose(result, images.transpose(0, 3, 1, 2) / np.float32(127.5) - 1, atol=1e-5)


def test_what_was_given_is_not_changed_and_the_same_pictures_give_the_same(model: ModelProto) -> None:
    before = model.SerializeToString()
    one, two = (quantise(model, PICTURES[:4]) for _ in range(2))
    assert model.SerializeToString() == before
    for a, b in zip(one.graph.initializer, two.graph.initializer, strict=True):
        np.testing.assert_array_equal(numpy_helper.to_array(a), numpy_helper.to_array(b))


def test_encoders_that_were_put_together_can_be_quantised(model: ModelProto) -> None:
    kernel = np.random.default_rng(0).normal(size=(256, 8)).astype(np.float32)
    concatenated = side_by_side([mirrored(with_head(model, kernel)), model])
    images = np.stack(PICTURES)
    wanted, result = (encoder(each).encode(images) for each in (concatenated, quantise(concatenated, PICTURES)))
    assert cosines(result, wanted).min() > 0.98


@pytest.mark.slow
def test_resnet50_of_random_weights() -> None:
    keras.utils.set_random_seed(0)
    model = export_onnx(build_encoder(build_backbone("resnet50", "none", 64)))
    pictures = [prepare(picture(seed), 64, 64) for seed in range(16)]
    quantised = quantise(model, pictures)
    images = np.stack(pictures)
    assert cosines(encoder(quantised).encode(images), encoder(model).encode(images)).min() > 0.95
    assert len(quantised.SerializeToString()) < 0.35 * len(model.SerializeToString())


@pytest.fixture(scope="module")
def real() -> tuple[NDArray[np.int64], dict[str, Numbers]]:
    """Label numbers int64 [n] of every eighth training picture of grocery, and its embeddings, in float and in int8."""
    if "LOOKALIKE_TEST_DATA" not in os.environ:
        pytest.skip("LOOKALIKE_TEST_DATA names no real pictures")
    model = export_onnx(build_encoder(build_backbone("efficientnet-lite0", "imagenet", 224)))
    paths = sorted((Path(os.environ["LOOKALIKE_TEST_DATA"]) / "grocery" / "train").glob("*/*.jpg"))[::8]
    pictures = [prepare(path.read_bytes(), 224, 224) for path in paths]
    _labels, labels = np.unique([path.parent.name for path in paths], return_inverse=True)
    images = np.stack(pictures)
    batches = np.array_split(images, len(images) // 16)
    result = {}
    for name, each in {"float": model, "int8": quantise(model, pictures[::7])}.items():
        result[name] = np.concatenate([encoder(each).encode(batch) for batch in batches])
    return labels, result


@pytest.mark.slow
def test_on_real_pictures_it_finds_as_well(real: tuple[NDArray[np.int64], dict[str, Numbers]]) -> None:
    labels, result = real
    itself = np.arange(len(labels))
    scores = {name: score(values, labels, values, labels, same=itself) for name, values in result.items()}
    assert scores["int8"].map > scores["float"].map - 0.01


@pytest.mark.slow
@pytest.mark.skipif(not VNNI, reason="this CPU has no VNNI, or does not say so: large sums may be cut off")
def test_on_real_pictures_embeddings_stay_close(real: tuple[NDArray[np.int64], dict[str, Numbers]]) -> None:
    _labels, result = real
    assert cosines(result["int8"], result["float"]).mean() > 0.99


# --- the encoder of a run


@pytest.mark.usefixtures("tiny_siamese")
@pytest.mark.parametrize("most", [128, 5])
def test_an_encoder_is_calibrated_on_training_pictures(
    most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibrated: list[RGB] = []

    def watched(graph: onnx.ModelProto, pictures: Iterable[RGB]) -> onnx.ModelProto:
        calibrated.extend(pictures)
        return quantise(graph, iter(calibrated))

    monkeypatch.setattr(quantization, "quantise", watched)
    monkeypatch.setattr(quantization, "CALIBRATION_PICTURES", most)
    pictures = pictures_in(tmp_path, unlabelled=2)
    keras.utils.set_random_seed(0)
    encoder = encoders.frozen(EncoderConfig(backbone="siamese", weights="none", size=SIDE), mirror=False)
    quantised, before, after = int8_encoder(encoder, pictures)

    operations = [node.op_type for node in quantised.graph.graph.node]
    assert "QuantizeLinear" in operations
    assert "DequantizeLinear" in operations
    assert "QuantizeLinear" not in [node.op_type for node in encoder.graph.graph.node]
    assert before == measure(pictures, encoder.onnx.encode)[0]
    assert after == measure(pictures, quantised.onnx.encode)[0]
    assert quantised.stage == encoder.stage

    training = {pictures.prepared(row).tobytes() for row in pictures.training_rows()}
    assert {picture.tobytes() for picture in calibrated} <= training
    assert len(calibrated) == min(most, len(training))
    sample = np.stack(calibrated[:4])
    exact, close = encoder.onnx.encode(sample), quantised.onnx.encode(sample)
    cosines = (exact * close).sum(axis=1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(close, axis=1)
    assert cosines.min() > 0.98
