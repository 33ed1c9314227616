"""How good a choice is: heads of the closed form on its features, and both questions asked of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.projection import unit
from trainer.networks.closed_form import ClosedForm, narrowed, principal_directions
from trainer.recipe.questions import Draw, Name

SHRINKAGES = (0.02, 0.1, 0.3)
GENERAL = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.95)
QUICK_SHRINKAGES, QUICK_GENERAL = (0.1,), (0.0, 0.4, 0.8)
"""What is tried of each choice while there are many."""
DIMS = 128
"""At most, of the part for known labels; no more than these labels span are taken."""
GENERAL_DIMS = 256
GENERAL_SHRINKAGE = 0.9
SUBSPACE = 384
"""Directions that a head is fitted in while choices are compared."""
MAX_QUERIES = 400


@dataclass(frozen=True, slots=True)
class HeadChoice:
    """A head of the closed form; None stands for the features as they are."""

    shrinkage: float
    general: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """mAP by question, of the features as they are and of the best head that hurts neither, over all draws.

    `error` is one standard error of the score, over the queries.
    """

    frozen: dict[Name, float]
    tuned: dict[Name, float]
    head: HeadChoice | None
    error: float

    @property
    def score(self) -> float:
        """What choices are compared by: the mean over the questions."""
        return float(np.mean(list(self.tuned.values())))


def judge(
    features: NDArray[np.float32], labels: NDArray[np.int64], draws: Sequence[Draw], *, thorough: bool, max_dims: int
) -> Verdict:
    """Ask all questions of a choice's features, float32 [n, e]; `thorough`: of every head there is.

    `max_dims`: what PCA leaves of an embedding.
    """
    frozen: dict[Name, list[float]] = {}
    tuned: dict[HeadChoice, dict[Name, list[float]]] = {}
    for draw in draws:
        frozen.setdefault(draw.name, []).extend(_precisions(features, labels, draw))
        fewer: NDArray[np.float32] = features @ principal_directions(features[draw.fitted], SUBSPACE)
        for head, kernel in _heads(fewer[draw.fitted], labels[draw.fitted], thorough=thorough).items():
            embeddings: NDArray[np.float32] = fewer @ narrowed(kernel, fewer[draw.gallery], max_dims)
            tuned.setdefault(head, {}).setdefault(draw.name, []).extend(_precisions(embeddings, labels, draw))
    before = {name: float(np.mean(values)) for name, values in frozen.items()}
    options = {head: {name: float(np.mean(values)) for name, values in by.items()} for head, by in tuned.items()}
    harmless = {head: means for head, means in options.items() if all(means[n] >= before[n] for n in before)}
    if not harmless:
        return Verdict(before, before, None, _standard_error(frozen))
    best = max(harmless, key=lambda head: sum(harmless[head].values()))
    return Verdict(before, harmless[best], best, _standard_error(tuned[best]))


def _heads(
    features: NDArray[np.float32], labels: NDArray[np.int64], *, thorough: bool
) -> dict[HeadChoice, NDArray[np.float32]]:
    form = ClosedForm(features, labels)
    dims = min(DIMS, len(np.unique(labels)) - 1, form.width) or 1
    heads = {}
    for shrinkage in SHRINKAGES if thorough else QUICK_SHRINKAGES:
        heads[HeadChoice(shrinkage, 0.0)] = form.directions(shrinkage, dims)
        for general in (GENERAL if thorough else QUICK_GENERAL)[1:]:
            heads[HeadChoice(shrinkage, general)] = form.blended(
                shrinkage,
                dims,
                general=general,
                general_shrinkage=GENERAL_SHRINKAGE,
                general_dims=min(GENERAL_DIMS, form.width),
            )
    return heads


def _precisions(embeddings: NDArray[np.float32], labels: NDArray[np.int64], draw: Draw) -> list[float]:
    """Average precision of each query, by the cosine of unit embeddings less the gallery's mean, as PCA leaves it."""
    queries = draw.queries[:: -(-len(draw.queries) // MAX_QUERIES)]
    vectors = unit(embeddings)
    vectors = vectors - vectors[draw.gallery].mean(axis=0)
    nearness = unit(vectors[queries]) @ unit(vectors[draw.gallery]).T
    nearness[queries[:, None] == draw.gallery[None, :]] = -np.inf
    order = np.argsort(-nearness, axis=1, kind="stable")
    hits = labels[draw.gallery][order] == labels[queries][:, None]
    hits &= np.isfinite(np.take_along_axis(nearness, order, axis=1))
    counts = hits.sum(axis=1)
    ranks = np.arange(1, hits.shape[1] + 1)
    sums = (np.cumsum(hits, axis=1) / ranks * hits).sum(axis=1)
    precisions: list[float] = (sums[counts > 0] / counts[counts > 0]).tolist()
    return precisions


def _standard_error(values: dict[Name, list[float]]) -> float:
    """Of the mean over the questions."""
    variances = [np.var(each) / len(each) for each in values.values()]
    return float(np.sqrt(sum(variances)) / len(variances))
