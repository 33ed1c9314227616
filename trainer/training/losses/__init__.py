"""Losses on a batch of embeddings and their labels. Pure functions in Keras operations; each cites its paper.

`pairs` compares embeddings with each other, `proxies` with learnable directions that stand for the labels, and
`make_loss` gives what the configuration names to `Model.compile`.
"""

from collections.abc import Callable
from functools import partial

import keras
from keras import KerasTensor, ops

from trainer.config import LossConfig
from trainer.training.losses.pairs import multi_similarity, nt_xent, triplet
from trainer.training.losses.proxies import Proxies, proxy_anchor, softmax

__all__ = ["Proxies", "make_loss", "multi_similarity", "nt_xent", "proxy_anchor", "softmax", "triplet", "uses_proxies"]


def uses_proxies(config: LossConfig) -> bool:
    """Whether labels are learned by a loss on similarities to `Proxies`, rather than on embeddings."""
    return config.loss in {"proxy-anchor", "softmax"}


def make_loss(config: LossConfig, *, supervised: bool) -> keras.losses.Loss:
    """The loss that the configuration names; NT-Xent where there are no labels, whatever it names.

    y_true is int [n] or [n, 1], below 2**24 (Keras passes it on as float32): labels, or without labels which rows are
    views of one picture. y_pred [n, d] is embeddings, or cosines to the proxies where `uses_proxies` and supervised.
    """
    if not supervised or config.loss == "nt-xent":
        return BatchLoss(partial(nt_xent, temperature=config.temperature), "nt_xent")
    if config.loss == "triplet":
        return BatchLoss(partial(triplet, margin=config.margin, miner=config.miner), "triplet")
    if config.loss == "multi-similarity":
        return BatchLoss(multi_similarity, "multi_similarity")
    if config.loss == "proxy-anchor":
        return BatchLoss(proxy_anchor, "proxy_anchor")
    return BatchLoss(softmax, "softmax")


class BatchLoss(keras.losses.Loss):  # type: ignore[misc]  # Keras ships no types
    """A function of a whole batch (labels int32 [n], predictions [n, d]) to a scalar, for `Model.compile`."""

    def __init__(self, function: Callable[[KerasTensor, KerasTensor], KerasTensor], name: str) -> None:
        super().__init__(name=name)
        self.function = function

    def call(self, y_true: KerasTensor, y_pred: KerasTensor) -> KerasTensor:
        """The loss, [1]: Keras leaves a bare scalar as it is, but divides the mean of a list by the number of replicas.

        Without that, the gradients that a MirroredStrategy sums would be as many times too large as it has replicas.
        """
        labels = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        return ops.reshape(self.function(labels, y_pred), (1,))
