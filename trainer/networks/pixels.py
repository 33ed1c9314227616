"""The first layer of every network: from a picture's bytes to the numbers that the network was trained on."""

from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np
from keras import KerasTensor, layers, ops


@keras.saving.register_keras_serializable(package="lookalike")
class Pixels(layers.Layer):  # type: ignore[misc]  # keras has no types
    """uint8 RGB [n, H, W, 3] -> float32 [n, H, W, 3]: `(channels in this order - mean) / std`.

    One 1x1 convolution of constants: exact, one node in the graph, nothing that could train by mistake. It computes in
    float32 whatever the policy: half precision has 11 bits, too few for a byte less a mean.
    """

    def __init__(
        self, mean: Sequence[float], std: Sequence[float], order: Literal["RGB", "BGR"] = "RGB", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs | {"dtype": "float32"})
        self.mean, self.std, self.order = tuple(mean), tuple(std), order

    def call(self, images: KerasTensor) -> KerasTensor:
        kernel = np.eye(3)[:: -1 if self.order == "BGR" else 1] / self.std
        bias = -np.divide(self.mean, self.std)
        scaled = ops.conv(ops.cast(images, "float32"), kernel[None, None].astype("float32"), padding="valid")
        return scaled + bias.astype("float32")

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config()
        return config | {"mean": self.mean, "std": self.std, "order": self.order}
