"""Which pictures are held out to choose and to measure by."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trainer.errors import SourceError

UNLABELLED = -1


def number_labels(labels: Sequence[str | None]) -> NDArray[np.int64]:
    """Labels as numbers int64 [n], in alphabetical order; UNLABELLED for None.

    Raises SourceError when there are no labels, or only one: nothing can be learned from either.
    """
    names = sorted({label for label in labels if label is not None})
    if len(names) < 2:
        found = "all pictures have the same label" if names else "no picture has a label"
        raise SourceError(
            f"Tuning needs pictures of at least two labels, but {found}. Put the pictures of each kind into a folder "
            "of their own, or give the CSV a column label. To search without tuning, use trainer/configs/frozen.toml."
        )
    numbers = {name: number for number, name in enumerate(names)}
    return np.array([UNLABELLED if label is None else numbers[label] for label in labels], np.int64)


def hold_out(labels: NDArray[np.int64], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """True where a picture is held out: `share` of each label, at least one, while two stay to train on.

    Raises SourceError when no label has the three pictures that this takes.
    """
    held = np.zeros(len(labels), bool)
    for label in np.unique(labels[labels != UNLABELLED]):
        members = np.flatnonzero(labels == label)
        count = min(max(1, round(share * len(members))), len(members) - 2)
        if count > 0:
            held[rng.choice(members, count, replace=False)] = True
    if not held.any():
        raise SourceError(
            "No label has three pictures: two to learn from and one to check with. Add pictures, "
            "or use trainer/configs/frozen.toml to search without tuning."
        )
    return held
