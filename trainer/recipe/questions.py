"""Two questions that every choice is asked: are new pictures of known labels found, and pictures of new labels?"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from retrieval.encoding.projection import unit
from trainer.data.split import TRAIN, UNLABELLED, VALIDATION, hold_out_labels

Name = Literal["known", "new"]

FOLDS = 3
NEW_SHARE = 1 / 3
"""Of the labels, held out in each draw of new ones."""
COPY_COSINE = 0.98
"""Of pictures that are taken for copies of each other: both go to the same side."""

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Draw:
    """A head is fitted on some pictures, others are searched with, in a gallery; rows int64.

    A query that is in the gallery itself is left out of its own answer.
    """

    name: Name
    fitted: Rows
    queries: Rows
    gallery: Rows


def draws(labels: NDArray[np.int64], parts: NDArray[np.int8], groups: NDArray[np.int64], seed: int) -> list[Draw]:
    """Several draws of each question that can be asked of pictures with these labels, int64 [n].

    Known labels: `groups` int64 [n], such as the pictures of one sender or copies of one picture, are held out whole,
    a third of them each time; where `parts` int8 [n] has a part to choose by, from the publisher, it is that. New
    labels: a third of the labels is held out whole, and searched among all pictures: as crowded a gallery as the real
    one.
    """
    labelled = np.flatnonzero(labels != UNLABELLED)
    draws: list[Draw] = []
    for queries in _known_queries(labels, parts, groups, np.random.default_rng(seed)):
        fitted = np.setdiff1d(labelled, queries)
        findable = queries[np.isin(labels[queries], labels[fitted])]
        if len(findable) and len(np.unique(labels[fitted])) > 1:
            draws.append(Draw("known", fitted, findable, fitted))
    for draw in range(FOLDS):
        held_out = hold_out_labels(labels, NEW_SHARE, np.random.default_rng([seed, draw]))
        if held_out.any():
            fitted = labelled[~held_out[labelled]]
            draws.append(Draw("new", fitted, np.flatnonzero(held_out), labelled))
    return draws


def _known_queries(
    labels: NDArray[np.int64], parts: NDArray[np.int8], groups: NDArray[np.int64], rng: np.random.Generator
) -> list[Rows]:
    validation = np.flatnonzero((parts == VALIDATION) & (labels != UNLABELLED))
    if len(validation) and (parts == TRAIN).any():
        return [validation]
    names = rng.permutation(np.unique(groups[labels != UNLABELLED]))
    turns = np.empty(groups.max(initial=0) + 1, np.int64)
    turns[names] = np.arange(len(names)) % FOLDS
    return [np.flatnonzero((turns[groups] == fold) & (labels != UNLABELLED)) for fold in range(FOLDS)]


def copies(features: NDArray[np.float32]) -> NDArray[np.int64]:
    """A number int64 [n] for each picture, the same for those that are copies by their features float32 [n, e]."""
    directions = unit(features)
    groups = np.arange(len(directions))
    for row in range(1, len(directions)):
        near = int(np.argmax(directions[:row] @ directions[row]))
        if directions[near] @ directions[row] >= COPY_COSINE:
            groups[row] = groups[near]
    return groups
