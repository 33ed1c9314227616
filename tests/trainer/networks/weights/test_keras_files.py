"""Weights in Keras's files: they land where they belong, for every network, and other files are refused."""

import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras import Model
from numpy.typing import NDArray

from retrieval.encoding.embedder import prepare
from tests.support.bundles import picture
from trainer.config.backbones import BACKBONES, IMAGENET_MEAN, IMAGENET_STD, Published
from trainer.errors import WeightsError
from trainer.networks.backbones import build_backbone
from trainer.networks.weights import keras_files
from trainer.networks.weights.keras_files import load_keras_weights

# Keras 3.15 saves in a way that NumPy 2 warns of.
KERAS_SAVES = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

APPLICATIONS = {
    "resnet50": (keras.applications.ResNet50, keras.applications.resnet.preprocess_input),
    "mobilenetv2": (keras.applications.MobileNetV2, keras.applications.mobilenet_v2.preprocess_input),
    "efficientnetb0": (keras.applications.EfficientNetB0, keras.applications.efficientnet.preprocess_input),
    "vgg16": (keras.applications.VGG16, keras.applications.vgg16.preprocess_input),
    "inceptionv3": (keras.applications.InceptionV3, keras.applications.inception_v3.preprocess_input),
}
PLACES = {name: place for name in APPLICATIONS if isinstance(place := BACKBONES[name].imagenet, Published)}
FILES = {name: place.path.rpartition("/")[2] for name, place in PLACES.items()}

HEAVY = ("resnet50", "inceptionv3", "efficientnetb0", "mobilenetv2")  # seconds to build
SLOW = pytest.mark.slow
EACH = [pytest.param(name, marks=pytest.mark.slow if name in HEAVY else ()) for name in APPLICATIONS]


def side(name: str) -> int:
    """A small size that the network can take."""
    return 75 if name == "inceptionv3" else 64


def pictures(size: int) -> NDArray[np.uint8]:
    return np.stack([prepare(picture(seed), size, size) for seed in range(3)])


@pytest.fixture(scope="module", autouse=True)  # not each time: in a long run, every clearing takes seconds
def memory() -> Iterator[None]:
    """Let go of the networks afterwards."""
    yield
    keras.backend.clear_session()


def published(name: str) -> Model:
    """The network as keras.applications has it, every one of its weights another number."""
    network = APPLICATIONS[name][0](include_top=False, weights=None, input_shape=(side(name), side(name), 3))
    rng = np.random.default_rng(0)
    for layer in network.layers:
        values = layer.get_weights()
        if isinstance(layer, keras.layers.Normalization):  # as the file that Keras publishes has it
            layer.set_weights([np.array(IMAGENET_MEAN), np.array(IMAGENET_STD), np.array(0)])
            layer.finalize_state()
        elif isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, value.shape) for value in values])
        elif values:
            layer.set_weights([values[0], *(rng.normal(0, 0.1, value.shape) for value in values[1:])])
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


def by_keras(name: str, network: Model, path: Path, monkeypatch: pytest.MonkeyPatch) -> NDArray[np.float32]:
    """The features of the application, which for EfficientNet scales only where it has fetched the weights itself."""
    build, preprocess_input = APPLICATIONS[name]
    if name == "efficientnetb0":
        source = f"{build.__module__.removesuffix('.efficientnet')}.efficientnet.file_utils.get_file"
        monkeypatch.setattr(source, lambda *_place, **_settings: str(path))
        network = build(include_top=False, weights="imagenet", input_shape=network.input.shape[1:])
    return network.predict_on_batch(preprocess_input(pictures(side(name)).astype(np.float32)))


