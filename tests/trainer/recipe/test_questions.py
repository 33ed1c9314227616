"""Both questions are asked without a leak: nothing that a head is fitted on is searched with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.data.split import TRAIN, UNLABELLED, VALIDATION
from trainer.recipe.questions import FOLDS, copies, draws

ROWS = st.lists(st.tuples(st.integers(UNLABELLED, 5), st.integers(0, 12)), min_size=1, max_size=60)


@given(ROWS, st.integers(0, 5))
def test_groups_and_new_labels_are_held_out_whole(rows: list[tuple[int, int]], seed: int) -> None:
    labels, groups = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    for draw in draws(labels, np.zeros(len(rows), np.int8), groups, seed):
        assert not set(draw.queries) & set(draw.fitted)
        assert (labels[np.concatenate([draw.queries, draw.gallery])] != UNLABELLED).all()
        assert len(draw.queries)
        shared = np.isin(labels[draw.queries], labels[draw.fitted])
        if draw.name == "known":
            assert shared.all()
            assert set(draw.gallery) == set(draw.fitted)
            assert not set(groups[draw.queries]) & set(groups[draw.fitted])
        else:
            assert not shared.any()
            assert set(draw.gallery) == set(np.flatnonzero(labels != UNLABELLED))


def test_each_question_is_asked_several_times() -> None:
    labels = np.repeat(np.arange(8), 6)
    names = [draw.name for draw in draws(labels, np.zeros(48, np.int8), np.arange(48), 0)]
    assert names == ["known"] * FOLDS + ["new"] * FOLDS


def test_the_part_that_the_publisher_chose_by_is_searched_with() -> None:
    labels = np.repeat(np.arange(4), 6)
    parts = np.where(np.arange(24) % 6 == 0, VALIDATION, TRAIN).astype(np.int8)
    known = [draw for draw in draws(labels, parts, np.arange(24), 0) if draw.name == "known"]
    assert [draw.queries.tolist() for draw in known] == [[0, 6, 12, 18]]


@pytest.mark.parametrize("labels", [[], [0], [0, 0, 0], [UNLABELLED] * 4])
def test_without_two_labels_nothing_is_asked(labels: list[int]) -> None:
    numbers = np.array(labels, np.int64)
    assert draws(numbers, np.zeros(len(labels), np.int8), np.arange(len(labels)), 0) == []


def test_copies_have_one_number() -> None:
    pictures = np.random.default_rng(0).normal(size=(6, 30)).astype(np.float32)
    with_copies = np.concatenate([pictures, 2 * pictures[:2], pictures[:1] + 0.01])
    assert copies(with_copies).tolist() == [0, 1, 2, 3, 4, 5, 0, 1, 0]
