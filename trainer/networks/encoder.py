"""The encoder as a Keras model: a backbone, perhaps a linear head, and the mean over the cells."""

import numpy as np
from keras import Model, layers
from numpy.typing import NDArray


def build_encoder(backbone: Model, kernel: NDArray[np.float32] | None = None) -> Model:
    """uint8 [n, H, W, 3] -> {"embedding": [n, e], "cells": [n, h, w, e]}, e the backbone's channels or the head's dims.

    `kernel` float32 [channels, dims] is the linear head. It has no bias and stands before the pooling, so that the
    embedding is exactly the mean of the cells, and a similarity can be split over the picture.
    """
    cells = backbone.output
    if kernel is not None:
        head = layers.Conv2D(kernel.shape[1], 1, use_bias=False, name="head")
        cells = head(cells)
        head.set_weights([kernel[None, None]])
    embedding = layers.GlobalAveragePooling2D(name="embedding")(cells)
    return Model(backbone.input, {"embedding": embedding, "cells": cells}, name=f"{backbone.name}-encoder")
