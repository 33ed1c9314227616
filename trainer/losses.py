"""Losses on a batch of embeddings and their labels, in Keras operations. Pure functions; each cites its paper."""

import keras
from keras import KerasTensor, ops

EPSILON = 1e-12  # keeps the gradient of a square root finite where two embeddings coincide


def pairwise_distances(embeddings: KerasTensor) -> KerasTensor:
    """Euclidean distances [n, n] between the rows of `embeddings` [n, d]."""
    squares = ops.sum(ops.square(embeddings), axis=1)
    squared = squares[:, None] + squares[None, :] - 2.0 * ops.matmul(embeddings, ops.transpose(embeddings))
    return ops.sqrt(ops.maximum(squared, EPSILON))


def batch_hard_triplet(labels: KerasTensor, embeddings: KerasTensor, margin: float) -> KerasTensor:
    """Mean over the batch of max(0, d(farthest positive) - d(nearest negative) + margin), on unit vectors.

    `labels` int [n], `embeddings` float32 [n, d], `margin` in Euclidean distance between unit vectors (0..2).
    An anchor without a positive or without a negative in the batch counts as 0.
    Hermans, Beyer & Leibe 2017, "In Defense of the Triplet Loss" (https://arxiv.org/abs/1703.07737), equation 5.
    """
    distances = pairwise_distances(ops.normalize(embeddings, axis=1))
    same = ops.equal(labels[:, None], labels[None, :])
    other = ops.logical_not(ops.eye(ops.shape(labels)[0], dtype="bool"))
    positives = ops.logical_and(same, other)
    negatives = ops.logical_not(same)
    farthest = ops.max(ops.where(positives, distances, -1.0), axis=1)
    nearest = ops.min(ops.where(negatives, distances, 3.0), axis=1)  # 3: beyond any distance of unit vectors
    valid = ops.logical_and(ops.any(positives, axis=1), ops.any(negatives, axis=1))
    return ops.mean(ops.where(valid, ops.relu(farthest - nearest + margin), 0.0))


class BatchHardTriplet(keras.losses.Loss):  # type: ignore[misc]  # Keras ships no types
    """`batch_hard_triplet` for `Model.compile`."""

    def __init__(self, margin: float) -> None:
        super().__init__(name="batch_hard_triplet", reduction=None)
        self.margin = margin

    def call(self, y_true: KerasTensor, y_pred: KerasTensor) -> KerasTensor:
        return batch_hard_triplet(ops.reshape(y_true, (-1,)), y_pred, self.margin)
