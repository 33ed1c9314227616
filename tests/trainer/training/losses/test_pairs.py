"""Losses between the embeddings of a batch, each against a loop written from its formula."""

from collections.abc import Callable
from functools import partial
from itertools import product
from math import exp, log
from typing import Any, Literal

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.support.marks import examples
from tests.trainer.training.losses.batches import Embeddings, Labels, Table, batches, loss_and_gradient, unit
from trainer.training.losses.pairs import multi_similarity, nt_xent, pairwise_distances, triplet

MINERS: tuple[Literal["batch-hard", "semi-hard", "all"], ...] = ("batch-hard", "semi-hard", "all")
LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    **{miner: partial(triplet, margin=0.2, miner=miner) for miner in MINERS},
    "multi-similarity": multi_similarity,
    "nt-xent": nt_xent,
}
NEAR = 1e-5  # what float32 may decide either way


def distances_of(embeddings: Embeddings) -> Table:
    rows = unit(embeddings)
    return np.array([[np.linalg.norm(one - other) for other in rows] for one in rows])


def triplets(labels: Labels) -> list[tuple[int, int, int]]:
    """Every (anchor, positive, negative)."""
    rows = range(len(labels))
    return [
        (a, p, n)
        for a, p, n in product(rows, rows, rows)
        if a != p and labels[a] == labels[p] and labels[a] != labels[n]
    ]


def expected_batch_hard(labels: Labels, d: Table, margin: float) -> float:
    """Hermans et al., equation 5, one anchor at a time."""
    total = 0.0
    for anchor in range(len(labels)):
        mine = [(d[a, p], d[a, n]) for a, p, n in triplets(labels) if a == anchor]
        if mine:
            total += max(0.0, max(p for p, _ in mine) - min(n for _, n in mine) + margin)
    return total / len(labels)


def expected_semi_hard(labels: Labels, d: Table, margin: float) -> float:
    """Schroff et al., section 3.2, one pair at a time; the farthest negative where none is farther."""
    losses = []
    for anchor, positive in {(a, p) for a, p, _ in triplets(labels)}:
        negatives = [d[anchor, n] for n in range(len(labels)) if labels[n] != labels[anchor]]
        farther = [negative for negative in negatives if negative > d[anchor, positive]]
        hardest = min(farther) if farther else max(negatives)
        losses.append(max(0.0, d[anchor, positive] - hardest + margin))
    return sum(losses) / max(1, len(losses))


def expected_all(labels: Labels, d: Table, margin: float) -> float:
    """Hermans et al., equations 6 and 7: the mean over the triplets that cost something."""
    active = [cost for a, p, n in triplets(labels) if (cost := d[a, p] - d[a, n] + margin) > 0]
    return sum(active) / max(1, len(active))


EXPECTED = {"batch-hard": expected_batch_hard, "semi-hard": expected_semi_hard, "all": expected_all}


@pytest.mark.parametrize("miner", MINERS)
@settings(deadline=None, max_examples=examples(60))
@given(batches(), st.floats(0.01, 1.5))
def test_the_triplet_loss_is_that_of_the_formula(miner: Any, batch: tuple[Labels, Embeddings], margin: float) -> None:
    labels, embeddings = batch
    d = distances_of(embeddings)
    ties = [gap for a, p, n in triplets(labels) for gap in (d[a, p] - d[a, n], d[a, p] - d[a, n] + margin)]
    assume(all(abs(gap) > NEAR for gap in ties))
    assert float(triplet(labels, embeddings, margin, miner)) == pytest.approx(
        EXPECTED[miner](labels, d, margin), abs=2e-4
    )


@settings(deadline=None, max_examples=examples(60))
@given(batches(), st.sampled_from([2.0, 5.0]), st.sampled_from([10.0, 50.0]), st.sampled_from([0.2, 0.5, 1.0]))
def test_multi_similarity_is_that_of_the_formula(
    batch: tuple[Labels, Embeddings], alpha: float, beta: float, base: float
) -> None:
    labels, embeddings = batch
    cosines, total, epsilon = unit(embeddings) @ unit(embeddings).T, 0.0, 0.1
    for anchor, label in enumerate(labels):
        positives = [cosines[anchor, i] for i in range(len(labels)) if i != anchor and labels[i] == label]
        negatives = [cosines[anchor, i] for i in range(len(labels)) if labels[i] != label]
        if not positives or not negatives:
            continue
        assume(all(abs(abs(p - n) - epsilon) > NEAR for p in positives for n in negatives))
        kept_positives = [s for s in positives if s < max(negatives) + epsilon]  # equation 12
        kept_negatives = [s for s in negatives if s > min(positives) - epsilon]  # equation 11
        total += log(1 + sum(exp(-alpha * (s - base)) for s in kept_positives)) / alpha  # equation 15
        total += log(1 + sum(exp(beta * (s - base)) for s in kept_negatives)) / beta
    result = float(multi_similarity(labels, embeddings, alpha, beta, base, epsilon))
    assert result == pytest.approx(total / len(labels), abs=1e-4)


