"""What a head learns from and is measured on: features with labels and parts, and labels held out to choose by."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from trainer.data.split import TEST, TRAIN, UNLABELLED, VALIDATION, hold_out_labels
from trainer.evaluation.metrics import Scores
from trainer.networks.feature_rows import FeatureRows
from trainer.training import validation
from trainer.training.validation import Validation

Kernel = NDArray[np.float32]

INNER_SHARE = 0.2  # of the training labels, held out to choose by
LABEL_DRAWS = 3  # times that labels are held out so


@dataclass(frozen=True, slots=True, eq=False)
class JudgedPairs:
    """Pairs of pictures that people compared: the difference of their features float32 [p, e], and whether they show
    the same, bool [p]. `rows` int64 [p, 2]: the pictures; -1 for one that is no row of the examples.
    """

    differences: NDArray[np.float32]
    same: NDArray[np.bool_]
    rows: NDArray[np.int64]
    hits: NDArray[np.bool_]
    """Whether the second picture was a hit of a search with the first one, bool [p]."""

    def within(self, kept: NDArray[np.bool_], without_label: NDArray[np.bool_]) -> "JudgedPairs":
        """The pairs that are left where only the rows marked in `kept` (bool [n]) are learned from.

        A picture without a label is searched for by nobody, so it may stay though its row goes.
        """
        known = np.concatenate([kept | without_label, [True]])  # the last one for row -1
        stay = known[self.rows].all(axis=1)
        numbers = np.concatenate([np.where(kept, np.cumsum(kept) - 1, -1), [-1]])
        return JudgedPairs(self.differences[stay], self.same[stay], numbers[self.rows[stay]], self.hits[stay])


@dataclass(frozen=True, slots=True)
class Examples:
    """Features float32 [m, 1 + views, e], the clean picture first; label numbers int64 [n]; parts int8 [n].

    `pictures` int64 [n] says which rows of the features they are: no copy of them is made. None: m = n.
    With `details` float32 [n, e], a small part of each picture, labels are not looked at: the views of a picture are
    what is alike, and held-out pictures are searched by their details.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    parts: NDArray[np.int8]
    details: NDArray[np.float32] | None = None
    crowded: bool = False
    """Whether held-out pictures are searched among those trained on, too, though their labels are new."""
    judged: JudgedPairs | None = None
    pictures: NDArray[np.int64] | None = None
    factor: float = 1.0
    """What the features are to be multiplied by."""

    @property
    def clean(self) -> FeatureRows:
        """The features of the pictures as they are, a row for each."""
        return replace(self.all_views, views=(0,))

    @property
    def all_views(self) -> FeatureRows:
        """The features of all views, those of a picture one after the other."""
        pictures = np.arange(len(self.labels)) if self.pictures is None else self.pictures
        return FeatureRows(self.features, pictures, tuple(range(self.features.shape[1])), self.factor)

    @property
    def supervised(self) -> bool:
        """Whether labels say what is alike."""
        return self.details is None

    def validation(self) -> Validation:
        """Who is searched for, and among whom."""
        if not self.supervised:
            return validation.by_details(self.parts)
        return (validation.by_new_labels if self.crowded else validation.by_labels)(self.labels, self.parts)

    def only(self, *parts: int) -> "Examples":
        """The pictures of these parts that can be learned from."""
        return self.rows(np.isin(self.parts, parts) & (not self.supervised or self.labels != UNLABELLED))

    def rows(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Examples":
        """These pictures, in the order that they have here."""
        kept = np.zeros(len(self.labels), bool)
        kept[rows] = True
        return replace(
            self,
            labels=self.labels[kept],
            parts=self.parts[kept],
            details=None if self.details is None else self.details[kept],
            judged=None if self.judged is None else self.judged.within(kept, self.labels == UNLABELLED),
            pictures=self.all_views.pictures[kept],
        )

    def alike(self) -> NDArray[np.int64]:
        """Numbers int64 [n] that say which rows are alike: the labels, or each picture by itself."""
        return self.labels if self.supervised else np.arange(len(self.labels))


def measure(examples: Examples, kernel: Kernel | None = None, *, intervals: bool = True) -> Scores:
    """The held-out pictures by the features as they are, or through a kernel [e, dims]; with their intervals or not."""
    among = examples.validation()
    gallery = examples.clean.only(among.gallery)
    queries = (examples.clean if examples.details is None else examples.details)[among.queries]
    if kernel is None:
        return among.scores(queries, gallery[:], intervals=intervals)
    return among.scores(queries @ kernel, gallery @ kernel, intervals=intervals)


def new_labels(examples: Examples, seed: int) -> Examples | None:
    """The training part split once more, by label, unless the run's own split is by label already.

    None where there are too few labels for that, or none to be looked at.
    """
    labels = np.where(examples.parts == TRAIN, examples.labels, UNLABELLED)
    has_known = np.isin(examples.labels[examples.parts == VALIDATION], labels[labels != UNLABELLED]).any()
    held_out = hold_out_labels(labels, INNER_SHARE, np.random.default_rng(seed))
    if not (examples.supervised and has_known and held_out.any()):
        return None
    parts = np.where(held_out, VALIDATION, np.where(examples.parts == TRAIN, TRAIN, TEST)).astype(np.int8)
    return replace(examples, parts=parts)


def new_label_draws(examples: Examples, seed: int) -> list[Examples]:
    """The training part split several times over, by label, each time with other labels held out.

    Their pictures are searched among all pictures of the training part: a gallery as crowded as the real one.
    Empty where there are too few labels for that, or none to be looked at.
    """
    labels = np.where(examples.parts == TRAIN, examples.labels, UNLABELLED)
    draws = []
    for draw in range(LABEL_DRAWS):
        held_out = hold_out_labels(labels, INNER_SHARE, np.random.default_rng(seed + draw))
        if examples.supervised and held_out.any():
            parts = np.where(held_out, VALIDATION, np.where(examples.parts == TRAIN, TRAIN, TEST)).astype(np.int8)
            draws.append(replace(examples, parts=parts, crowded=True))
    return draws
