"""Backbones: their pixels are what they were trained on, and their weights land where they belong."""

import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras import Model
from numpy.typing import NDArray
from PIL import Image

from retrieval.embedder import prepare
from tests.bundles import picture
from trainer.errors import WeightsError
from trainer.networks import backbones
from trainer.networks.backbones import RESNET50_FILE, build_backbone

SIZE = 64

# Keras 3.15 saves in a way that NumPy 2 warns of.
KERAS_SAVES = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def pictures() -> Pixels:
    """Real pictures and the corners of the colour cube, [n, SIZE, SIZE, 3]."""
    corners = np.array([[r, g, b] for r in (0, 255) for g in (0, 255) for b in (0, 255)], np.uint8)
    cube = np.asarray(Image.fromarray(corners[None]).resize((SIZE, SIZE), Image.Resampling.NEAREST))
    return np.stack([*(prepare(picture(seed), SIZE, SIZE) for seed in range(3)), cube])


@pytest.fixture(scope="module", autouse=True)
def memory() -> Iterator[None]:
    """Let go of the networks afterwards."""
    yield
    keras.backend.clear_session()


@pytest.fixture(scope="module")
def random() -> dict[str, Model]:
    """Every backbone with random weights."""
    keras.utils.set_random_seed(0)
    return {name: build_backbone(name, "none", SIZE) for name in ("efficientnet-lite0", "resnet50")}


def preprocessed(network: Model, images: Pixels) -> NDArray[np.float32]:
    """What the network proper is given."""
    return Model(network.input, network.get_layer("preprocessing").output).predict_on_batch(images)


# --- pixels


def test_resnet50_is_given_what_keras_gives_it(random: dict[str, Model], pictures: Pixels) -> None:
    wanted = keras.applications.resnet.preprocess_input(pictures.astype(np.float32))
    np.testing.assert_allclose(preprocessed(random["resnet50"], pictures), wanted, atol=1e-4)


def test_efficientnet_is_given_what_its_authors_gave_it(random: dict[str, Model], pictures: Pixels) -> None:
    wanted = (pictures.astype(np.float64) - 127) / 128
    np.testing.assert_allclose(preprocessed(random["efficientnet-lite0"], pictures), wanted, atol=1e-6)


@pytest.mark.parametrize(("name", "channels"), [("resnet50", 2048), ("efficientnet-lite0", 1280)])
def test_a_feature_map_of_every_thirty_two_pixels(
    name: str, channels: int, random: dict[str, Model], pictures: Pixels
) -> None:
    network = random[name]
    assert (network.input.dtype, network.name) == ("uint8", name)
    features = network.predict_on_batch(pictures)
    assert features.shape == (len(pictures), SIZE // 32, SIZE // 32, channels)
    assert np.isfinite(features).all()


def test_random_weights_follow_the_seed(random: dict[str, Model]) -> None:
    for seed in (0, 1):
        keras.utils.set_random_seed(seed)
        again = build_backbone("efficientnet-lite0", "none", SIZE).get_layer("conv_stem").get_weights()[0]
        assert np.array_equal(again, random["efficientnet-lite0"].get_layer("conv_stem").get_weights()[0]) == (
            seed == 0
        )


# --- weights of resnet50


@pytest.fixture(scope="module")
def published() -> Model:
    """The network as keras.applications has it, every one of its weights another number."""
    network = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(SIZE, SIZE, 3))
    rng = np.random.default_rng(0)
    for layer in network.layers:
        values = layer.get_weights()
        if len(values) == 4:  # BatchNormalization: gamma, beta, mean, variance
            layer.set_weights([rng.uniform(0.5, 1.5, value.shape) for value in values])
        elif values:
            layer.set_weights([values[0], rng.normal(0, 0.1, values[1].shape)])
    return network


def write_published(network: Model, path: Path) -> Path:
    """The layout of the file that keras.applications downloads: one group per layer, in attributes their order."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in network.layers]
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.1.6"
        for layer in network.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{weight.name}:0" for weight in layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, value in zip(names, layer.get_weights(), strict=True):
                group[name] = value
    return path


@KERAS_SAVES
@pytest.mark.parametrize("name", [RESNET50_FILE, "mine.weights.h5"])
def test_a_weights_file_of_keras_gives_the_features_of_keras(
    name: str, published: Model, pictures: Pixels, tmp_path: Path
) -> None:
    path = tmp_path / name
    if name == RESNET50_FILE:
        write_published(published, path)
    else:
        published.save_weights(path)
    found = build_backbone("resnet50", str(path), SIZE).predict_on_batch(pictures)
    wanted = published.predict_on_batch(keras.applications.resnet.preprocess_input(pictures.astype(np.float32)))
    assert wanted.std() > 0
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3 * wanted.std())


@KERAS_SAVES
@pytest.mark.filterwarnings("ignore:Skipping nested container")  # Keras warns before it raises
def test_the_weights_of_another_network_are_refused(published: Model, tmp_path: Path) -> None:
    part = Model(published.input, published.get_layer("conv2_block3_out").output)
    for name in ("part.h5", "part.weights.h5"):
        path = tmp_path / name
        if name == "part.h5":
            write_published(part, path)
        else:
            part.save_weights(path)
        with pytest.raises(WeightsError, match=f"{name} does not hold weights for this encoder"):
            build_backbone("resnet50", str(path), SIZE)


@pytest.mark.parametrize("name", ["mine.h5", "mine.weights.h5", "mine.keras", "mine.pth", "mine"])
@pytest.mark.parametrize("content", [b"", b"not a weights file", b"\x89HDF\r\n\x1a\n" + bytes(100), b"PK\x03\x04"])
def test_what_is_no_weights_file_is_refused(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=f"{name} does not hold weights for this encoder"):
        backbones.BACKBONES["resnet50"].load_file(tiny(), tmp_path / name)


def test_a_file_of_another_kind_in_the_right_format_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "table.h5", "w") as file:
        file["measurements"] = np.arange(3)
    with pytest.raises(WeightsError, match=r"table\.h5"):
        backbones.BACKBONES["resnet50"].load_file(tiny(), tmp_path / "table.h5")


def tiny() -> Model:
    """A network of two layers, the first of them called as in every backbone."""
    images = keras.Input((8, 8, 3))
    pixels = keras.layers.Conv2D(3, 1, name="preprocessing")(images)
    return Model(images, keras.layers.Conv2D(2, 1)(pixels))


@pytest.mark.parametrize("name", ["resnet50", "efficientnet-lite0"])
@pytest.mark.parametrize("place", ["absent.h5", "folder", ""])
def test_a_missing_weights_file_is_said(name: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(WeightsError, match=r'no weights file .*Set weights to "imagenet", "none" or a file'):
        build_backbone(name, place, SIZE)


def test_imagenet_weights_that_cannot_be_reached_are_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/{RESNET50_FILE}"
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(backbones, "RESNET50_URL", nobody)
    monkeypatch.setattr(keras.utils, "get_file", partial(keras.utils.get_file, cache_dir=tmp_path))
    with pytest.raises(WeightsError) as raised:
        build_backbone("resnet50", "imagenet", SIZE)
    assert f"fetch {nobody}" in str(raised.value)
    assert f'weights = "/path/to/{RESNET50_FILE}" under [encoder]' in str(raised.value)
    assert not list((tmp_path / "models").iterdir())
