"""Keras to ONNX: the contract of an encoder is kept, and a file that computes something else is refused."""

from collections.abc import Iterator
from typing import Literal

import keras
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from keras import Model
from numpy.typing import NDArray

from retrieval.encoding.embedder import prepare
from retrieval.encoding.encoder import OnnxEncoder
from tests.support.bundles import picture
from trainer.config.backbones import BACKBONES
from trainer.errors import ParityError
from trainer.networks.backbones import build_backbone
from trainer.networks.forms import TOLERANCE
from trainer.networks.graphs.export import BATCH, OPSET, check_parity, export_onnx
from trainer.networks.pooling import build_encoder

SIZE = 64
PICTURES = [prepare(picture(seed), SIZE, SIZE) for seed in range(BATCH + 3)]


def tiny_backbone(*, seed: int = 0) -> Model:
    """A network of one layer: uint8 [n, 64, 64, 3] -> [n, 4, 4, 5]."""
    keras.utils.set_random_seed(seed)
    images = keras.Input((SIZE, SIZE, 3), dtype="uint8", name="images")
    cells = keras.layers.Conv2D(5, 16, 16, activation="relu")(keras.layers.Rescaling(1 / 255)(images))
    return Model(images, cells, name="tiny")


def exported(encoder: Model) -> OnnxEncoder:
    return OnnxEncoder(export_onnx(encoder).SerializeToString(), "the export", threads=1)


def kernel(channels: int, dims: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=(channels, dims)).astype(np.float32)


LIGHT = (("efficientnet-lite0", "avg"), ("siamese", "gem"))
SLOW = pytest.mark.slow
CONVERTED = [  # the others take seconds
    pytest.param(name, pooling, marks=() if (name, pooling) in LIGHT else SLOW)
    for name in BACKBONES
    for pooling in ("avg", "gem")
]


@pytest.fixture
def _memory() -> Iterator[None]:
    """Let go of a network afterwards: each export leaves a gigabyte until then."""
    yield
    keras.backend.clear_session()


@pytest.mark.usefixtures("_memory")
@pytest.mark.parametrize(("name", "pooling"), CONVERTED)
def test_every_network_keeps_the_contract_and_computes_the_same(name: str, pooling: Literal["avg", "gem"]) -> None:
    weights = "imagenet" if name == "efficientnet-lite0" else "none"
    size = 75 if name == "inceptionv3" else SIZE
    backbone = build_backbone(name, weights, size)
    encoder = build_encoder(backbone, kernel(backbone.output.shape[-1], 16), pooling=pooling)
    model = export_onnx(encoder)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (images,) = session.get_inputs()
    assert (images.name, images.type, images.shape[1:]) == ("images", "tensor(uint8)", [size, size, 3])
    assert not isinstance(images.shape[0], int)
    onnx_encoder = OnnxEncoder(model.SerializeToString(), "the export", threads=1)
    assert (onnx_encoder.height, onnx_encoder.width, onnx_encoder.dims) == (size, size, 16)
    assert onnx_encoder.has_cells == (pooling == "avg")
    pictures = [prepare(picture(seed), size, size) for seed in range(6)]
    assert check_parity(encoder, onnx_encoder, pictures) < TOLERANCE / 10
    for count in (1, 3):
        embedding = onnx_encoder.encode(np.stack(pictures[:count]))
        assert (embedding.shape, embedding.dtype) == ((count, 16), np.float32)
        if onnx_encoder.has_cells:
            _embedding, cells = onnx_encoder.encode_cells(np.stack(pictures[:count]))
            assert cells.shape == (count, *backbone.output.shape[1:3], 16)
            np.testing.assert_allclose(cells.mean(axis=(1, 2)), embedding, atol=1e-4 * np.abs(embedding).max())


def test_the_file_is_one_plain_onnx_model() -> None:
    model = export_onnx(build_encoder(tiny_backbone()))
    onnx.checker.check_model(model, full_check=True)
    assert {entry.domain: entry.version for entry in model.opset_import}[""] == OPSET
    assert {node.domain for node in model.graph.node} == {""}
    assert sorted(output.name for output in model.graph.output) == ["cells", "embedding"]


@pytest.mark.slow
def test_what_trained_in_half_precision_is_exported_in_full() -> None:
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        encoder = build_encoder(build_backbone("siamese", "none", SIZE), kernel(256, 8))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    model = export_onnx(encoder)
    kinds = {tensor.data_type for tensor in model.graph.initializer}
    casts = {onnx.helper.get_node_attr_value(node, "to") for node in model.graph.node if node.op_type == "Cast"}
    assert onnx.TensorProto.FLOAT16 not in kinds | casts
    assert check_parity(encoder, OnnxEncoder(model.SerializeToString(), "the export"), PICTURES[:3]) < TOLERANCE / 10


# --- parity


@pytest.mark.parametrize("among", [pytest.param(0, marks=SLOW), 3])
def test_pictures_without_features_do_not_stop_a_run(among: int) -> None:
    """The real network answers an even grey with an embedding 3,000 times shorter than a photograph's."""
    backbone = build_backbone("efficientnet-lite0", "imagenet", SIZE)
    flat = [np.full((SIZE, SIZE, 3), grey, np.uint8) for grey in (0, 127, 128, 129, 255)]
    grey = flat[2][None]
    direction = backbone.predict_on_batch(grey).mean((0, 1, 2))
    direction /= np.linalg.norm(direction)
    head = kernel(len(direction), 16)
    for weights in (head, head - np.outer(direction, direction @ head)):  # the second leaves nothing at all of grey
        encoder = build_encoder(backbone, weights.astype(np.float32))
        assert check_parity(encoder, exported(encoder), [*PICTURES[:among], *flat]) < TOLERANCE / 2


def test_a_file_of_other_weights_is_refused() -> None:
    onnx_encoder = exported(build_encoder(tiny_backbone(seed=1)))
    with pytest.raises(ParityError, match=r"differs from Keras by .* on 19 pictures"):
        check_parity(build_encoder(tiny_backbone(seed=0)), onnx_encoder, PICTURES)


@pytest.mark.parametrize("output", ["embedding", "cells"])
@pytest.mark.parametrize("change", [1.1 * TOLERANCE, np.nan, np.inf])
def test_each_output_counts_even_if_only_the_last_picture_differs(output: str, change: float) -> None:
    encoder = build_encoder(tiny_backbone())
    onnx_encoder = exported(encoder)

    class Changed(OnnxEncoder):
        def __init__(self) -> None:
            """Nothing to load."""

        def encode_cells(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            embedding, cells = onnx_encoder.encode_cells(images)
            if len(images) == len(PICTURES) % BATCH:
                length = np.linalg.norm(embedding[-1])
                (embedding if output == "embedding" else cells)[-1].flat[0] += change * length
            return embedding, cells

    assert check_parity(encoder, onnx_encoder, PICTURES) < TOLERANCE / 10
    with pytest.raises(ParityError):
        check_parity(encoder, Changed(), PICTURES)


def test_the_difference_is_measured_on_embeddings_of_length_one() -> None:
    big, small = (build_encoder(tiny_backbone(), kernel(5, 3) * factor) for factor in (np.float32(1e6), np.float32(1)))
    worst = [check_parity(encoder, exported(encoder), PICTURES) for encoder in (big, small)]
    assert max(worst) < TOLERANCE / 10
