"""The head on cached features: what it gains, when it stops, and the alarm when it collapses."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from trainer import stages
from trainer.config import HeadConfig
from trainer.errors import TrainingCollapsed
from trainer.metrics import Scores, score
from trainer.split import UNLABELLED
from trainer.stages import Epoch, Examples, Head, best, check_spread, train_linear, tune_head

CONFIG = HeadConfig(
    dims=6, max_epochs=4, patience_epochs=2, labels_per_batch=6, pictures_per_label=4, learning_rate=1e-2
)
WIDTH = 16

Kernel = NDArray[np.float32]
Watch = Callable[[int, Kernel, float | None, float], bool]


def made(*, labels: int = 12, each: int = 10, views: int = 2, seed: int = 0) -> Examples:
    """Features whose loudest directions say nothing of the label: three quiet ones do. Some pictures have no label."""
    rng = np.random.default_rng(seed)
    numbers = np.concatenate([np.repeat(np.arange(labels), each), np.full(5, UNLABELLED)])
    rows = rng.normal(size=(len(numbers), 1, WIDTH)) * np.where(np.arange(WIDTH) < 3, 0.3, 3)
    rows[:, 0, :3] += rng.normal(size=(labels + 1, 3))[numbers] * 1.5
    features = 50 + np.repeat(rows, 1 + views, axis=1) + 0.1 * rng.normal(size=(len(numbers), 1 + views, WIDTH))
    held_out = (rng.random(len(numbers)) < 0.2) & (numbers != UNLABELLED)
    return Examples(features.astype(np.float32), numbers, held_out)


def tune(examples: Examples, config: HeadConfig = CONFIG) -> tuple[Head, list[tuple[int, int]]]:
    told: list[tuple[int, int]] = []
    return tune_head(examples, config, 0, lambda done, of: told.append((done, of))), told


def scores(precision_at_1: float, map_: float, queries: int = 100) -> Scores:
    return Scores(precision_at_1, 0, 0, map_, 0, queries, 0)


# --- choosing


@pytest.mark.parametrize(
    ("candidates", "wanted"),
    [
        ([(0.5, 0.1), (0.9, 0.1), (0.6, 0.9)], 1),  # far better at the first hit
        ([(0.88, 0.5), (0.90, 0.4)], 0),  # within a standard error of 0.03: the better ranking
        ([(0.86, 0.5), (0.90, 0.4)], 1),  # beyond it
        ([(0.90, 0.5), (0.90, 0.5), (0.90, 0.5)], 0),  # of equals the first
        ([(1.0, 0.5), (0.99, 0.9)], 0),  # at 1.0 there is no error
        ([(0.0, 0.1), (0.0, 0.2)], 1),
        ([(0.3, 0.3)], 0),
    ],
)
def test_the_best_is_first_by_the_first_hit_then_by_the_ranking(
    candidates: list[tuple[float, float]], wanted: int
) -> None:
    assert best([scores(*candidate) for candidate in candidates]) == wanted


def test_more_held_out_pictures_make_smaller_differences_count() -> None:
    for queries, wanted in ((100, 0), (10_000, 1)):
        assert best([scores(0.88, 0.5, queries), scores(0.90, 0.4, queries)]) == wanted


def test_held_out_pictures_are_searched_among_the_other_labelled_ones() -> None:
    examples = made()
    kernel = np.random.default_rng(0).normal(size=(WIDTH, 3)).astype(np.float32)
    gallery = [i for i, label in enumerate(examples.labels) if label >= 0 and not examples.held_out[i]]
    queries = np.flatnonzero(examples.held_out)
    for head in (None, kernel):
        rows = examples.features[:, 0] if head is None else examples.features[:, 0] @ head
        wanted = score(rows[queries], examples.labels[queries], rows[gallery], examples.labels[gallery])
        assert examples.validate(head) == wanted
    assert len(examples.training().labels) == len(gallery)
    assert len(examples.labelled().labels) == len(gallery) + len(queries)


def test_of_many_held_out_pictures_some_from_all_over_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = made()
    count = int(examples.held_out.sum())
    for most in (count, count - 1, 5, 1):
        monkeypatch.setattr(stages, "MOST_QUERIES", most)
        assert most / 2 <= examples.validate().queries <= most
    monkeypatch.setattr(stages, "MOST_QUERIES", 5)
    chosen = np.flatnonzero(examples.held_out)[:: -(-count // 5)]
    only = np.zeros_like(examples.held_out)
    only[chosen] = True
    gallery = np.where(examples.held_out & ~only, UNLABELLED, examples.labels)  # as if the others had no label
    assert replace(examples, held_out=only, labels=gallery).validate() == examples.validate()


# --- tuning


def test_the_head_finds_what_tells_labels_apart() -> None:
    examples = made()
    frozen = examples.validate()
    head, told = tune(examples)
    assert head.scores.precision_at_1 > frozen.precision_at_1 + 0.3
    assert head.scores.map > frozen.map + 0.3
    assert head.kernel.shape == (WIDTH, CONFIG.dims)
    assert head.kernel.dtype == np.float32
    unseen = made(seed=0, views=0)  # the same labels; other noise
    assert unseen.validate(head.kernel).precision_at_1 > frozen.precision_at_1 + 0.3
    assert told[-1] == (CONFIG.max_epochs, CONFIG.max_epochs)


def test_the_history_tells_what_was_chosen() -> None:
    head, _ = tune(made())
    assert [epoch.epoch for epoch in head.history] == list(range(len(head.history)))
    start, *trained = head.history
    assert start.loss is None
    assert trained
    assert all(isinstance(epoch, Epoch) and epoch.loss is not None and epoch.loss >= 0 for epoch in trained)
    chosen = head.history[head.epochs]
    assert (chosen.recall_at_1, chosen.map) == (head.scores.precision_at_1, head.scores.map)
    assert head.shrinkage in CONFIG.shrinkage


def test_the_same_seed_gives_the_same_head() -> None:
    one, again = tune(made())[0], tune(made())[0]
    np.testing.assert_array_equal(one.kernel, again.kernel)
    assert one.epochs == again.epochs


def test_no_progress_ends_training_and_keeps_the_start() -> None:
    head, _ = tune(made(), CONFIG.model_copy(update={"learning_rate": 1e-12, "max_epochs": 40}))
    assert (head.epochs, len(head.history)) == (0, 1 + CONFIG.patience_epochs)


def test_the_kernel_learns_from_every_labelled_picture_and_only_from_those() -> None:
    examples = made()
    chosen = CONFIG.model_copy(update={"learning_rate": 1e-12, "shrinkage": (0.1,)})
    kernel = tune(examples, chosen)[0].kernel
    changed = examples.features.copy()
    changed[examples.labels == UNLABELLED] = changed[0]
    without = Examples(changed, examples.labels, examples.held_out)
    angles = kernel / np.linalg.norm(kernel)
    other = tune(without, chosen)[0].kernel
    np.testing.assert_allclose(other / np.linalg.norm(other), angles, atol=1e-3)
    changed[examples.held_out] += np.random.default_rng(1).normal(size=changed[examples.held_out].shape)
    other = tune(without, chosen)[0].kernel
    assert np.abs(other / np.linalg.norm(other) - angles).max() > 1e-2


def test_the_last_training_sees_every_labelled_picture_for_as_long_as_was_best(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trainings: list[tuple[int, int]] = []  # pictures, epochs
    train = stages.train_linear

    def counted(examples: Examples, start: Kernel, config: HeadConfig, seed: int, watch: Watch) -> Kernel:
        epochs: list[int] = []

        def count(epoch: int, kernel: Kernel, loss: float | None, seconds: float) -> bool:
            epochs.append(epoch)
            return watch(epoch, kernel, loss, seconds)

        kernel = train(examples, start, config, seed, count)
        trainings.append((len(examples.labels), len(epochs)))
        return kernel

    monkeypatch.setattr(stages, "train_linear", counted)
    examples = made()
    head, _ = tune(examples, CONFIG.model_copy(update={"shrinkage": (0.02,), "max_epochs": 12}))
    assert 1 <= head.epochs < 12
    assert trainings == [
        (len(examples.training().labels), len(head.history) - 1),
        (len(examples.labelled().labels), head.epochs),
    ]


def test_training_lowers_the_loss() -> None:
    start = np.random.default_rng(0).normal(size=(WIDTH, 6)).astype(np.float32) * 0.1
    losses: list[float] = []

    def watch(epoch: int, kernel: Kernel, loss: float | None, seconds: float) -> bool:
        losses.append(loss or 0.0)
        return epoch < 6

    examples = made().training()
    centred = replace(examples, features=examples.features - 50)
    kernel = train_linear(centred, start, CONFIG.model_copy(update={"max_epochs": 20}), 0, watch)
    assert len(losses) == 6
    assert losses[-1] < losses[0] - 0.05
    assert not np.array_equal(kernel, start)


def test_one_pair_alone_leaves_the_closed_form() -> None:
    # Two labels, but one of them with a single picture: there is no triplet to learn from.
    rng = np.random.default_rng(0)
    features = rng.normal(size=(4, 3, WIDTH)).astype(np.float32)
    head, _ = tune(Examples(features, np.array([0, 0, 0, 1]), np.array([True, False, False, False])))
    assert head.epochs == 0
    assert np.isfinite(head.kernel).all()
    assert all(epoch.loss is None for epoch in head.history)


# --- the alarm


@pytest.mark.parametrize("value", [0.0, 1.0, np.nan, np.inf])
def test_features_that_are_all_the_same_or_no_numbers_sound_the_alarm(value: float) -> None:
    examples = made()
    features = np.full_like(examples.features, value)
    with pytest.raises(TrainingCollapsed, match="Check its weights"), np.errstate(invalid="ignore"):
        tune(replace(examples, features=features))


def test_embeddings_that_all_point_one_way_sound_the_alarm() -> None:
    examples = made().training()
    start = np.full((WIDTH, 1), 0.1, np.float32)  # all features are positive, and so are all embeddings
    with pytest.raises(TrainingCollapsed, match="After epoch 1 all embeddings are nearly the same"):
        train_linear(examples, start, CONFIG, 0, lambda *_: True)


def test_a_learning_rate_that_throws_the_head_away_sounds_the_alarm() -> None:
    with pytest.raises(TrainingCollapsed, match="Lower learning_rate"), np.errstate(invalid="ignore"):
        tune(made(), CONFIG.model_copy(update={"learning_rate": float("inf")}))


@pytest.mark.parametrize("spread", [0.0, 0.005, np.nan])
def test_the_alarm_sounds_below_a_spread(spread: float) -> None:
    noise = np.random.default_rng(0).normal(size=(200, 8))
    noise /= np.sqrt(np.square(noise[:, 1:]).sum(axis=1).mean())
    noise[:, 0] = 0
    direction = np.eye(8)[0]
    with pytest.raises(TrainingCollapsed, match="After epoch 3"), np.errstate(invalid="ignore"):
        check_spread((9 * (direction + spread * noise)).astype(np.float32), 3)
    check_spread((9 * (direction + 0.02 * noise)).astype(np.float32), 3)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_the_alarm_sounds_for_what_is_no_direction(value: float) -> None:
    with pytest.raises(TrainingCollapsed), np.errstate(all="ignore"):
        check_spread(np.full((3, 2), value, np.float32), 1)
