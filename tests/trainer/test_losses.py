"""The triplet loss, against a loop over anchors written from the formula."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trainer.losses import BatchHardTriplet, batch_hard_triplet, pairwise_distances

Embeddings = NDArray[np.float32]
Labels = NDArray[np.int64]


def expected(labels: Labels, embeddings: Embeddings, margin: float) -> float:
    """Equation 5 of Hermans et al., one anchor at a time, in float64."""
    rows = embeddings.astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    losses = []
    for anchor, label in enumerate(labels):
        distances = np.linalg.norm(rows - rows[anchor], axis=1)
        positives = [distances[i] for i in range(len(rows)) if i != anchor and labels[i] == label]
        negatives = [distances[i] for i in range(len(rows)) if labels[i] != label]
        valid = positives and negatives
        losses.append(max(0.0, max(positives) - min(negatives) + margin) if valid else 0.0)
    return float(np.mean(losses))


def gradients(labels: list[int], embeddings: Embeddings) -> tuple[float, Embeddings]:
    """The loss at margin 0.2, and its gradient."""
    variable = tf.Variable(embeddings)
    with tf.GradientTape() as tape:
        loss = batch_hard_triplet(np.array(labels), variable, 0.2)
    return float(loss), tape.gradient(loss, variable).numpy()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 4), st.floats(0.01, 1.5))
def test_the_loss_is_that_of_the_formula(seed: int, count: int, kinds: int, margin: float) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(kinds, size=count)
    embeddings = (rng.normal(size=(count, 5)) * rng.uniform(0.1, 9, (count, 1))).astype(np.float32)
    wanted = expected(labels, embeddings, margin)
    assert float(batch_hard_triplet(labels, embeddings, margin)) == pytest.approx(wanted, abs=1e-3)
    shaped = BatchHardTriplet(margin)(labels[:, None], embeddings)  # as Keras passes labels on
    assert float(shaped) == pytest.approx(wanted, abs=1e-3)


def test_pairwise_distances_are_euclidean() -> None:
    rows = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    wanted = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    np.testing.assert_allclose(pairwise_distances(rows), wanted, atol=2e-3)


def test_a_case_worked_by_hand() -> None:
    corners = np.array([[1, 0], [0, 2], [-3, 0], [0, -1]], np.float32)  # on the unit circle a quarter turn apart
    # 0 and 1 belong together, as do 2 and 3: the farthest positive is as far as the nearest negative.
    assert float(batch_hard_triplet(np.array([0, 0, 1, 1]), corners, 0.2)) == pytest.approx(0.2, abs=1e-5)
    # Opposites belong together: 2 - sqrt(2) + margin.
    opposites = float(batch_hard_triplet(np.array([0, 1, 0, 1]), corners, 0.2))
    assert opposites == pytest.approx(2 - 2**0.5 + 0.2, abs=1e-5)


@pytest.mark.parametrize("labels", [[0, 1, 2, 3], [0, 0, 0, 0]])
def test_a_batch_without_positives_or_without_negatives_costs_nothing(labels: list[int]) -> None:
    loss, gradient = gradients(labels, np.eye(4, dtype=np.float32))
    assert loss == 0
    assert not gradient.any()


def test_an_anchor_without_a_positive_counts_as_zero() -> None:
    rows = np.array([[1, 0], [0, 1], [-1, 0]], np.float32)
    # 0 and 1 are a pair, 2 is alone. Anchor 0: sqrt(2) - 2 + 0.2 < 0; anchor 1: sqrt(2) - sqrt(2) + 0.2.
    assert float(batch_hard_triplet(np.array([5, 5, 9]), rows, 0.2)) == pytest.approx(0.2 / 3, abs=1e-5)


@pytest.mark.parametrize(
    "embeddings",
    [np.ones((4, 3)), np.zeros((4, 3)), np.eye(4)[[0, 0, 0, 1]], np.eye(4)[[0, 0, 1, 1]], np.diag([1, 1, 1, 0])],
    ids=["all the same", "all zero", "a pair across labels", "pairs within labels", "one zero"],
)
def test_gradients_are_finite_where_embeddings_coincide(embeddings: NDArray[np.float64]) -> None:
    loss, gradient = gradients([0, 0, 1, 1], embeddings.astype(np.float32))
    assert np.isfinite(loss)
    assert np.isfinite(gradient).all()


def test_following_the_gradient_pulls_labels_together_and_apart() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 4)
    variable = tf.Variable(rng.normal(size=(12, 4)).astype(np.float32))
    optimiser = keras.optimizers.SGD(1.0)
    before = float(batch_hard_triplet(labels, variable, 0.2))
    for _step in range(60):
        with tf.GradientTape() as tape:
            loss = batch_hard_triplet(labels, variable, 0.2)
        optimiser.apply_gradients([(tape.gradient(loss, variable), variable)])
    assert before > 0.5
    assert float(batch_hard_triplet(labels, variable, 0.2)) < 0.1
