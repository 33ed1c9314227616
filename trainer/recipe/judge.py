"""How good a choice is: heads of the closed form on its features, and both questions asked of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.encoding.projection import unit
from trainer.networks.closed_form import ClosedForm, narrowed, principal_directions
from trainer.recipe.questions import Draw, Name
from trainer.training.validation import OWN_WEIGHT

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

    `slack`: how far the features as they are lie above the plain network on new labels; so much a head may cost there.
    """

    frozen: dict[Name, float]
    tuned: dict[Name, float]
    head: HeadChoice | None
    slack: float

    @property
    def score(self) -> float:
        """What choices are compared by: the mean over the questions, weighted."""
        return _weighted(self.tuned)


def judge(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    draws: Sequence[Draw],
    *,
    thorough: bool,
    max_dims: int,
    reference: Mapping[Name, float] | None = None,
) -> Verdict:
    """Ask all questions of a choice's features, float32 [n, e]; `thorough`: of every head there is.

    `max_dims`: what PCA leaves of an embedding. `reference`: the mAP of the plain network, untuned, which no head may
    fall below; that of these features if absent.
    """
    tuned: dict[HeadChoice, dict[Name, list[float]]] = {}
    for draw in draws:
        fewer: NDArray[np.float32] = features @ principal_directions(features[draw.fitted], SUBSPACE)
        for head, kernel in _heads(fewer[draw.fitted], labels[draw.fitted], thorough=thorough).items():
            embeddings: NDArray[np.float32] = fewer @ narrowed(kernel, fewer[draw.gallery], max_dims)
            tuned.setdefault(head, {}).setdefault(draw.name, []).extend(_precisions(embeddings, labels, draw))
    before = untuned(features, labels, draws)
    options = {head: {name: float(np.mean(values)) for name, values in by.items()} for head, by in tuned.items()}
    limits = reference or before
    harmless = {head: means for head, means in options.items() if all(means[n] >= limits[n] for n in limits)}
    slack = max(0.0, before.get("new", 0.0) - limits.get("new", 0.0))
    if not harmless:
        return Verdict(before, before, None, slack)
    best = max(harmless, key=lambda head: _weighted(harmless[head]))
    return Verdict(before, harmless[best], best, slack)


def _weighted(means: Mapping[Name, float]) -> float:
    """Known labels count as much more as where a head is tuned (training.validation)."""
    weights = [OWN_WEIGHT if name == "known" else 1 for name in means]
    return float(np.average(list(means.values()), weights=weights))


def untuned(features: NDArray[np.float32], labels: NDArray[np.int64], draws: Sequence[Draw]) -> dict[Name, float]:
    """mAP by question of features as they are."""
    values: dict[Name, list[float]] = {}
    for draw in draws:
        values.setdefault(draw.name, []).extend(_precisions(features, labels, draw))
    return {name: float(np.mean(each)) for name, each in values.items()}


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
