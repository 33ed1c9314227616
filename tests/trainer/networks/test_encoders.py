"""The encoder of a run in its forms: Keras and ONNX compute the same, with a head, mirrored, side by side."""

from pathlib import Path

import keras
import numpy as np
import onnx
import pytest

from tests.support.bundles import write_encoder
from tests.trainer.tuning import CHANNELS, SIDE
from trainer.config import EncoderConfig
from trainer.errors import WeightsError
from trainer.networks import encoders
from trainer.networks.backbones import build_backbone
from trainer.networks.forms import Encoders, fingerprint

CONFIG = EncoderConfig(backbone="siamese", weights="none", size=SIDE)
PICTURES = np.random.default_rng(0).integers(0, 256, (4, SIDE, SIDE, 3), dtype=np.uint8)
KERNEL = np.random.default_rng(1).normal(size=(CHANNELS, 5)).astype(np.float32)


@pytest.fixture
def frozen(tiny_siamese: None) -> Encoders:
    keras.utils.set_random_seed(0)
    return encoders.frozen(CONFIG, mirror=False)


def by_keras(result: Encoders) -> np.ndarray:
    return result.keras.predict_on_batch(PICTURES)["embedding"]


def test_keras_and_onnx_are_the_same_network(frozen: Encoders) -> None:
    assert frozen.stage == "frozen"
    assert (frozen.onnx.height, frozen.onnx.width, frozen.onnx.dims) == (SIDE, SIDE, CHANNELS)
    np.testing.assert_allclose(frozen.onnx.encode(PICTURES), by_keras(frozen), atol=1e-4)


def test_a_head_goes_on_both_without_a_change_before_it(frozen: Encoders) -> None:
    headed = encoders.headed(frozen, KERNEL, CONFIG)
    wanted = frozen.onnx.encode(PICTURES) @ KERNEL
    assert (headed.stage, headed.onnx.dims) == ("head", 5)
    np.testing.assert_allclose(headed.onnx.encode(PICTURES), wanted, atol=1e-4)
    np.testing.assert_allclose(by_keras(headed), wanted, atol=1e-4)
    assert headed.backbone is frozen.backbone


def test_mirrored_is_the_mean_of_both_ways_round(frozen: Encoders) -> None:
    keras.utils.set_random_seed(0)
    mirrored = encoders.frozen(CONFIG, mirror=True)
    plain, turned = frozen.onnx.encode(PICTURES), frozen.onnx.encode(PICTURES[:, :, ::-1].copy())
    result = mirrored.onnx.encode(PICTURES)
    np.testing.assert_allclose(result, mirrored.onnx.encode(PICTURES[:, :, ::-1].copy()), atol=1e-4)
    assert np.abs(result - plain).max() > 1e-3
    lengths = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (result, plain + turned)]
    assert (lengths[0] * lengths[1]).sum(axis=1).min() > 0.9


def test_an_onnx_file_has_no_keras_form_and_takes_a_head(tmp_path: Path) -> None:
    write_encoder(tmp_path / "encoder.onnx")
    result = encoders.frozen(EncoderConfig(onnx=tmp_path / "encoder.onnx"), mirror=False)
    assert (result.keras, result.backbone) == (None, None)
    plain = result.onnx.encode(PICTURES)
    kernel = np.random.default_rng(0).normal(size=(plain.shape[1], 3)).astype(np.float32)
    headed = encoders.headed(result, kernel, EncoderConfig(onnx=tmp_path / "encoder.onnx"))
    np.testing.assert_allclose(headed.onnx.encode(PICTURES), plain @ kernel, atol=1e-3)
    assert headed.keras is None


def test_several_side_by_side_each_of_length_one(tiny_siamese: None, tmp_path: Path) -> None:
    write_encoder(tmp_path / "encoder.onnx")
    members = (CONFIG, EncoderConfig(onnx=tmp_path / "encoder.onnx"))
    keras.utils.set_random_seed(0)
    result = encoders.frozen(EncoderConfig(ensemble=members), mirror=False).onnx.encode(PICTURES)
    keras.utils.set_random_seed(0)
    alone = [encoders.frozen(member, mirror=False).onnx.encode(PICTURES) for member in members]
    wanted = np.hstack([rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in alone])
    np.testing.assert_allclose(result, wanted, atol=1e-4)


@pytest.mark.parametrize("content", [None, b"no model at all"])
def test_a_file_that_is_no_model_is_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"broken\.onnx"):
        encoders.frozen(EncoderConfig(onnx=path), mirror=False)


def test_the_fingerprint_is_of_what_is_computed_not_of_names(frozen: Encoders) -> None:
    same = build_backbone("siamese", "none", SIDE)
    same.set_weights(frozen.backbone.get_weights())
    again = encoders.from_backbone("autoencoder", same, CONFIG, mirror=False)
    assert fingerprint(again.graph) == fingerprint(frozen.graph)
    renamed = onnx.ModelProto()
    renamed.CopyFrom(frozen.graph)
    for node in renamed.graph.node:
        node.name = f"other_{node.name}"
    assert fingerprint(renamed) == fingerprint(frozen.graph)

    weights = same.get_weights()
    weights[0] = weights[0] + 1e-6 * (np.arange(weights[0].size).reshape(weights[0].shape) == 0)
    same.set_weights(weights)
    changed = encoders.from_backbone("frozen", same, CONFIG, mirror=False)
    assert fingerprint(changed.graph) != fingerprint(frozen.graph)
    assert fingerprint(encoders.headed(frozen, KERNEL, CONFIG).graph) != fingerprint(frozen.graph)
