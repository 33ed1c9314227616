"""Losses that compare the embeddings of a batch with each other: triplets, Multi-Similarity, NT-Xent.

All take labels int [n] and embeddings [n, d] of any length and float type, and compute on unit vectors in float32.
"""

from typing import Literal

from keras import KerasTensor, ops

EPSILON = 1e-12  # keeps the gradient of a square root finite where two embeddings coincide
NEVER = -1e9  # in place of minus infinity: its exponential is 0, and so is every gradient through it


def pairwise_distances(embeddings: KerasTensor) -> KerasTensor:
    """Euclidean distances [n, n] between the rows of `embeddings` [n, d]."""
    squares = ops.sum(ops.square(embeddings), axis=1)
    squared = squares[:, None] + squares[None, :] - 2.0 * ops.matmul(embeddings, ops.transpose(embeddings))
    return ops.sqrt(ops.maximum(squared, EPSILON))


def triplet(
    labels: KerasTensor,
    embeddings: KerasTensor,
    margin: float,
    miner: Literal["batch-hard", "semi-hard", "all"] = "batch-hard",
) -> KerasTensor:
    """Mean of max(0, d(anchor, positive) - d(anchor, negative) + margin) over the triplets that `miner` picks.

    d and `margin` are Euclidean distances between unit vectors (0..2).

    batch-hard: for every anchor its farthest positive and its nearest negative; an anchor that lacks either counts
        as 0. Hermans, Beyer & Leibe 2017, "In Defense of the Triplet Loss" (https://arxiv.org/abs/1703.07737), eq. 5.
    semi-hard: for every pair of anchor and positive the nearest negative that is farther than the positive. Schroff,
        Kalenichenko & Philbin 2015, "FaceNet" (https://arxiv.org/abs/1503.03832), section 3.2. The paper leaves open
        what to do where no negative is farther: here the farthest one is taken, the least hard of those too hard.
    all: all triplets that cost anything at all. Hermans et al., eq. 6 and 7. Like semi-hard it holds a few tables of
        n ** 3 values: 67 MB each for a batch of 256.
    """
    distances = pairwise_distances(_unit(embeddings))
    positives, negatives = _relations(labels)
    mine = {"batch-hard": _batch_hard, "semi-hard": _semi_hard, "all": _all_active}[miner]
    return mine(distances, positives, negatives, margin)


def _batch_hard(distances: KerasTensor, positives: KerasTensor, negatives: KerasTensor, margin: float) -> KerasTensor:
    farthest = ops.max(ops.where(positives, distances, -1.0), axis=1)
    nearest = ops.min(ops.where(negatives, distances, 3.0), axis=1)  # 3: beyond any distance of unit vectors
    valid = ops.logical_and(ops.any(positives, axis=1), ops.any(negatives, axis=1))
    return ops.mean(ops.where(valid, ops.relu(farthest - nearest + margin), 0.0))


def _semi_hard(distances: KerasTensor, positives: KerasTensor, negatives: KerasTensor, margin: float) -> KerasTensor:
    # Axes: anchor, positive, negative.
    farther = ops.logical_and(negatives[:, None, :], distances[:, None, :] > distances[:, :, None])
    nearest = ops.min(ops.where(farther, distances[:, None, :], 3.0), axis=2)
    farthest = ops.max(ops.where(negatives, distances, -1.0), axis=1)[:, None]
    negative = ops.where(ops.any(farther, axis=2), nearest, farthest)
    valid = ops.logical_and(positives, ops.any(negatives, axis=1)[:, None])
    return _mean_where(valid, ops.relu(distances - negative + margin))


def _all_active(distances: KerasTensor, positives: KerasTensor, negatives: KerasTensor, margin: float) -> KerasTensor:
    costs = distances[:, :, None] - distances[:, None, :] + margin  # axes: anchor, positive, negative
    triplets = ops.logical_and(positives[:, :, None], negatives[:, None, :])
    return _mean_where(ops.logical_and(triplets, costs > 0.0), costs)


