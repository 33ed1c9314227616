"""Labels as numbers, and the pictures that are held out."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trainer.errors import SourceError
from trainer.split import UNLABELLED, hold_out, number_labels


@settings(deadline=None)
@given(st.lists(st.none() | st.text(max_size=3), max_size=30))
def test_labels_are_numbered_in_alphabetical_order(labels: list[str | None]) -> None:
    names = sorted({label for label in labels if label is not None})
    assume(len(names) > 1)
    numbers = number_labels(labels)
    assert numbers.dtype == np.int64
    assert [None if number == UNLABELLED else names[number] for number in numbers] == labels


@pytest.mark.parametrize(
    ("labels", "found"),
    [([], "no picture has a label"), ([None, None], "no picture has a label"), (["cup", None, "cup"], "the same")],
)
def test_tuning_needs_two_labels(labels: list[str | None], found: str) -> None:
    with pytest.raises(SourceError, match=found) as raised:
        number_labels(labels)
    assert "frozen.toml" in str(raised.value)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=8),
    st.integers(0, 10),
    st.floats(0.01, 0.5),
    st.integers(0, 2**32 - 1),
)
def test_a_share_of_each_label_is_held_out(sizes: list[int], unlabelled: int, share: float, seed: int) -> None:
    assume(max(sizes) >= 3)
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.concatenate([np.repeat(np.arange(len(sizes)), sizes), np.full(unlabelled, UNLABELLED)]))
    held = hold_out(labels, share, np.random.default_rng(seed))
    assert not held[labels == UNLABELLED].any()
    for label, size in enumerate(sizes):
        count = held[labels == label].sum()
        if size < 3:
            assert count == 0
        else:
            assert 1 <= count <= size - 2
            assert abs(count - share * size) <= 1
    assert np.array_equal(held, hold_out(labels, share, np.random.default_rng(seed)))


def test_who_is_held_out_is_drawn() -> None:
    labels = np.repeat([0, 1], 50)
    one, other = (hold_out(labels, 0.2, np.random.default_rng(seed)) for seed in (1, 2))
    assert one.sum() == other.sum() == 20
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("labels", [[0, 0, 1, 1], [UNLABELLED] * 5, []])
def test_too_few_pictures_of_every_label_is_an_error(labels: list[int]) -> None:
    with pytest.raises(SourceError, match="three pictures"):
        hold_out(np.array(labels, np.int64), 0.2, np.random.default_rng(0))