@settings(deadline=None, max_examples=examples(60))
@given(batches(), st.floats(0.05, 2))
def test_nt_xent_is_that_of_the_formula(batch: tuple[Labels, Embeddings], temperature: float) -> None:
    labels, embeddings = batch
    cosines, total = unit(embeddings) @ unit(embeddings).T, 0.0
    for anchor, label in enumerate(labels):
        others = [i for i in range(len(labels)) if i != anchor]
        positives = [i for i in others if labels[i] == label]
        everything = sum(exp(cosines[anchor, i] / temperature) for i in others)
        shares = [exp(cosines[anchor, i] / temperature) / everything for i in positives]
        total -= sum(map(log, shares)) / max(1, len(positives))
    result = float(nt_xent(labels, embeddings, temperature))
    assert result == pytest.approx(total / len(labels), rel=1e-4, abs=1e-4)


def test_pairwise_distances_are_euclidean() -> None:
    rows = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    wanted = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    np.testing.assert_allclose(pairwise_distances(rows), wanted, atol=2e-3)


def test_triplets_worked_by_hand() -> None:
    corners = np.array([[1, 0], [0, 2], [-3, 0], [0, -1]], np.float32)  # on the unit circle a quarter turn apart
    # 0 and 1 belong together, as do 2 and 3: the farthest positive is as far as the nearest negative.
    assert float(triplet(np.array([0, 0, 1, 1]), corners, 0.2)) == pytest.approx(0.2, abs=1e-5)
    # Opposites belong together: 2 - sqrt(2) + margin. No negative is farther, so semi-hard takes the farthest.
    for miner in ("batch-hard", "semi-hard", "all"):
        opposites = float(triplet(np.array([0, 1, 0, 1]), corners, 0.2, miner))
        assert opposites == pytest.approx(2 - 2**0.5 + 0.2, abs=1e-5)


def test_an_anchor_without_a_positive_counts_as_zero() -> None:
    rows = np.array([[1, 0], [0, 1], [-1, 0]], np.float32)
    # 0 and 1 are a pair, 2 is alone. Anchor 0: sqrt(2) - 2 + 0.2 < 0; anchor 1: sqrt(2) - sqrt(2) + 0.2.
    assert float(triplet(np.array([5, 5, 9]), rows, 0.2)) == pytest.approx(0.2 / 3, abs=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_labels_that_are_all_alone_cost_nothing(name: str) -> None:
    loss, gradient = loss_and_gradient(partial(LOSSES[name], np.arange(4)), np.eye(4, dtype=np.float32))
    assert loss == 0
    assert not gradient.any()


@pytest.mark.parametrize("name", [*MINERS, "multi-similarity"])
def test_a_batch_of_one_label_costs_nothing(name: str) -> None:
    loss, gradient = loss_and_gradient(partial(LOSSES[name], np.zeros(4, int)), np.eye(4, dtype=np.float32))
    assert loss == 0
    assert not gradient.any()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    "embeddings",
    [np.ones((4, 3)), np.zeros((4, 3)), np.eye(4)[[0, 0, 0, 1]], np.eye(4)[[0, 0, 1, 1]], np.diag([1, 1, 1, 0])],
    ids=["all the same", "all zero", "a pair across labels", "pairs within labels", "one zero"],
)
def test_gradients_are_finite_where_embeddings_coincide(name: str, embeddings: Table) -> None:
    loss, gradient = loss_and_gradient(partial(LOSSES[name], np.array([0, 0, 1, 1])), embeddings.astype(np.float32))
    assert np.isfinite(loss)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", LOSSES)
def test_half_precision_is_computed_in_float32(name: str) -> None:
    rng = np.random.default_rng(0)
    labels, half = np.arange(8) // 2, rng.normal(size=(8, 6)).astype(np.float16)
    result = LOSSES[name](labels, tf.constant(half))
    assert result.dtype == tf.float32
    assert float(result) == pytest.approx(float(LOSSES[name](labels, half.astype(np.float32))))


@pytest.mark.parametrize("name", LOSSES)
def test_following_the_gradient_pulls_labels_together_and_apart(name: str) -> None:
    rng = np.random.default_rng(0)
    labels, rows = np.repeat(np.arange(3), 4), rng.normal(size=(12, 4)).astype(np.float32)

    def mean_gap() -> float:
        d = distances_of(rows)
        return float(np.mean([d[a, n] - d[a, p] for a, p, n in triplets(labels)]))

    before = mean_gap()
    for _step in range(60):
        _loss, gradient = loss_and_gradient(partial(LOSSES[name], labels), rows)
        rows -= gradient
    assert before < 0.2
    assert mean_gap() > 0.5