@KERAS_SAVES
@pytest.mark.parametrize("kind", ["published", "saved"])
@pytest.mark.parametrize("name", EACH)
def test_a_weights_file_of_keras_gives_the_features_of_keras(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = published(name)
    path = write_published(network, tmp_path / FILES[name])
    wanted = by_keras(name, network, path, monkeypatch)
    if kind == "saved":
        path = tmp_path / "mine.weights.h5"
        network.save_weights(path)
    result = build_backbone(name, str(path), side(name)).predict_on_batch(pictures(side(name)))
    assert wanted.std() > 0
    np.testing.assert_allclose(result, wanted, rtol=1e-3, atol=1e-3 * wanted.std())


@KERAS_SAVES
def test_a_weights_file_of_our_own_network(tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    network = build_backbone("siamese", "none", 64)
    network.save_weights(tmp_path / "mine.weights.h5")
    keras.utils.set_random_seed(2)
    again = build_backbone("siamese", str(tmp_path / "mine.weights.h5"), 64)
    for ours, theirs in zip(again.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_an_efficientnet_of_other_pixels_is_refused(tmp_path: Path) -> None:
    network = published("efficientnetb0")
    scaling = next(layer for layer in network.layers if isinstance(layer, keras.layers.Normalization))
    scaling.set_weights([np.zeros(3), np.ones(3), np.array(0)])
    path = write_published(network, tmp_path / "mine.h5")
    with pytest.raises(WeightsError, match=r"mine\.h5 was trained on pixels less \[0\. 0\. 0\.\].*expected ImageNet"):
        build_backbone("efficientnetb0", str(path), 64)


# --- files that are something else


@KERAS_SAVES
@pytest.mark.filterwarnings("ignore:Skipping nested container")  # Keras warns before it raises
@pytest.mark.parametrize("file", ["part.h5", "part.weights.h5"])
@pytest.mark.parametrize("name", [*EACH, "siamese"])
def test_the_weights_of_another_network_are_refused(name: str, file: str, tmp_path: Path) -> None:
    images = keras.Input((side(name), side(name), 3))
    x = keras.layers.Conv2D(8, 3, name="conv")(images)
    part = Model(images, keras.layers.BatchNormalization(name="norm")(x))
    path = tmp_path / file
    if file == "part.h5":
        write_published(part, path)
    else:
        part.save_weights(path)
    with pytest.raises(WeightsError, match=f"{file} does not hold weights for {name}"):
        build_backbone(name, str(path), side(name))


def tiny() -> Model:
    images = keras.Input((8, 8, 3))
    return Model(images, keras.layers.Conv2D(2, 1)(images), name="tiny")


@pytest.mark.parametrize("name", ["mine.h5", "mine.weights.h5", "mine.keras", "mine.pth", "mine"])
@pytest.mark.parametrize("content", [b"", b"not a weights file", b"\x89HDF\r\n\x1a\n" + bytes(100), b"PK\x03\x04"])
def test_what_is_no_weights_file_is_refused(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=f"{name} does not hold weights for tiny"):
        load_keras_weights(tiny(), tmp_path / name)


def test_a_file_of_another_kind_in_the_right_format_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "table.h5", "w") as file:
        file["measurements"] = np.arange(3)
    with pytest.raises(WeightsError, match=r"table\.h5"):
        load_keras_weights(tiny(), tmp_path / "table.h5")


# --- the published files


@pytest.mark.parametrize("name", ["vgg16", pytest.param("mobilenetv2", marks=SLOW)])
def test_imagenet_weights_that_cannot_be_reached_are_an_error_that_says_what_to_do(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        store = f"http://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(keras_files, "STORE", store)
    monkeypatch.setattr(keras.utils, "get_file", partial(keras.utils.get_file, cache_dir=tmp_path))
    with pytest.raises(WeightsError) as raised:
        build_backbone(name, "imagenet", side(name))
    assert f"The ImageNet weights of {name} could not be downloaded" in str(raised.value)
    assert f"fetch {store}/" in str(raised.value)
    assert f'weights = "/path/to/{FILES[name]}" under [encoder]' in str(raised.value)
    assert not list((tmp_path / "models").iterdir())


@pytest.mark.parametrize("name", EACH)
def test_the_file_is_the_one_that_keras_fetches(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name, address, folder and checksum, as keras.applications itself asks for them."""
    request: dict[str, Any] = {}

    def caught(file: str, url: str, **settings: Any) -> str:
        request.update(settings, file=file, url=url)
        raise KeyboardInterrupt

    build = APPLICATIONS[name][0]
    monkeypatch.setattr(f"{build.__module__}.file_utils.get_file", caught)
    with pytest.raises(KeyboardInterrupt):
        build(include_top=False, weights="imagenet", input_shape=(224, 224, 3))
    ours = PLACES[name]
    assert f"{keras_files.STORE}/{ours.path}" == request["url"]
    assert (FILES[name], ours.md5) == (request["file"], request.get("file_hash"))
    assert request["cache_subdir"] == "models"
