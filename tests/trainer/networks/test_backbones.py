"""Backbones: their pixels are what they were trained on, and every kind is built, seeded and sized alike."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import keras
import numpy as np
import pytest
from keras import Model
from numpy.typing import NDArray
from PIL import Image

from retrieval.encoding.embedder import prepare
from tests.support.bundles import picture
from trainer.config.backbones import BACKBONES
from trainer.errors import ConfigError, WeightsError
from trainer.networks.backbones import build_backbone

SIZE = 64
SMALLEST = {"inceptionv3": 75}

Pictures = NDArray[np.uint8]


SLOW = pytest.mark.slow

Prepare = Callable[[NDArray[Any]], NDArray[Any]]

# What prepares pictures for it, by the library's own functions or the papers' code, and the channels of its features.
EXPECTED: dict[str, tuple[Prepare, int]] = {
    **{f"efficientnet-lite{number}": (lambda values: (values - 127) / 128, 1280) for number in range(3)},
    "resnet50": (keras.applications.resnet.preprocess_input, 2048),
    "resnet50v2": (keras.applications.resnet_v2.preprocess_input, 2048),
    # by the constants of the layers that Keras builds in unless it is asked not to
    "convnexttiny": (lambda values: (values - (123.675, 116.28, 103.53)) / (58.395, 57.12, 57.375), 768),
    "efficientnetv2s": (lambda values: values / 128 - 1, 1280),
    "mobilenetv2": (keras.applications.mobilenet_v2.preprocess_input, 1280),
    # test_keras_files compares with all that Keras does, which it does inside the network
    "efficientnetb0": (lambda values: (values / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225), 1280),
    "vgg16": (keras.applications.vgg16.preprocess_input, 512),
    "inceptionv3": (keras.applications.inception_v3.preprocess_input, 2048),
    "siamese": (lambda values: values / 127.5 - 1, 256),
}
LIGHT = ("efficientnet-lite0", "mobilenetv2", "siamese")
EACH = [pytest.param(name, marks=() if name in LIGHT else SLOW) for name in BACKBONES]


@cache
def random_network(name: str) -> Model:
    """A backbone with random weights."""
    keras.utils.set_random_seed(0)
    return build_backbone(name, "none", side(name))


def side(name: str) -> int:
    """A small size that the network can take."""
    return max(SIZE, SMALLEST.get(name, 0))


def pictures(size: int) -> Pictures:
    """Pictures and the corners of the colour cube, [n, size, size, 3]."""
    corners = np.array([[r, g, b] for r in (0, 255) for g in (0, 255) for b in (0, 255)], np.uint8)
    cube = np.asarray(Image.fromarray(corners[None]).resize((size, size), Image.Resampling.NEAREST))
    return np.stack([*(prepare(picture(seed), size, size) for seed in range(3)), cube])


@pytest.fixture(scope="module", autouse=True)
def memory() -> Iterator[None]:
    """Let go of the networks afterwards."""
    yield
    random_network.cache_clear()
    keras.backend.clear_session()


@pytest.fixture
def half() -> Iterator[None]:
    """The policy of GPUs that train in half precision."""
    keras.mixed_precision.set_global_policy("mixed_float16")
    yield
    keras.mixed_precision.set_global_policy("float32")


def preprocessed(network: Model, images: Pictures) -> NDArray[np.float32]:
    """What the network proper is given."""
    return Model(network.input, network.get_layer("pixels").output).predict_on_batch(images)


# --- pixels


def by_its_authors(name: str, images: Pictures) -> NDArray[Any]:
    """What the network proper was trained on."""
    return EXPECTED[name][0](images.astype(np.float32))


@pytest.mark.parametrize("name", EACH)
def test_each_network_is_given_what_its_authors_gave_it(name: str) -> None:
    images = pictures(side(name))
    wanted = by_its_authors(name, images)
    np.testing.assert_allclose(preprocessed(random_network(name), images), wanted, atol=1e-6 * np.abs(wanted).max())


@pytest.mark.usefixtures("half")
@pytest.mark.parametrize(
    "name", ["efficientnet-lite0", *(pytest.param(name, marks=SLOW) for name in ("mobilenetv2", "efficientnetb0"))]
)
def test_half_precision_begins_after_the_pixels(name: str) -> None:
    network = build_backbone(name, "none", SIZE)
    images = pictures(SIZE)
    result, wanted = preprocessed(network, images), by_its_authors(name, images)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, wanted, atol=1e-6 * np.abs(wanted).max())
    assert network.output.dtype == "float16"


@pytest.mark.parametrize("name", EACH)
def test_the_pixels_cannot_train(name: str) -> None:
    random_network(name).trainable = True
    assert not random_network(name).get_layer("pixels").weights
    assert not any(isinstance(layer, keras.layers.Normalization) for layer in random_network(name).layers)


# --- networks


@pytest.mark.parametrize("name", EACH)
def test_pictures_become_a_feature_map(name: str) -> None:
    network = random_network(name)
    assert (network.input.dtype, network.input.name, network.name) == ("uint8", "images", name)
    features = network.predict_on_batch(pictures(side(name)))
    cells = {"inceptionv3": 1, "siamese": SIZE // 16}.get(name, SIZE // 32)
    assert features.shape == (len(pictures(SIZE)), cells, cells, EXPECTED[name][1])
    assert np.isfinite(features).all()
    assert features.std() > 0


def test_random_weights_follow_the_seed() -> None:
    for seed in (0, 1):
        keras.utils.set_random_seed(seed)
        again = build_backbone("efficientnet-lite0", "none", SIZE).get_layer("conv_stem").get_weights()[0]
        assert np.array_equal(again, random_network("efficientnet-lite0").get_layer("conv_stem").get_weights()[0]) == (
            seed == 0
        )


def test_siamese_is_cheap_and_normalised() -> None:
    """Multiplications at 64x64, counted from the shapes of the kernels and of what they make."""
    count = 0
    for layer in random_network("siamese").layers:
        if isinstance(layer, keras.layers.Conv2D):
            _batch, height, width, _channels = layer.output.shape
            count += int(np.prod(layer.kernel.shape)) * height * width
    assert 50e6 < count < 80e6
    names = [type(layer).__name__ for layer in random_network("siamese").layers]
    assert names.count("BatchNormalization") == names.count("Conv2D")


def test_a_picture_that_is_too_small_is_said() -> None:
    with pytest.raises(ConfigError, match=r"inceptionv3 cannot be built for pictures of 64 x 64 .* at least 75"):
        build_backbone("inceptionv3", "none", 64)


@pytest.mark.parametrize("name", ["resnet50", "efficientnet-lite0"])
@pytest.mark.parametrize("place", ["absent.h5", "folder", ""])
def test_a_missing_weights_file_is_said(name: str, place: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(WeightsError, match=r'no weights file .*Set weights to "imagenet", "none" or a file'):
        build_backbone(name, place, SIZE)


def test_siamese_has_no_imagenet_weights() -> None:
    with pytest.raises(WeightsError, match="siamese has no ImageNet weights: it starts from scratch"):
        build_backbone("siamese", "imagenet", SIZE)
