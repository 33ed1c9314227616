"""Losses by proxies: one learnable direction for each label, dropped after training."""

import keras
import numpy as np
from keras import KerasTensor, ops
from numpy.typing import NDArray

from trainer.training.losses.pairs import log_one_plus_sum_exp


@keras.saving.register_keras_serializable(package="lookalike")
class Proxies(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Embeddings [n, d] to their cosines float32 [n, count] with `count` learnable proxies; float32 under any policy.

    `start` [count, d] is where the proxies begin (of any length); in random directions without it.
    """

    def __init__(self, count: int, start: NDArray[np.float32] | None = None, *, name: str = "proxies") -> None:
        super().__init__(name=name, dtype="float32")
        self.count = count
        self.start = start

    def build(self, input_shape: tuple[int | None, int]) -> None:
        shape = (self.count, input_shape[-1])
        if self.start is not None and self.start.shape != shape:
            raise ValueError(f"the proxies start from an array of shape {self.start.shape} where {shape} is needed")
        # Length one: gradients through the normalisation shrink as proxies grow.
        deviation = 1 / np.sqrt(input_shape[-1])
        self.proxies = self.add_weight(
            shape=shape, initializer=keras.initializers.RandomNormal(stddev=deviation), name="proxies"
        )
        if self.start is not None:
            self.proxies.assign(self.start)

    def call(self, embeddings: KerasTensor) -> KerasTensor:
        directions = ops.normalize(self.proxies, axis=1)
        return ops.matmul(ops.normalize(embeddings, axis=1), ops.transpose(directions))

    def compute_output_shape(self, input_shape: tuple[int | None, int]) -> tuple[int | None, int]:
        return (input_shape[0], self.count)

    def get_config(self) -> dict[str, object]:
        """Without `start`: a saved layer brings its weights."""
        return {"count": self.count, "name": self.name}


def proxy_anchor(
    labels: KerasTensor, similarities: KerasTensor, alpha: float = 32.0, delta: float = 0.1
) -> KerasTensor:
    """Proxy-Anchor loss: every proxy pulls the rows of its label and pushes all others, the hardest most.

    `labels` int [n] number the columns of `similarities` [n, C], the cosines to the proxies. Mean over the labels of
    the batch of log(1 + sum exp(-alpha (s - delta))) over their own rows, plus mean over all proxies of
    log(1 + sum exp(alpha (s + delta))) over the rows of other labels.
    Kim et al. 2020, "Proxy Anchor Loss for Deep Metric Learning" (https://arxiv.org/abs/2003.13911), equation 4.
    """
    cosines = ops.cast(similarities, "float32")
    own = ops.cast(ops.one_hot(labels, ops.shape(cosines)[1]), "bool")
    present = ops.sum(ops.cast(ops.any(own, axis=0), "float32"))
    pull = log_one_plus_sum_exp(-alpha * (cosines - delta), own, axis=0)
    push = log_one_plus_sum_exp(alpha * (cosines + delta), ops.logical_not(own), axis=0)
    return ops.sum(pull) / present + ops.mean(push)


def softmax(labels: KerasTensor, similarities: KerasTensor, scale: float = 16.0, smoothing: float = 0.1) -> KerasTensor:
    """Normalised softmax: mean cross entropy of softmax(scale * cosine) with the label, which keeps 1 - `smoothing`.

    `labels` int [n] number the columns of `similarities` [n, C], the cosines to the proxies; the share `smoothing` is
    spread evenly over all C.
    Zhai & Wu 2019, "Classification is a Strong Baseline for Deep Metric Learning" (https://arxiv.org/abs/1811.12649),
    equation 4; smoothing after Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision"
    (https://arxiv.org/abs/1512.00567), section 7.
    """
    logits = scale * ops.cast(similarities, "float32")
    targets = ops.one_hot(labels, ops.shape(logits)[1])
    return ops.mean(keras.losses.categorical_crossentropy(targets, logits, from_logits=True, label_smoothing=smoothing))
