"""Which pictures are held out to choose and to measure by."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trainer.config import SplitConfig
from trainer.errors import SourceError
from trainer.sources.base import Part, Picture, Value

TRAIN, VALIDATION, TEST = 0, 1, 2
UNLABELLED = -1

PART_NUMBERS: dict[Part | None, int] = {None: TRAIN, "train": TRAIN, "validation": VALIDATION, "test": TEST}


def number_labels(labels: Sequence[str | None]) -> NDArray[np.int64]:
    """Labels as numbers int64 [n], in alphabetical order; UNLABELLED for None."""
    names = sorted({label for label in labels if label is not None})
    numbers = {name: number for number, name in enumerate(names)}
    return np.array([UNLABELLED if label is None else numbers[label] for label in labels], np.int64)


def split(pictures: Sequence[Picture], config: SplitConfig, seed: int) -> NDArray[np.int8]:
    """The part of each picture, int8 [n]: TRAIN, VALIDATION or TEST; only a publisher's split has the last.

    The same seed gives the same split, in whatever order the pictures are listed. Raises SourceError when nothing can
    be held out in the way that is asked for.
    """
    order = sorted(range(len(pictures)), key=lambda index: pictures[index].id)
    in_order = [pictures[index] for index in order]
    rng = np.random.default_rng(seed)
    if config.by == "publisher":
        parts = _by_publisher(in_order, config.share, rng)
    else:
        if config.by == "label":
            held_out = _by_label(in_order, config.share, rng)
        elif config.column is not None:
            held_out = _by_column(in_order, config.column, config.share, rng)
        else:
            held_out = _by_image(in_order, config.share, rng)
        parts = np.where(held_out, VALIDATION, TRAIN).astype(np.int8)
    unsorted = np.empty_like(parts)
    unsorted[order] = parts
    return unsorted


def hold_out_pictures(labels: NDArray[np.int64], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """True where a picture is held out: `share` of each label, at least one, while two stay to train on.

    Of a label with fewer than three pictures none is, nor any without a label.
    """
    held_out = np.zeros(len(labels), bool)
    for label in np.unique(labels[labels != UNLABELLED]):
        members = np.flatnonzero(labels == label)
        count = min(max(1, round(share * len(members))), len(members) - 2)
        if count > 0:
            held_out[rng.choice(members, count, replace=False)] = True
    return held_out


def hold_out_labels(labels: NDArray[np.int64], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """True where a picture's label is held out whole: `share` of the labels, at least two, while two stay to train on.

    A label with one picture has nothing to be found by, and stays. None is held out when fewer than two others are
    there, or fewer than four labels in all.
    """
    names, sizes = np.unique(labels[labels != UNLABELLED], return_counts=True)
    findable = names[sizes >= 2]
    if len(findable) < 2 or len(names) < 4:
        return np.zeros(len(labels), bool)
    count = max(2, min(round(share * len(names)), len(findable) - 2))
    return np.isin(labels, rng.choice(findable, count, replace=False))


def _by_image(pictures: Sequence[Picture], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A share of each label, and of the pictures without one."""
    labels = number_labels([picture.label for picture in pictures])
    labelled = labels != UNLABELLED
    held_out = hold_out_pictures(np.where(labelled, labels, labels.max(initial=0) + 1), share, rng)
    if labelled.any() and not held_out[labelled].any():
        raise SourceError(
            "No label has three pictures: two to learn from and one to check with. Add pictures, "
            "or use trainer/configs/frozen.toml to search without tuning."
        )
    return held_out


def _by_label(pictures: Sequence[Picture], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    held_out = hold_out_labels(number_labels([picture.label for picture in pictures]), share, rng)
    if not held_out.any():
        raise SourceError(
            'by = "label" under [split] takes at least four labels, two of them with two pictures each: two to learn '
            'from and two to check with. Add labelled pictures, or use by = "image".'
        )
    return held_out


def _by_column(pictures: Sequence[Picture], column: str, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Whole values of an attribute, drawn at random as long as that brings the count nearer to the share.

    Pictures without the attribute stay in training; the share is of the others.
    """
    values = [picture.attributes.get(column) for picture in pictures]
    sizes = Counter(value for value in values if value is not None)
    if len(sizes) < 2:
        names = ", ".join(sorted({name for picture in pictures for name in picture.attributes})) or "none"
        problem = f"has only one value, {next(iter(sizes))}" if sizes else "is an attribute of no picture"
        raise SourceError(
            f'column = "{column}" under [split] {problem}, so nothing can be held out by it. '
            f"The attributes of these pictures: {names}."
        )
    target = share * sizes.total()
    values_in_order = sorted(sizes, key=str)
    rng.shuffle(values_in_order)
    held_out: set[Value] = set()
    count = 0
    for value in values_in_order:
        if abs(count + sizes[value] - target) < abs(count - target):
            held_out.add(value)
            count += sizes[value]
    held_out = held_out or {min(values_in_order, key=sizes.__getitem__)}
    return np.array([value in held_out for value in values])


def _by_publisher(pictures: Sequence[Picture], share: float, rng: np.random.Generator) -> NDArray[np.int8]:
    """The parts that the pictures come with, or TRAIN. Where none is for validation, a share of TRAIN is held out."""
    if not any(picture.part for picture in pictures):
        raise SourceError(
            'by = "publisher" under [split] needs a split that comes with the pictures: folders train and test, '
            'a CSV with a column part, or a public data set that has one. Or use by = "image".'
        )
    parts = np.array([PART_NUMBERS[picture.part] for picture in pictures], np.int8)
    train = np.flatnonzero(parts == TRAIN).tolist()
    if not train:
        raise SourceError(
            'The split that comes with these pictures has no part "train", so there is nothing to learn from.'
        )
    if not (parts == VALIDATION).any():
        held_out = _by_image([pictures[index] for index in train], share, rng)
        parts[np.array(train)[held_out]] = VALIDATION
    return parts
