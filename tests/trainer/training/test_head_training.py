"""The head in training: what it gains by every loss, when it stops, and which pictures it learns from."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.trainer.examples import CONFIG, WIDTH, Kernel, changed, made, tune, without_labels
from trainer.config import HeadConfig
from trainer.data.split import TRAIN, UNLABELLED, VALIDATION
from trainer.errors import ConfigError
from trainer.progress import Epoch
from trainer.training import linear, validation
from trainer.training.examples import Examples, measure
from trainer.training.head import Head, tune_head
from trainer.training.linear import Step, train_linear

SLOW = pytest.mark.slow


@pytest.fixture(scope="module")
def tuned() -> Head:
    """What the configuration above makes of the pictures above."""
    return tune(made())


def test_the_head_finds_what_tells_labels_apart(tuned: Head) -> None:
    frozen = measure(made())
    assert tuned.scores.precision_at_1 > frozen.precision_at_1 + 0.3
    assert tuned.scores.map > frozen.map + 0.3
    assert tuned.kernel.shape == (WIDTH, 6)
    assert tuned.kernel.dtype == tuned.validation_kernel.dtype == np.float32
    unseen = made(seed=0, views=0)  # the same labels; other noise
    assert measure(unseen, tuned.kernel).precision_at_1 > frozen.precision_at_1 + 0.3


def test_the_scores_are_the_twins(tuned: Head) -> None:
    result = measure(made(), tuned.validation_kernel)
    assert result.precision_at_1 == pytest.approx(tuned.scores.precision_at_1)
    assert result.map == pytest.approx(tuned.scores.map, abs=1e-5)


def loud_and_quiet(*, labels: int = 5, each: int = 40) -> Examples:
    """Labels that differ in ten directions, and six loud ones that mean nothing."""
    rng = np.random.default_rng(0)
    numbers, quiet = np.repeat(np.arange(labels), each), np.arange(WIDTH) < 10
    rows = rng.normal(size=(len(numbers), 1, WIDTH)) * np.where(quiet, 0.5, 3)
    rows[:, 0, quiet] += rng.normal(size=(labels, 10))[numbers]
    parts = np.where(rng.random(len(numbers)) < 0.3, VALIDATION, TRAIN).astype(np.int8)
    return Examples(rows.astype(np.float32), numbers, parts)


@pytest.mark.parametrize(
    "loss", ["triplet", *(pytest.param(name, marks=SLOW) for name in ("proxy-anchor", "multi-similarity", "softmax"))]
)
def test_every_loss_teaches_from_labels(loss: str) -> None:
    # A start that knows no labels: whatever is gained is the loss's. What new labels lose by it is another test's.
    stages = {"max_epochs": 12, "patience_epochs": 12, "new_label_loss": 0.9}
    config = changed(loss=loss, init="random", dims=(16,), learning_rate=2e-2, **stages)
    head = tune(loud_and_quiet(), config)
    assert head.start == (0, 16, 0)
    assert head.epochs > 0
    assert head.scores.map > head.history[0].map + 0.03
    losses = [epoch.loss for epoch in head.history[1:]]
    assert np.mean(losses[-3:]) < 0.9 * np.mean(losses[:3])


@pytest.mark.slow  # test_runs.py tunes a folder without labels
@pytest.mark.parametrize("loss", ["nt-xent", "triplet"])
def test_views_teach_without_labels_whatever_loss_is_named(loss: str) -> None:
    examples = without_labels()
    frozen = measure(examples)
    config = changed(loss=loss, init="random", max_epochs=15, patience_epochs=15, learning_rate=3e-2)
    trained = tune(examples, config)
    assert trained.scores.map > frozen.map + 0.3
    assert trained.epochs > 0
    closed = tune(examples, changed(loss=loss, max_epochs=1))
    assert closed.scores.map > frozen.map + 0.3
    labelled = replace(examples, labels=np.arange(len(examples.labels)) % 2)
    np.testing.assert_array_equal(tune(labelled, changed(loss=loss, max_epochs=1)).kernel, closed.kernel)


def test_without_labels_and_without_views_there_is_nothing_to_learn_from() -> None:
    with pytest.raises(ConfigError, match=r"set views to 1 or more under \[head\]"):
        tune(without_labels(views=0))


def test_a_batch_without_labels_holds_two_different_views_of_each_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    draw = linear._draw_views

    def remember(rows: NDArray[np.int64], *arguments: Any, **named: Any) -> NDArray[np.int64]:
        views = draw(rows, *arguments, **named)
        drawn.append((rows, views))
        return views

    monkeypatch.setattr(linear, "_draw_views", remember)
    tune(without_labels(), changed(max_epochs=2))
    rows, views = (np.concatenate(result) for result in zip(*drawn, strict=True))
    assert (rows[::2] == rows[1::2]).all()
    assert (views[::2] != views[1::2]).all()
    assert set(views) == {0, 1, 2, 3}


def test_the_history_tells_what_was_chosen() -> None:
    progress_epochs: list[Epoch] = []
    done: list[tuple[int, int]] = []
    head = tune_head(made(), CONFIG, 0, lambda *step: done.append(step), progress_epochs.append)
    assert [epoch.epoch for epoch in head.history] == list(range(len(head.history)))
    assert {epoch.stage for epoch in head.history} == {"head"}
    start, *trained = head.history
    assert progress_epochs == trained
    assert start.loss is None
    assert trained
    assert all(epoch.loss is not None and epoch.loss >= 0 for epoch in trained)
    best_epoch = head.history[head.epochs]
    assert (best_epoch.recall_at_1, best_epoch.map) == (head.scores.precision_at_1, head.scores.map)
    assert head.start.shrinkage in CONFIG.shrinkage
    assert done[-1] == (CONFIG.max_epochs, CONFIG.max_epochs)


def test_the_same_seed_gives_the_same_head(tuned: Head) -> None:
    again = tune(made())
    np.testing.assert_array_equal(tuned.kernel, again.kernel)
    assert tuned.epochs == again.epochs


def test_no_progress_ends_training_and_keeps_the_start() -> None:
    head = tune(made(), changed(learning_rate=1e-12, max_epochs=40))
    assert (head.epochs, len(head.history)) == (0, 1 + CONFIG.patience_epochs)


def test_the_twin_never_saw_the_held_out_pictures_and_the_kernel_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "best", lambda candidates: len(candidates) - 1)  # whatever validation finds
    examples = made()
    config = changed(shrinkage=(0.1,), max_epochs=2)
    held_out = np.flatnonzero(examples.parts == VALIDATION)
    other = examples.features.copy()
    other[held_out] = other[np.random.default_rng(0).permutation(held_out)]  # as loud as before, but of other labels
    one, two = tune(examples, config), tune(replace(examples, features=other), config)
    assert one.epochs == two.epochs == 2
    np.testing.assert_allclose(one.validation_kernel, two.validation_kernel, atol=1e-3)
    assert np.abs(one.kernel - two.kernel).max() > 1e-2


@pytest.mark.slow
def test_pictures_without_a_label_are_not_learned_from() -> None:
    examples = made()
    config = changed(learning_rate=1e-12, shrinkage=(0.1,))
    features = examples.features.copy()
    features[examples.labels == UNLABELLED] = features[0]
    kernels = [tune(replace(examples, features=f), config).kernel for f in (examples.features, features)]
    one, two = (kernel / np.linalg.norm(kernel) for kernel in kernels)
    np.testing.assert_allclose(one, two, atol=1e-3)


def test_the_last_training_sees_every_labelled_picture_for_as_long_as_was_best(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trainings: list[list[int]] = []  # pictures, epochs
    train = linear.train_linear

    def counted(examples: Examples, start: Kernel, config: HeadConfig, seed: int) -> Iterator[Step]:
        training = [len(examples.labels), 0]
        trainings.append(training)
        for step in train(examples, start, config, seed):
            training[1] += 1
            yield step

    monkeypatch.setattr(linear, "train_linear", counted)
    examples = made()
    head = tune(examples, changed(shrinkage=(0.02,), max_epochs=12))
    assert 1 <= head.epochs < 12
    own, other, last = trainings
    assert own == [len(examples.only(TRAIN).labels), len(head.history) - 1]
    assert other[0] < own[0]  # labels of the training part are held out whole
    assert other[1] == own[1]
    assert last == [len(examples.only(TRAIN, VALIDATION).labels), head.epochs]


def test_training_lowers_the_loss() -> None:
    start = np.random.default_rng(0).normal(size=(WIDTH, 6)).astype(np.float32) * 0.1
    examples = made().only(TRAIN)
    centred = replace(examples, features=examples.features - 50)
    steps = [step for _epoch, step in zip(range(6), train_linear(centred, start, CONFIG, 0), strict=False)]
    assert len(steps) == 4  # max_epochs
    assert steps[-1].loss < steps[0].loss - 0.05
    assert not np.array_equal(steps[0].kernel, start)
    assert not np.array_equal(steps[0].kernel, steps[1].kernel)  # each step has an array of its own


def test_one_pair_alone_leaves_the_closed_form() -> None:
    # Two labels, but one of them with a single picture: there is no triplet to learn from.
    features = np.random.default_rng(0).normal(size=(4, 3, WIDTH)).astype(np.float32)
    parts = np.array([VALIDATION, TRAIN, TRAIN, TRAIN], np.int8)
    for loss in ("triplet", "softmax"):
        head = tune(Examples(features, np.array([0, 0, 0, 1]), parts), changed(loss=loss))
        assert head.epochs == 0
        assert np.isfinite(head.kernel).all()
        assert all(epoch.loss is None for epoch in head.history)
