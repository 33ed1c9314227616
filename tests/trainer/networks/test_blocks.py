"""Blocks: their names are those of the network, and what trains from one on is what is computed from it."""

from functools import cache

import keras
import numpy as np
import pytest
from keras import Model

from trainer.errors import ConfigError
from trainer.networks.backbones import build_backbone
from trainer.networks.blocks import block_names, freeze_norms, last_block, layers_from
from trainer.networks.pixels import Pixels
from trainer.networks.pooling import build_encoder

# How many blocks the paper or the code has, the last one, and the layer that ends the block before it.
NETWORKS = {
    "efficientnet-lite0": (17, "blocks_15", "blocks_14_add"),
    "resnet50": (17, "conv5_block3", "conv5_block2_out"),
    "mobilenetv2": (18, "block_16", "block_15_add"),
    "efficientnetb0": (17, "block7a", "block6d_add"),
    "vgg16": (5, "block5", "block4_pool"),
    "inceptionv3": (11, "mixed10", "mixed9"),
    "siamese": (5, "stage4", "stage3_relu"),
}


SLOW = pytest.mark.slow
LIGHT = ("efficientnet-lite0", "vgg16", "siamese")
EACH = [pytest.param(name, marks=() if name in LIGHT else SLOW) for name in NETWORKS]


@cache
def random_network(name: str) -> Model:
    """A backbone with random weights, for small pictures."""
    return build_backbone(name, "none", 75 if name == "inceptionv3" else 64)


@pytest.mark.parametrize("name", EACH)
def test_the_last_block_is_all_that_is_computed_after_the_one_before(name: str) -> None:
    network, (count, last, before) = random_network(name), NETWORKS[name]
    names = block_names(network)
    assert len(names) == len(set(names)) == count
    assert last_block(network) == names[-1] == last
    after = Model(network.get_layer(before).output, network.output).layers[1:]
    assert {layer.name for layer in layers_from(network, last)} == {layer.name for layer in after}


@pytest.mark.parametrize("name", EACH)
def test_from_the_first_block_on_is_everything_but_the_pixels(name: str) -> None:
    network = random_network(name)
    everything = [layer for layer in network.layers if not isinstance(layer, (keras.layers.InputLayer, Pixels))]
    assert layers_from(network, block_names(network)[0]) == everything
    sizes = [len(layers_from(network, block)) for block in block_names(network)]
    assert sizes == sorted(set(sizes), reverse=True)


def test_a_block_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"vgg16 has no block conv5\. Its blocks are: block1, block2, .*, block5"):
        layers_from(random_network("vgg16"), "conv5")


def test_frozen_norms_keep_their_statistics_while_the_rest_trains() -> None:
    keras.utils.set_random_seed(0)
    backbone = build_backbone("siamese", "none", 32)
    encoder = build_encoder(backbone)
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    live = np.asarray(encoder(images, training=True)["embedding"])
    freeze_norms(backbone)
    norms = [layer for layer in backbone.layers if isinstance(layer, keras.layers.BatchNormalization)]
    before = [layer.get_weights() for layer in norms]
    frozen = np.asarray(encoder(images, training=True)["embedding"])
    np.testing.assert_allclose(frozen, encoder(images, training=False)["embedding"], rtol=1e-4, atol=1e-5)
    assert np.abs(live - frozen).max() > 0.01
    assert not any(weight is norm.gamma for norm in norms for weight in encoder.trainable_weights)
    assert encoder.trainable_weights
    for old, layer in zip(before, norms, strict=True):
        for value, now in zip(old, layer.get_weights(), strict=True):
            np.testing.assert_array_equal(value, now)
