"""Which pictures are searched with, and in which gallery, to learn how sure a bundle may be: as queries will come.

How new queries relate to the gallery is what a probability depends on most, and it is the split that says so: single
pictures are held out where queries are like the gallery's pictures (by = "image"), whole values of an attribute, or the
publisher's own part, where they come from new situations, and whole labels where these are new (by = "label").
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import AgglomerativeClustering, KMeans

from retrieval.encoding.projection import unit
from trainer.data.features import PictureFile
from trainer.data.split import TEST, TRAIN, UNLABELLED, VALIDATION
from trainer.training.tuning import Tuning

FOLDS = 4
MAX_FOR_WARD = 2_000  # pictures of one label; Ward's tree needs all their pairs
NO_FOLD = -1

Rows = NDArray[np.int64]
Sides = list[tuple[Rows, Rows, Rows]]
"""Pictures that a head is fitted on, that are searched with, and that are searched."""


def sides(tuning: Tuning) -> Sides:
    """As the run's split says that queries relate to the gallery. Pictures of the test part have no side."""
    pictures, seed = tuning.pictures, tuning.config.seed
    labels = np.where(pictures.parts == TEST, UNLABELLED, pictures.labels)
    by, column = tuning.config.split.by, tuning.config.split.column
    if by == "label":
        everything = np.flatnonzero(labels != UNLABELLED)
        return [(fitted, queries, everything) for fitted, queries, _g in _sides_of(label_folds(labels, seed))]
    if by == "column" and column is not None:
        return _sides_of(value_folds(pictures.files, labels, column, seed))
    if by == "publisher" and any(file.picture.part == "validation" for file in pictures.files):
        labelled = labels != UNLABELLED
        gallery = np.flatnonzero((pictures.parts == TRAIN) & labelled)
        return [(gallery, np.flatnonzero((pictures.parts == VALIDATION) & labelled), gallery)]
    if by == "image":
        return _sides_of(picture_folds(labels, seed))
    return new_situations(tuning)


def new_situations(tuning: Tuning) -> Sides:
    """As if queries came from situations that the gallery does not hold: similar shots are held out together."""
    labels = np.where(tuning.pictures.parts == TEST, UNLABELLED, tuning.pictures.labels)
    return _sides_of(grouped_folds(tuning.features.values[:, 0], labels, tuning.config.seed))


def picture_folds(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """The fold 0..FOLDS-1 of each picture, int64 [n], each label spread evenly; NO_FOLD for one without a label."""
    folds, rng = np.full(len(labels), NO_FOLD), np.random.default_rng(seed)
    for turn, label in enumerate(np.unique(labels[labels != UNLABELLED])):
        members = rng.permutation(np.flatnonzero(labels == label))
        folds[members] = (np.arange(len(members)) + turn) % FOLDS
    return folds


def label_folds(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """The same for whole labels."""
    has_label = labels != UNLABELLED
    return np.where(has_label, _shuffled(np.where(has_label, labels, 0), seed), NO_FOLD)


def value_folds(files: Sequence[PictureFile], labels: NDArray[np.int64], column: str, seed: int) -> NDArray[np.int64]:
    """The same for whole values of an attribute; a picture without one is a value by itself."""
    values = [file.picture.attributes.get(column) for file in files]
    names = [f"v{value}" if value is not None else f"p{row}" for row, value in enumerate(values)]
    numbers = np.unique(names, return_inverse=True)[1].astype(np.int64)
    return np.where(labels != UNLABELLED, _shuffled(numbers, seed), NO_FOLD)


def _shuffled(numbers: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """A fold for each number, in random order."""
    turns = np.random.default_rng(seed).permutation(int(numbers.max(initial=0)) + 1)
    folds: NDArray[np.int64] = turns[numbers] % FOLDS
    return folds


def _sides_of(folds: NDArray[np.int64]) -> Sides:
    pairs = [(np.flatnonzero((folds != f) & (folds != NO_FOLD)), np.flatnonzero(folds == f)) for f in range(FOLDS)]
    return [(others, queries, others) for others, queries in pairs if len(queries) and len(others)]


def grouped_folds(features: NDArray[np.float32], labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
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
    distinct = len(np.unique(directions.round(5), axis=0))
    count = min(FOLDS, distinct)
    if count < 2:
        return np.zeros(len(directions), np.int64)
    if len(directions) <= MAX_FOR_WARD:
        groups: NDArray[np.int64] = AgglomerativeClustering(count, linkage="ward").fit_predict(directions)
    else:
        groups = KMeans(count, n_init=1, random_state=seed).fit_predict(directions).astype(np.int64)
    return groups
