"""The EfficientNet-Lite networks with the weights of their packages: the right numbers in the right places."""

import os
from pathlib import Path

import numpy as np
import pytest
from keras import Model
from numpy.typing import NDArray

from retrieval.encoding.embedder import prepare
from tests.support.bundles import picture
from trainer.errors import WeightsError
from trainer.networks import efficientnet_lite
from trainer.networks.backbones import build_backbone
from trainer.networks.efficientnet_lite import packaged_weights
from trainer.networks.weights.torch_files import read_state_dict

SIZE = 64
LITE = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")
KINDS = ("Banana", "Kiwi", "Red-Grapefruit", "Cucumber", "Carrots")


@pytest.fixture(scope="module")
def network() -> Model:
    return build_backbone("efficientnet-lite0", "imagenet", SIZE)


@pytest.mark.parametrize("number", [0, 2, pytest.param(1, marks=pytest.mark.slow)])
def test_every_tensor_of_the_file_but_the_classifier_is_used_once(number: int) -> None:
    network = build_backbone(LITE[number], "imagenet", SIZE)
    tensors = read_state_dict(packaged_weights(number))
    in_file = sorted(
        float(np.abs(values).sum())
        for name, values in tensors.items()
        if not name.startswith("_fc") and not name.endswith("num_batches_tracked")
    )
    layers = [layer for layer in network.layers if layer.name != "pixels"]
    in_network = sorted(float(np.abs(values).sum()) for layer in layers for values in layer.get_weights())
    np.testing.assert_allclose(in_network, in_file, rtol=1e-3)


def normalised(values: NDArray[np.float64], name: str, tensors: dict[str, NDArray[np.float32]]) -> NDArray[np.float64]:
    """BatchNormalization and ReLU6 of one cell, with the tensors of that name."""
    scale, shift, mean, variance = (
        tensors[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
    )
    return np.clip((values - mean) / np.sqrt(variance + 1e-3) * scale + shift, 0, 6)


def test_the_first_layers_are_those_of_the_file(network: Model) -> None:
    """A few cells written out with the tensors as PyTorch has them."""
    image = prepare(picture(1), SIZE, SIZE)
    tensors = read_state_dict(packaged_weights(0))
    activations = [layer.output for layer in network.layers if "re_lu" in layer.name]
    stem, depthwise = (result[0] for result in Model(network.input, activations[:2]).predict_on_batch(image[None]))
    pixels = ((image.astype(np.float64) - 127) / 128).transpose(2, 0, 1)
    for row, column in ((1, 1), (7, 20), (30, 2)):
        patch = pixels[:, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]  # "same": padded below and to the right
        summed = np.einsum("ochw,chw->o", tensors["_conv_stem.weight"], patch)
        np.testing.assert_allclose(stem[row, column], normalised(summed, "_bn0", tensors), atol=1e-4)
        patch = stem[row - 1 : row + 2, column - 1 : column + 2].transpose(2, 0, 1)
        summed = np.einsum("cohw,chw->c", tensors["_blocks.0._depthwise_conv.weight"], patch)
        np.testing.assert_allclose(depthwise[row, column], normalised(summed, "_blocks.0._bn1", tensors), atol=1e-4)


def test_features_are_finite_and_tell_pictures_apart(network: Model) -> None:
    images = np.stack([prepare(picture(seed), SIZE, SIZE) for seed in range(6)] + [np.zeros((SIZE, SIZE, 3), np.uint8)])
    features = network.predict_on_batch(images).mean(axis=(1, 2))
    assert np.isfinite(features).all()
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, 0)
    assert cosines.max() < 0.99


@pytest.mark.skipif("LOOKALIKE_TEST_DATA" not in os.environ, reason="LOOKALIKE_TEST_DATA names no real pictures")
def test_what_lies_nearest_is_mostly_of_the_same_kind() -> None:
    root = Path(os.environ["LOOKALIKE_TEST_DATA"]) / "grocery" / "train"
    paths = [path for kind in KINDS for path in sorted((root / kind).glob("*.jpg"))[:20:5]]
    labels = np.array([path.parent.name for path in paths])
    features = embed(build_backbone("efficientnet-lite0", "imagenet", 224), paths)
    cosines = features @ features.T
    np.fill_diagonal(cosines, -1)
    assert len(paths) == 20
    assert (labels[cosines.argmax(axis=1)] == labels).mean() >= 0.9


def embed(network: Model, paths: list[Path]) -> NDArray[np.float32]:
    """Pooled features of length one."""
    pooled = network.predict_on_batch(np.stack([prepare(path.read_bytes(), 224, 224) for path in paths])).mean((1, 2))
    return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)


# --- files that are something else


@pytest.mark.parametrize("trouble", ["a tensor is missing", "a tensor has another shape"])
def test_the_weights_of_another_network_are_refused(
    trouble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensors = read_state_dict(packaged_weights(0))
    if "missing" in trouble:
        del tensors["_blocks.3._bn1.running_var"]
    else:
        tensors["_blocks.3._bn1.running_var"] = np.ones(7, np.float32)
    (tmp_path / "other.pth").touch()
    monkeypatch.setattr(efficientnet_lite, "read_state_dict", lambda _path: tensors)
    with pytest.raises(WeightsError, match=r"other\.pth.*is(: it is)? not efficientnet-lite0|other\.pth has no tensor"):
        build_backbone("efficientnet-lite0", str(tmp_path / "other.pth"), SIZE)


def test_a_file_in_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(WeightsError, match=r"other\.h5 is not a PyTorch state dict"):
        build_backbone("efficientnet-lite0", str(tmp_path / "other.h5"), SIZE)


def test_the_weights_can_be_named_as_a_file(network: Model) -> None:
    named = build_backbone("efficientnet-lite0", str(packaged_weights(0)), SIZE)
    for ours, theirs in zip(named.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