def multi_similarity(
    labels: KerasTensor,
    embeddings: KerasTensor,
    alpha: float = 2.0,
    beta: float = 50.0,
    base: float = 0.5,
    epsilon: float = 0.1,
) -> KerasTensor:
    """Multi-Similarity loss: mean over the batch of a soft maximum over hard positives and one over hard negatives.

    A negative is kept where its cosine exceeds that of the least similar positive less `epsilon`, a positive where it
    is below that of the most similar negative plus `epsilon`; over those,
    log(1 + sum exp(-alpha (s - base))) / alpha + log(1 + sum exp(beta (s - base))) / beta. An anchor that lacks
    positives or negatives keeps none and counts as 0.
    Wang et al. 2019, "Multi-Similarity Loss with General Pair Weighting for Deep Metric Learning"
    (https://arxiv.org/abs/1904.06627), equations 11, 12 and 15.
    """
    cosines = _cosines(embeddings)
    positives, negatives = _relations(labels)
    least = ops.min(ops.where(positives, cosines, 2.0), axis=1, keepdims=True)  # 2: beyond any cosine
    most = ops.max(ops.where(negatives, cosines, -2.0), axis=1, keepdims=True)
    hard_positives = ops.logical_and(positives, cosines < most + epsilon)
    hard_negatives = ops.logical_and(negatives, cosines > least - epsilon)
    pull = log_one_plus_sum_exp(-alpha * (cosines - base), hard_positives, axis=1) / alpha
    push = log_one_plus_sum_exp(beta * (cosines - base), hard_negatives, axis=1) / beta
    return ops.mean(pull + push)


def nt_xent(labels: KerasTensor, embeddings: KerasTensor, temperature: float = 0.2) -> KerasTensor:
    """Normalised temperature-scaled cross entropy: each row should be told from all others as a view of its picture.

    `labels` say which rows are views of one picture. Mean over the rows of -log softmax(cosine / temperature) among
    all other rows, itself averaged over the row's positives; a row without any counts as 0.
    With two views: Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations" (SimCLR,
    https://arxiv.org/abs/2002.05709), equation 1. With more: Khosla et al. 2020, "Supervised Contrastive Learning"
    (https://arxiv.org/abs/2004.11362), equation 2.
    """
    logits = _cosines(embeddings) / temperature
    positives, negatives = _relations(labels)
    others = ops.logical_or(positives, negatives)
    surprise = ops.logsumexp(ops.where(others, logits, NEVER), axis=1, keepdims=True) - logits
    counts = ops.maximum(ops.sum(ops.cast(positives, "float32"), axis=1), 1.0)
    return ops.mean(ops.sum(ops.where(positives, surprise, 0.0), axis=1) / counts)


def log_one_plus_sum_exp(values: KerasTensor, mask: KerasTensor, axis: int) -> KerasTensor:
    """log(1 + sum of exp(values) where `mask`) along an axis of a table; 0 where the mask is empty."""
    terms = ops.where(mask, values, NEVER)
    return ops.logaddexp(ops.logsumexp(terms, axis=axis), 0.0)


def _unit(embeddings: KerasTensor) -> KerasTensor:
    return ops.normalize(ops.cast(embeddings, "float32"), axis=1)


def _cosines(embeddings: KerasTensor) -> KerasTensor:
    rows = _unit(embeddings)
    return ops.matmul(rows, ops.transpose(rows))


def _relations(labels: KerasTensor) -> tuple[KerasTensor, KerasTensor]:
    """Which pairs of rows [n, n] are positives (the same label, not the same row), and which are negatives."""
    same = ops.equal(labels[:, None], labels[None, :])
    other = ops.logical_not(ops.eye(ops.shape(labels)[0], dtype="bool"))
    return ops.logical_and(same, other), ops.logical_not(same)


def _mean_where(mask: KerasTensor, values: KerasTensor) -> KerasTensor:
    """Mean of the values where `mask`; 0 where it is empty."""
    count = ops.sum(ops.cast(mask, "float32"))
    return ops.sum(ops.where(mask, values, 0.0)) / ops.maximum(count, 1.0)
