"""The blocks of a backbone by name: where training may start, and which norms stay as they were."""

import re
from itertools import dropwhile

from keras import Layer, Model, layers

from trainer.config.backbones import BACKBONES
from trainer.errors import ConfigError
from trainer.networks.pixels import Pixels

STEM = "stem"


def block_names(backbone: Model) -> list[str]:
    """The blocks of `backbone` (see networks.backbones) from the picture to the feature map."""
    return list(dict.fromkeys(name for name, _layer in _by_block(backbone)))


def last_block(backbone: Model) -> str:
    """The smallest end of the network that is worth training alone: its last block, and what stands after it."""
    return block_names(backbone)[-1]


def layers_from(backbone: Model, block: str) -> list[Layer]:
    """All layers from `block` on. Raises ConfigError, which lists the blocks, when there is none of that name."""
    if block not in (names := block_names(backbone)):
        raise ConfigError(f"{backbone.name} has no block {block}. Its blocks are: {', '.join(names)}.")
    return [layer for _name, layer in dropwhile(lambda pair: pair[0] != block, _by_block(backbone))]


def freeze_norms(backbone: Model) -> None:
    """Keep the statistics and scales of every BatchNormalization as pretrained: small batches would spoil them.

    A layer of that kind that does not train also computes as in inference, whatever the rest of the network does.
    """
    for layer in backbone.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False


def _by_block(backbone: Model) -> list[tuple[str, Layer]]:
    """Each layer after the pixels, in the order they are computed, with its block."""
    all_layers = [layer for layer in backbone.layers if not isinstance(layer, (layers.InputLayer, Pixels))]
    names, named_by_end = BACKBONES[backbone.name].blocks, BACKBONES[backbone.name].named_by_end
    if named_by_end:
        return _by_their_ends(all_layers, names)
    pairs, block = [], STEM
    for layer in all_layers:
        if match := re.match(names, layer.name):
            block = match[0]
        pairs.append((block, layer))
    return pairs


def _by_their_ends(all_layers: list[Layer], end: str) -> list[tuple[str, Layer]]:
    """The same for a network that names the ends of its blocks: the stem is part of the first."""
    pairs: list[tuple[str, Layer]] = []
    block = ""
    for layer in reversed(all_layers):
        if re.match(end, layer.name):
            block = layer.name
        pairs.append((block, layer))
    return pairs[::-1]
