"""Batches to try a loss on, and the gradient it has there."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from hypothesis import strategies as st
from numpy.typing import NDArray

Embeddings = NDArray[np.float32]
Labels = NDArray[np.int64]
Table = NDArray[np.float64]


@st.composite
def batches(draw: st.DrawFn, most: int = 10) -> tuple[Labels, Embeddings]:
    """Labels that repeat, stand alone or are all the same; embeddings [n, 5] of any direction and length."""
    count = draw(st.integers(1, most))
    labels = np.array(draw(st.lists(st.integers(0, 4), min_size=count, max_size=count)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return labels, (rng.normal(size=(count, 5)) * rng.uniform(0.1, 9, (count, 1))).astype(np.float32)


def unit(embeddings: Embeddings) -> Table:
    """In float64, of length one."""
    rows = embeddings.astype(np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def loss_and_gradient(loss: Callable[[tf.Variable], tf.Tensor], rows: Embeddings) -> tuple[float, Embeddings]:
    variable = tf.Variable(rows)
    with tf.GradientTape() as tape:
        value = loss(variable)
    return float(value), tape.gradient(value, variable).numpy()
