"""Labels that are probably wrong: pictures whose neighbours agree on another one.

The vote of the twenty nearest, weighted by how near they are, in two spaces: the features as they are, and the same
features with what varies within labels whitened away, from a fit without the picture itself. Pictures are ranked by how
many times more votes the other label has than their own: a picture that hardly anybody votes for is surer to be wrong
than one of two labels that are easily confused. The plain margin (Northcutt, Jiang & Chuang 2021, "Confident Learning:
Estimating Uncertainty in Dataset Labels", section 4.2) does not tell these apart: of 5 % of grocery's labels flipped,
the first 5 % of the list held 95 % by that margin, and 98 % by this ratio.
"""

import faiss
import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from retrieval.duplicates.candidates import neighbour_graph
from retrieval.encoding.projection import unit
from trainer.data.split import UNLABELLED
from trainer.networks.closed_form import scatter, whitened_directions

EXACT_UP_TO = 50_000  # pictures; every pair of them takes about a minute on two cores

Rows = NDArray[np.int64]
Directions = NDArray[np.float32]


def nearest(gallery: Directions, queries: Directions, k: int) -> tuple[NDArray[np.float32], Rows]:
    """Cosines [q, k] and rows [q, k] of the nearest of a gallery [n, d] to queries [q, d], all of length one.

    k is at most n. Where the graph finds fewer, a row is -1 and its cosine -inf or lower than any other.
    """
    if len(gallery) <= EXACT_UP_TO:
        index: faiss.Index = faiss.IndexFlatIP(gallery.shape[1])
        index.add(np.ascontiguousarray(gallery))
    else:
        index = neighbour_graph(np.ascontiguousarray(gallery))
    cosines, rows = index.search(np.ascontiguousarray(queries), min(k, len(gallery)))
    return cosines, rows


def nearest_others(directions: Directions, k: int) -> tuple[NDArray[np.float32], Rows]:
    """The same among the pictures themselves [n, d], each without itself: cosines [n, k] and rows [n, k]."""
    cosines, rows = nearest(directions, directions, k + 1)
    own = rows == np.arange(len(directions))[:, None]
    own[~own.any(axis=1), -1] = True  # doubles have pushed it out: the last one goes in its stead
    others = ~own
    width = rows.shape[1] - 1
    return cosines[others].reshape(-1, width), rows[others].reshape(-1, width)


NEIGHBOURS = 20
ONE_VOTE = 1 / NEIGHBOURS  # added to both sides of the ratio: less than a neighbour says nothing
NEARNESS = 0.1  # a neighbour whose cosine is so much lower counts 1/e as much
DIMS = 256  # of the features, by PCA, before they are whitened
SHRINKAGE = 0.1
FOLDS = 5
TURNS = 3  # times that the pictures are dealt out anew, so that chance matters less

Votes = tuple[NDArray[np.int64], NDArray[np.float64]]
"""The labels of neighbours [n, k], -1 for none, and their weights [n, k], which sum to one."""


def suspicious(features: NDArray[np.float32], labels: NDArray[np.int64], seed: int) -> list[tuple[int, int, float]]:
    """(row, suggested label, confidence) of each picture whose neighbours prefer another label, the surest first.

    `features` float32 [n, e] of the frozen encoder; `labels` int64 [n], UNLABELLED where there is none. A picture that
    is the only one of its label is passed over, as nobody could vouch for it.
    """
    rows = np.flatnonzero(labels != UNLABELLED)
    labels_of_rows = labels[rows]
    if len(rows) < FOLDS or len(np.unique(labels_of_rows)) < 2:
        return []
    directions = unit(features[rows])
    plain = _votes(*nearest_others(directions, NEIGHBOURS), labels_of_rows)
    reduced = PCA(min(DIMS, *directions.shape), random_state=seed).fit_transform(directions).astype(np.float32)
    white = [_whitened_votes(reduced, labels_of_rows, (seed, turn)) for turn in range(TURNS)]
    suspects = []
    for row in np.flatnonzero(np.bincount(labels_of_rows)[labels_of_rows] > 1).tolist():
        shares: dict[int, float] = {}
        for (neighbours, weights), share in [(plain, 1 / 2), *((votes, 1 / 2 / TURNS) for votes in white)]:
            for label, weight in zip(neighbours[row].tolist(), weights[row].tolist(), strict=True):
                shares[label] = shares.get(label, 0.0) + weight * share
        own = shares.pop(int(labels_of_rows[row]), 0.0)
        shares.pop(-1, None)
        if not shares:
            continue
        suggested = max(shares, key=lambda label: (shares[label], -label))
        if shares[suggested] > own:
            suspects.append((int(rows[row]), suggested, _confidence(shares[suggested], own)))
    return sorted(suspects, key=lambda entry: (-entry[2], entry[0]))


def _confidence(other: float, own: float) -> float:
    """0..1, rising with the ratio of the two shares of votes."""
    return (other - own) / (other + own + 2 * ONE_VOTE)


def _votes(cosines: NDArray[np.float32], neighbours: NDArray[np.int64], labels: NDArray[np.int64]) -> Votes:
    there = neighbours >= 0
    best = np.where(there, cosines, -np.inf).max(axis=1, keepdims=True)
    weights = np.where(there, np.exp((cosines.astype(np.float64) - best) / NEARNESS), 0)
    return np.where(there, labels[neighbours], -1), weights / weights.sum(axis=1, keepdims=True)


def _whitened_votes(reduced: NDArray[np.float32], labels: NDArray[np.int64], seed: tuple[int, int]) -> Votes:
    """Each fold's pictures, float32 [n, d], among the others, by a whitening fitted on these alone."""
    folds = _folds(labels, seed)
    neighbours = np.full((len(labels), NEIGHBOURS), -1)
    weights = np.zeros((len(labels), NEIGHBOURS))
    for fold in np.unique(folds):
        fitted, query_rows = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        middle = reduced[fitted].mean(axis=0)
        within, total = scatter(reduced[fitted], labels[fitted])
        kernel = whitened_directions(within, total, shrinkage=SHRINKAGE, dims=reduced.shape[1])
        gallery, query_directions = (unit((reduced[part] - middle) @ kernel) for part in (fitted, query_rows))
        k = min(NEIGHBOURS, len(fitted))
        neighbours[query_rows, :k], weights[query_rows, :k] = _votes(
            *nearest(gallery, query_directions, k), labels[fitted]
        )
    return neighbours, weights


def _folds(labels: NDArray[np.int64], seed: tuple[int, int]) -> NDArray[np.int64]:
    """A fold 0..FOLDS-1 for each picture, those of one label dealt out evenly."""
    order = np.random.default_rng(seed).permutation(len(labels))
    by_label = order[np.argsort(labels[order], kind="stable")]
    folds = np.empty(len(labels), np.int64)
    folds[by_label] = np.arange(len(labels)) % FOLDS
    return folds
