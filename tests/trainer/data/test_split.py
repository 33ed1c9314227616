"""Labels as numbers, and the pictures that are held out."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.support.marks import examples
from trainer.config import SplitConfig
from trainer.data.split import (
    TEST,
    TRAIN,
    UNLABELLED,
    VALIDATION,
    hold_out_labels,
    hold_out_pictures,
    number_labels,
    split,
)
from trainer.errors import SourceError
from trainer.sources.base import Part, Picture, Value

IMAGE, LABEL, PUBLISHER = (SplitConfig(by=by) for by in ("image", "label", "publisher"))
SENDER = SplitConfig(by="column", column="sender")

SHARES = st.floats(0.01, 0.5)
SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.lists(st.integers(0, 30), min_size=1, max_size=8)


def pictures_of(
    labels: Sequence[str | None],
    senders: Sequence[Value | None] | None = None,
    parts: Sequence[Part | None] | None = None,
) -> list[Picture]:
    """Pictures with ids that are not in the order of the list."""
    return [
        Picture(
            str(index * 7919 % 1009),
            Path(f"/{index}"),
            label,
            {"sender": senders[index]} if senders and senders[index] is not None else {},
            parts[index] if parts else None,
        )
        for index, label in enumerate(labels)
    ]


def labels_of(sizes: Sequence[int], unlabelled: int = 0) -> list[str | None]:
    return [*(f"label {number}" for number, size in enumerate(sizes) for _ in range(size)), *[None] * unlabelled]


@settings(deadline=None)
@given(st.lists(st.none() | st.text(max_size=3), max_size=30))
def test_labels_are_numbered_in_alphabetical_order(labels: list[str | None]) -> None:
    names = sorted({label for label in labels if label is not None})
    numbers = number_labels(labels)
    assert numbers.dtype == np.int64
    assert [None if number == UNLABELLED else names[number] for number in numbers] == labels


# --- by image


@settings(deadline=None, max_examples=examples(200))
@given(SIZES, st.integers(0, 10), SHARES, SEEDS)
def test_a_share_of_each_label_is_held_out(sizes: list[int], unlabelled: int, share: float, seed: int) -> None:
    assume(max(sizes) >= 3)
    labels = labels_of(sizes, unlabelled)
    parts = split(pictures_of(labels), SplitConfig(share=share), seed)
    assert parts.dtype == np.int8
    assert set(parts.tolist()) <= {TRAIN, VALIDATION}
    for label, size in Counter(labels).items():  # the pictures without a label are one more group
        count = sum(part == VALIDATION for part, other in zip(parts, labels, strict=True) if other == label)
        assert count == 0 if size < 3 else 1 <= count <= size - 2
        assert size < 3 or abs(count - share * size) <= 1


def test_who_is_held_out_is_drawn() -> None:
    pictures = pictures_of(labels_of([50, 50]))
    one, other = (split(pictures, IMAGE, seed) for seed in (1, 2))
    assert (one == VALIDATION).sum() == (other == VALIDATION).sum() == 20
    assert not np.array_equal(one, other)


def test_pictures_without_any_label_are_held_out_as_one_group() -> None:
    assert split(pictures_of([None] * 10), IMAGE, 0).sum() == 2 * VALIDATION
    assert not split(pictures_of([None] * 2), IMAGE, 0).any()
    assert split([], IMAGE, 0).tolist() == []


@pytest.mark.parametrize("labels", [labels_of([2, 2]), labels_of([1, 2], unlabelled=9)])
def test_too_few_pictures_of_every_label_is_an_error(labels: list[str | None]) -> None:
    with pytest.raises(SourceError, match="No label has three pictures") as raised:
        split(pictures_of(labels), IMAGE, 0)
    assert "frozen.toml" in str(raised.value)


# --- by label


@settings(deadline=None, max_examples=examples(200))
@given(st.lists(st.integers(1, 6), min_size=4, max_size=20), st.integers(0, 5), SHARES, SEEDS)
def test_labels_are_held_out_whole(sizes: list[int], unlabelled: int, share: float, seed: int) -> None:
    findable = sum(size > 1 for size in sizes)
    assume(findable >= 2)
    labels = labels_of(sizes, unlabelled)
    parts = split(pictures_of(labels), SplitConfig(by="label", share=share), seed)
    held, kept = ({label for label, p in zip(labels, parts, strict=True) if p == part} for part in (VALIDATION, TRAIN))
    assert not held & kept
    assert None not in held
    assert len(kept - {None}) >= 2
    assert len(held) >= 2
    assert sum(labels.count(label) >= 2 for label in kept - {None}) >= min(2, findable - 2)
    assert all(labels.count(label) >= 2 for label in held)
    if findable == len(sizes):
        assert abs(len(held) - share * len(sizes)) <= 2
    assert len(held) <= max(2, round(share * len(sizes)))


@pytest.mark.parametrize("sizes", [[9, 9, 9], [9, 1, 1, 1], [1] * 9, []])
def test_too_few_labels_is_an_error(sizes: list[int]) -> None:
    with pytest.raises(SourceError, match="at least four labels"):
        split(pictures_of(labels_of(sizes, unlabelled=5)), LABEL, 0)


# --- by column


@settings(deadline=None, max_examples=examples(200))
@given(st.lists(st.integers(1, 8), min_size=2, max_size=30), st.integers(0, 5), SHARES, SEEDS)
def test_values_of_a_column_are_held_out_whole(sizes: list[int], without: int, share: float, seed: int) -> None:
    senders: list[Value | None] = [number for number, size in enumerate(sizes) for _ in range(size)]
    senders += [None] * without
    pictures = pictures_of([None] * len(senders), senders)
    parts = split(pictures, SplitConfig(by="column", column="sender", share=share), seed)
    held, kept = ({s for s, p in zip(senders, parts, strict=True) if p == part} for part in (VALIDATION, TRAIN))
    assert held
    assert not held & kept
    assert None not in held
    assert kept - {None}
    assert abs((parts == VALIDATION).sum() - share * sum(sizes)) <= max(sizes)


def test_a_share_of_the_pictures_is_held_out_by_column() -> None:
    senders: list[Value | None] = [f"s{index // 5}" for index in range(500)]
    parts = split(pictures_of(["cup"] * 500, senders), SENDER, 3)
    assert (parts == VALIDATION).sum() == 100


def test_a_column_that_cannot_split_is_an_error_that_names_the_others() -> None:
    pictures = pictures_of(["cup"] * 3, ["a", "a", "a"])
    with pytest.raises(SourceError, match=r"sender_id.* is an attribute of no picture.*pictures: sender"):
        split(pictures, SplitConfig(by="column", column="sender_id"), 0)
    with pytest.raises(SourceError, match=r"sender.* has only one value, a"):
        split(pictures, SENDER, 0)
    with pytest.raises(SourceError, match="of these pictures: none"):
        split(pictures_of(["cup"] * 3), SENDER, 0)


# --- by publisher


def test_the_publisher_s_parts_are_taken_over() -> None:
    parts: list[Part | None] = ["test", "train", None, "validation"]
    assert split(pictures_of(["cup"] * 4, parts=parts), PUBLISHER, 0).tolist() == [TEST, TRAIN, TRAIN, VALIDATION]


def test_without_a_part_for_validation_a_share_of_train_is_held_out() -> None:
    test, train = cast("list[Part | None]", ["test", "train"])
    parts = [test] * 50 + [train] * 50
    result = split(pictures_of(["cup", "plate"] * 50, parts=parts), PUBLISHER, 0)
    assert set(result[:50].tolist()) == {TEST}
    assert Counter(result[50:].tolist()) == {TRAIN: 40, VALIDATION: 10}


def test_no_part_at_all_or_none_to_learn_from_is_an_error() -> None:
    with pytest.raises(SourceError, match="needs a split that comes with the pictures"):
        split(pictures_of(["cup"] * 9), PUBLISHER, 0)
    with pytest.raises(SourceError, match='no part "train"'):
        split(pictures_of(["cup"] * 9, parts=["test"] * 9), PUBLISHER, 0)


# --- in every way


@settings(deadline=None)
@given(st.sampled_from([IMAGE, LABEL, PUBLISHER, SENDER]), st.randoms(use_true_random=False), SEEDS)
def test_the_order_of_the_pictures_does_not_matter(config: SplitConfig, random: Callable[..., None], seed: int) -> None:
    labels = labels_of([3, 1, 5, 4, 2, 8], unlabelled=4)
    senders: list[Value | None] = [index % 7 for index in range(len(labels))]
    parts: list[Part | None] = [("train", "train", "test", None)[index % 4] for index in range(len(labels))]
    pictures = pictures_of(labels, senders, parts)
    shuffled = list(pictures)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # what st.randoms gives has no name of its own

    def by_id(listed: Sequence[Picture]) -> dict[str, int]:
        result = split(listed, config, seed).tolist()
        return {picture.id: part for picture, part in zip(listed, result, strict=True)}

    assert by_id(shuffled) == by_id(pictures)
    assert VALIDATION in by_id(pictures).values()


@pytest.mark.parametrize("hold_out", [hold_out_pictures, hold_out_labels])
def test_what_cannot_be_held_out_stays(hold_out: Callable[..., NDArray[np.bool_]]) -> None:
    for labels in ([], [UNLABELLED] * 9, [0, 0, 1, 1]):
        assert not hold_out(np.array(labels, np.int64), 0.2, np.random.default_rng(0)).any()
