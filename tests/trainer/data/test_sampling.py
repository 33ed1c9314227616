"""Batches of P labels with K pictures of each, batches without labels, and samples of long lists."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.support.marks import examples
from trainer.data.sampling import pk_batches, sample_evenly, view_batches

Rows = NDArray[np.int64]


def batches(labels: Rows, p: int, k: int, seed: int = 0) -> list[Rows]:
    return list(pk_batches(labels, p, k, np.random.default_rng(seed)))


@settings(deadline=None, max_examples=examples(200))
@given(st.lists(st.integers(1, 9), max_size=12), st.integers(2, 6), st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_every_batch_has_positives_and_negatives(sizes: list[int], p: int, k: int, seed: int) -> None:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)) * 7, sizes))
    usable = {7 * number for number, size in enumerate(sizes) if size > 1}
    epoch = batches(labels, p, k, seed)
    for rows in epoch:
        batch_labels, counts = np.unique(labels[rows], return_counts=True)
        assert set(batch_labels) <= usable
        assert set(counts) == {k}
        assert 2 <= len(batch_labels) <= p
        for label in batch_labels:
            members = rows[labels[rows] == label]
            assert len(set(members)) == k or sizes[label // 7] < k  # no repeats where there are enough
    epoch_labels = {int(label) for rows in epoch for label in labels[rows]}
    assert epoch_labels == (usable if len(usable) > 1 else set())


def test_an_epoch_is_about_as_long_as_the_pictures_are_many() -> None:
    labels = np.repeat(np.arange(10), 24)
    assert sum(map(len, batches(labels, p=5, k=4))) == len(labels)


def test_a_rare_label_comes_as_often_as_a_common_one() -> None:
    labels = np.repeat([0, 1, 2, 3], [2, 50, 50, 50])
    epoch = np.concatenate(batches(labels, p=4, k=5))
    assert len(set(np.bincount(labels[epoch]))) == 1


def test_a_label_that_would_be_alone_in_the_last_batch_meets_another() -> None:
    labels = np.repeat(np.arange(5), 2)
    for seed in range(20):
        epoch = batches(labels, p=4, k=2, seed=seed)
        assert [len(set(labels[rows])) for rows in epoch] == [4, 2]


def test_labels_meet_others_in_every_epoch() -> None:
    labels = np.repeat(np.arange(40), 2)
    companions = {frozenset(labels[batches(labels, p=4, k=2, seed=seed)[0]]) for seed in range(10)}
    assert len(companions) == 10


def test_the_generator_decides_and_nothing_else() -> None:
    labels = np.repeat(np.arange(6), 5)
    one, again, other = (batches(labels, 3, 4, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@settings(deadline=None, max_examples=examples(200))
@given(st.integers(0, 60), st.integers(2, 20), st.integers(0, 2**32 - 1))
def test_an_epoch_without_labels_visits_every_row_once(count: int, size: int, seed: int) -> None:
    epoch = list(view_batches(count, size, np.random.default_rng(seed)))
    if count < 2:  # a single picture has no negatives
        assert epoch == []
        return
    *full, last = epoch
    assert sorted(np.concatenate(epoch)) == list(range(count))
    assert {len(rows) for rows in full} <= {size}
    assert 2 <= len(last) <= size + 1


def test_without_labels_the_order_is_random_and_repeatable() -> None:
    one, again, other = (next(view_batches(50, 50, np.random.default_rng(seed))) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, np.arange(50))


@given(st.integers(0, 400), st.integers(1, 50))
def test_a_sample_is_as_large_as_may_be_and_evenly_spaced(count: int, limit: int) -> None:
    sample = sample_evenly(np.arange(count), limit)
    assert len(sample) <= limit
    assert len(sample) == count or 2 * len(sample) > limit or len(sample) * limit >= count
    assert len(set(np.diff(sample).tolist())) <= 1
    assert sample_evenly(list(range(count)), limit) == sample.tolist()
    if count:
        assert sample[0] == 0
        assert count - sample[-1] <= -(-count // limit)  # from all over the list, its end too
