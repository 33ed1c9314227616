"""Pictures dealt out to folds so that those of one shot stay together: what calibration holds out in turn.

Photographs of one thing come in series. A fold of single pictures leaves the neighbours of each in the series to be
found, and flatters: on grocery 93 % of the first twenty hits are then of the right label, but 71 % where the pictures
were taken elsewhere. Folds of whole groups of similar pictures give 69 %.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import AgglomerativeClustering, KMeans

from retrieval.projection import unit
from trainer.data.split import UNLABELLED

FOLDS = 4
MOST_FOR_WARD = 2_000  # pictures of one label; Ward's tree needs all their pairs
NO_FOLD = -1


def deal_out(features: NDArray[np.float32], labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """The fold 0..FOLDS-1 of each picture, int64 [n]; NO_FOLD for one without a label.

    The pictures of each label, by their features float32 [n, e], fall into FOLDS groups of least variance (Ward 1963,
    "Hierarchical Grouping to Optimize an Objective Function"), each of which goes to another fold.
    """
    folds = np.full(len(labels), NO_FOLD)
    for turn, label in enumerate(np.unique(labels[labels != UNLABELLED])):
        members = np.flatnonzero(labels == label)
        groups = _groups(unit(features[members]), seed)
        largest_first = np.argsort(np.argsort(-np.bincount(groups), kind="stable"))
        folds[members] = (largest_first[groups] + turn) % FOLDS
    return folds


def _groups(directions: NDArray[np.float32], seed: int) -> NDArray[np.int64]:
    """A group 0, 1, ... for each of a label's pictures, float32 [n, e]."""
    different = len(np.unique(directions.round(5), axis=0))
    count = min(FOLDS, different)
    if count < 2:
        return np.zeros(len(directions), np.int64)
    if len(directions) <= MOST_FOR_WARD:
        found: NDArray[np.int64] = AgglomerativeClustering(count, linkage="ward").fit_predict(directions)
    else:
        found = KMeans(count, n_init=1, random_state=seed).fit_predict(directions).astype(np.int64)
    return found
