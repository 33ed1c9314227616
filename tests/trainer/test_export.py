"""Keras to ONNX: the contract of an encoder is kept, and a file that computes something else is refused."""

from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from keras import Model
from numpy.typing import NDArray

from retrieval.embedder import prepare
from retrieval.encoder import OnnxEncoder
from tests.bundles import picture
from trainer.errors import ParityError
from trainer.export import BATCH, OPSET, TOLERANCE, check_parity, export_onnx
from trainer.networks.backbones import build_backbone
from trainer.networks.encoder import build_encoder

SIZE = 64
PICTURES = [prepare(picture(seed), SIZE, SIZE) for seed in range(BATCH + 3)]


def tiny_backbone(*, seed: int = 0) -> Model:
    """A network of one layer: uint8 [n, 64, 64, 3] -> [n, 4, 4, 5]."""
    keras.utils.set_random_seed(seed)
    images = keras.Input((SIZE, SIZE, 3), dtype="uint8", name="images")
    cells = keras.layers.Conv2D(5, 16, 16, activation="relu")(keras.layers.Rescaling(1 / 255)(images))
    return Model(images, cells, name="tiny")


def exported(encoder: Model, path: Path) -> OnnxEncoder:
    export_onnx(encoder, path)
    return OnnxEncoder(path.read_bytes(), path.name, threads=1)


def kernel(channels: int, dims: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=(channels, dims)).astype(np.float32)


@pytest.mark.parametrize(
    ("backbone", "channels"), [("efficientnet-lite0", 1280), pytest.param("resnet50", 2048, marks=pytest.mark.slow)]
)
def test_a_real_encoder_keeps_the_contract_and_computes_the_same(backbone: str, channels: int, tmp_path: Path) -> None:
    weights = "imagenet" if backbone == "efficientnet-lite0" else "none"
    encoder = build_encoder(build_backbone(backbone, weights, SIZE), kernel(channels, 16))
    session = exported(encoder, tmp_path / "encoder.onnx")
    (images,) = ort.InferenceSession(tmp_path / "encoder.onnx", providers=["CPUExecutionProvider"]).get_inputs()
    assert (images.name, images.type, images.shape[1:]) == ("images", "tensor(uint8)", [SIZE, SIZE, 3])
    assert not isinstance(images.shape[0], int)
    assert (session.height, session.width, session.dims, session.has_cells) == (SIZE, SIZE, 16, True)
    assert check_parity(encoder, session, PICTURES[:6]) < TOLERANCE
    for count in (1, 3):
        embedding, cells = session.encode_cells(np.stack(PICTURES[:count]))
        assert embedding.shape == (count, 16)
        assert cells.shape == (count, SIZE // 32, SIZE // 32, 16)
        assert embedding.dtype == cells.dtype == np.float32
        np.testing.assert_allclose(cells.mean(axis=(1, 2)), embedding, atol=1e-4 * np.abs(embedding).max())


def test_the_file_is_one_plain_onnx_model(tmp_path: Path) -> None:
    exported(build_encoder(tiny_backbone()), tmp_path / "encoder.onnx")
    model = onnx.load(tmp_path / "encoder.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert {entry.domain: entry.version for entry in model.opset_import}[""] == OPSET
    assert {node.domain for node in model.graph.node} == {""}
    assert sorted(output.name for output in model.graph.output) == ["cells", "embedding"]


def test_the_head_is_linear_and_stands_before_the_pooling(tmp_path: Path) -> None:
    matrix = kernel(5, 3)
    features = tiny_backbone().predict_on_batch(np.stack(PICTURES[:2]))
    found = build_encoder(tiny_backbone(), matrix).predict_on_batch(np.stack(PICTURES[:2]))
    np.testing.assert_allclose(found["cells"], features @ matrix, atol=1e-5)
    np.testing.assert_allclose(found["embedding"], (features @ matrix).mean(axis=(1, 2)), atol=1e-5)
    bare = build_encoder(tiny_backbone()).predict_on_batch(np.stack(PICTURES[:2]))
    np.testing.assert_allclose(bare["cells"], features, atol=1e-6)
    np.testing.assert_allclose(bare["embedding"], features.mean(axis=(1, 2)), atol=1e-6)


# --- parity


def test_a_file_of_other_weights_is_refused(tmp_path: Path) -> None:
    onnx_encoder = exported(build_encoder(tiny_backbone(seed=1)), tmp_path / "encoder.onnx")
    with pytest.raises(ParityError, match=r"differs from Keras by .* on 19 pictures"):
        check_parity(build_encoder(tiny_backbone(seed=0)), onnx_encoder, PICTURES)


@pytest.mark.parametrize("output", ["embedding", "cells"])
@pytest.mark.parametrize("change", [1.1 * TOLERANCE, np.nan, np.inf])
def test_each_output_counts_even_if_only_the_last_picture_differs(output: str, change: float, tmp_path: Path) -> None:
    encoder = build_encoder(tiny_backbone())
    onnx_encoder = exported(encoder, tmp_path / "encoder.onnx")

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


def test_the_difference_is_measured_on_embeddings_of_length_one(tmp_path: Path) -> None:
    big, small = (build_encoder(tiny_backbone(), kernel(5, 3) * factor) for factor in (np.float32(1e6), np.float32(1)))
    worst = [check_parity(encoder, exported(encoder, tmp_path / "e.onnx"), PICTURES) for encoder in (big, small)]
    assert max(worst) < TOLERANCE / 10
