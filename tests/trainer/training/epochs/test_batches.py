"""Which pictures make a batch, and what the networks see of them: the same in every run, whatever the threads do."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.tuning import SIDE, pictures_in
from trainer.config import LossConfig
from trainer.data.augment import augment
from trainer.training.epochs.batches import PictureBatches, epoch_batches
from trainer.training.epochs.dataset import Pictures

CONFIG = LossConfig(labels_per_batch=3, pictures_per_label=4)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    return pictures_in(tmp_path_factory.mktemp("pictures"), labels=3, each=4)


def batches(pictures: Pictures, *, epoch: int = 1, devices: int = 1, targets: bool = True) -> PictureBatches:
    rows = [np.array([0, 5, 5, 9, 2]), np.array([11, 1, 3])]
    targets_of_rows = pictures.labels * 10 if targets else None
    return PictureBatches(rows, pictures, targets_of_rows, augment=augment, seed=(7, epoch), devices=devices)


@settings(deadline=None)
@given(st.integers(2, 40), st.integers(0, 99))
def test_without_labels_every_picture_comes_twice_in_a_row(count: int, seed: int) -> None:
    epoch = list(epoch_batches(np.arange(count), CONFIG, np.random.default_rng(seed), supervised=False))
    for rows in epoch:
        assert (rows[::2] == rows[1::2]).all()
        assert 4 <= len(rows) <= 12 + 2
    assert Counter(np.concatenate(epoch).tolist()) == dict.fromkeys(range(count), 2)


def test_with_labels_so_many_of_each() -> None:
    labels = np.repeat(np.arange(6), 5)
    for rows in epoch_batches(labels, CONFIG, np.random.default_rng(0), supervised=True):
        assert set(Counter(labels[rows].tolist()).values()) == {4}
        assert len(rows) == 12


def test_a_batch_is_augmented_pictures_with_their_targets(pictures: Pictures) -> None:
    result, targets = batches(pictures)[0]
    assert (result.shape, result.dtype) == ((5, SIDE, SIDE, 3), np.uint8)
    assert targets.tolist() == [pictures.labels[row] * 10 for row in (0, 5, 5, 9, 2)]
    assert (result[1] != result[2]).any()  # the same picture twice is two looks of it
    for place, row in enumerate((0, 5, 5, 9, 2)):
        wanted = augment(pictures.read(row, 2 * SIDE), SIDE, SIDE, np.random.default_rng((7, 1, 0, place)))
        np.testing.assert_array_equal(result[place], wanted)


def test_an_epoch_can_be_repeated_in_any_order_and_the_next_one_looks_different(pictures: Pictures) -> None:
    one, again, other = batches(pictures), batches(pictures), batches(pictures, epoch=2)
    backwards = {index: again[index][0] for index in (1, 0)}
    for index in (0, 1):
        np.testing.assert_array_equal(one[index][0], backwards[index])
        assert (one[index][0] != other[index][0]).any(axis=(1, 2, 3)).all()


def test_without_targets_the_pictures_themselves_are_the_target(pictures: Pictures) -> None:
    result, targets = batches(pictures, targets=False)[1]
    assert result is targets


@pytest.mark.parametrize(("devices", "sizes"), [(1, [5, 3]), (2, [4, 2]), (4, [4])])
def test_every_device_gets_as_many(devices: int, sizes: list[int], pictures: Pictures) -> None:
    shared = batches(pictures, devices=devices)
    assert len(shared) == len(sizes)
    assert [len(shared[index][0]) for index in range(len(shared))] == sizes


def test_erased_pictures_are_what_fine_tuning_asks_for(tmp_path: Path) -> None:
    from functools import partial

    few = pictures_in(tmp_path, labels=2, each=2)
    rows = [np.zeros(64, np.int64)]
    plain, erased = (
        PictureBatches(rows, few, few.labels, augment=partial(augment, erase=erase), seed=(0, 1))[0][0]
        for erase in (0.0, 0.5)
    )
    assert 0.25 < (plain != erased).any(axis=(1, 2, 3)).mean() < 0.75
