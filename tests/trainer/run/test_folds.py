"""Sides for calibration: as the split says that queries relate to the gallery."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.run.test_held_out import pictures, tuning_of
from trainer.config import SplitConfig
from trainer.data.split import TRAIN, UNLABELLED, VALIDATION
from trainer.run.folds import FOLDS, NO_FOLD, label_folds, picture_folds, sides
from trainer.training.epochs.dataset import Pictures
from trainer.training.tuning import Tuning

__all__ = ["pictures"]

LABELS = st.lists(st.integers(UNLABELLED, 4), min_size=1, max_size=50)


@given(LABELS, st.integers(0, 9))
def test_each_label_is_spread_evenly_over_the_folds(labels: list[int], seed: int) -> None:
    numbers = np.array(labels, np.int64)
    folds = picture_folds(numbers, seed)
    assert ((folds == NO_FOLD) == (numbers == UNLABELLED)).all()
    for label in set(labels) - {UNLABELLED}:
        counts = np.bincount(folds[numbers == label], minlength=FOLDS)
        assert counts.max() - counts.min() <= 1


@given(LABELS, st.integers(0, 9))
def test_new_labels_are_held_out_whole(labels: list[int], seed: int) -> None:
    numbers = np.array(labels, np.int64)
    folds = label_folds(numbers, seed)
    assert ((folds == NO_FOLD) == (numbers == UNLABELLED)).all()
    assert all(len(set(folds[numbers == label])) == 1 for label in set(labels))


def split_by(tuning: Tuning, **split: object) -> Tuning:
    tuning.config = tuning.config.model_copy(update={"split": SplitConfig.model_validate(split)})
    return tuning


def test_whole_values_of_the_column_are_held_out(pictures: Pictures) -> None:
    files = [
        replace(one, picture=replace(one.picture, attributes={"sender": row // 3} if row % 7 else {}))
        for row, one in enumerate(pictures.files)
    ]
    tuning = split_by(tuning_of(replace(pictures, files=files), "frozen"), by="column", column="sender")
    query_count = 0
    for fitted, queries, gallery in sides(tuning):
        assert set(fitted) == set(gallery)
        theirs, own = (
            {files[row].picture.attributes.get("sender", -1 - row) for row in rows} for rows in (fitted, queries)
        )
        assert not theirs & own
        query_count += len(queries)
    assert query_count == (pictures.labels != UNLABELLED).sum()


def test_new_labels_are_searched_among_all_pictures_by_a_head_that_knows_none_of_them(pictures: Pictures) -> None:
    tuning = split_by(tuning_of(pictures, "frozen"), by="label")
    for fitted, queries, gallery in sides(tuning):
        assert not set(pictures.labels[fitted]) & set(pictures.labels[queries])
        assert set(gallery) == set(np.flatnonzero(pictures.labels != UNLABELLED))


def test_the_part_of_the_publisher_is_searched_among_the_training_part(pictures: Pictures) -> None:
    files = [
        replace(one, picture=replace(one.picture, part="validation" if part == VALIDATION else "train"))
        for one, part in zip(pictures.files, pictures.parts, strict=True)
    ]
    ((fitted, queries, gallery),) = sides(split_by(tuning_of(replace(pictures, files=files), "frozen"), by="publisher"))
    labelled = pictures.labels != UNLABELLED
    assert set(queries) == set(np.flatnonzero((pictures.parts == VALIDATION) & labelled))
    assert set(fitted) == set(gallery) == set(np.flatnonzero((pictures.parts == TRAIN) & labelled))
