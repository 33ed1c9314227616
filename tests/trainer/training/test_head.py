"""The head on cached features: how it is measured and chosen, and the alarm when it collapses."""

from dataclasses import replace

import numpy as np
import pytest

from tests.trainer.examples import CONFIG, WIDTH, changed, made, tune, without_labels
from trainer.config import HeadConfig
from trainer.data.split import TEST, TRAIN, UNLABELLED, VALIDATION, hold_out_labels
from trainer.errors import TrainingCollapsed
from trainer.evaluation.metrics import Scores, score
from trainer.networks.closed_form import Candidate, linear_starts
from trainer.training import validation
from trainer.training.examples import INNER_SHARE, LABEL_DRAWS, Examples, measure
from trainer.training.linear import train_linear

# --- measuring


def test_held_out_pictures_are_searched_among_the_other_labelled_ones() -> None:
    examples = made()
    kernel = np.random.default_rng(0).normal(size=(WIDTH, 3)).astype(np.float32)
    gallery = np.flatnonzero((examples.parts == TRAIN) & (examples.labels != UNLABELLED))
    queries = np.flatnonzero(examples.parts == VALIDATION)
    for head in (None, kernel):
        rows = examples.features[:, 0] if head is None else examples.features[:, 0] @ head
        labels = examples.labels
        wanted = score(rows[queries], labels[queries], rows[gallery], labels[gallery], intervals=True)
        assert measure(examples, head) == wanted
    assert len(examples.only(TRAIN).labels) == len(gallery)
    assert len(examples.only(TRAIN, VALIDATION).labels) == len(gallery) + len(queries)


def test_without_labels_a_detail_is_searched_with() -> None:
    examples = without_labels()
    queries, everything = np.flatnonzero(examples.parts == VALIDATION), np.arange(len(examples.labels))
    wanted = score(examples.details[queries], queries, examples.features[:, 0], everything, intervals=True)
    assert measure(examples) == wanted
    assert len(examples.only(TRAIN).labels) == (examples.parts == TRAIN).sum()


# --- choosing


def by_hand(examples: Examples, config: HeadConfig) -> tuple[list[Candidate], list[list[Scores]], list[Scores]]:
    """The candidates, their measures in the run's own split and with labels held out whole, and those of the features.

    What is held out whole is searched among all pictures of the training part.
    """
    size = np.sqrt((examples.features[:, 0] ** 2).sum(axis=1).mean())
    scaled = replace(examples, features=examples.features / np.float32(size))
    inner = np.where(scaled.parts == TRAIN, scaled.labels, UNLABELLED)
    splits = [scaled]
    for seed in range(LABEL_DRAWS):
        held_out = hold_out_labels(inner, INNER_SHARE, np.random.default_rng(seed))
        parts = np.select([held_out, scaled.parts == TRAIN], [VALIDATION, TRAIN], TEST)
        splits.append(replace(scaled, parts=parts, crowded=True))
        queries, gallery = splits[-1].validation().queries, splits[-1].validation().gallery
        assert not np.isin(scaled.labels[queries], scaled.labels[parts == TRAIN]).any()
        assert set(gallery) == set(np.flatnonzero(inner != UNLABELLED))
    result = []
    for split in splits:
        rows = (split.parts == TRAIN) & (split.labels != UNLABELLED)
        features, views = split.features[rows], split.features.shape[1]
        flat = features.reshape(-1, features.shape[2])
        kernels = linear_starts(flat, np.repeat(split.labels[rows], views), config, 0)
        result.append([measure(split, kernel, intervals=False) for kernel in kernels.values()])
    return (
        list(kernels),
        [list(each) for each in zip(*result, strict=True)],
        [measure(s, intervals=False) for s in splits],
    )


@pytest.mark.slow
@pytest.mark.parametrize("new_labels", [False, True])
def test_start_and_dims_are_chosen_for_labels_seen_and_for_labels_never_seen(new_labels: bool) -> None:
    config = changed(dims=(2, 3, 6, 12), shrinkage=(0.02, 0.4, 0.9), general=(0.0, 0.5), max_epochs=1)
    for seed in range(4):
        examples = made(labels=8, seed=seed, new_labels=new_labels)
        examples = replace(examples, features=examples.features - 50)  # so that ranks do not hang on a last digit
        candidates, scores, before = by_hand(examples, config)
        place = validation.best_harmless(scores, before)
        head = tune(examples, config)
        assert head.start == candidates[place]
        assert head.history[0].map == pytest.approx(scores[place][0].map, abs=1e-3)
        assert head.kernel.shape == head.validation_kernel.shape


def test_a_head_that_hurts_labels_it_has_not_seen_says_so() -> None:
    """Features in which all is said already, and a head that keeps one direction of them."""
    examples = made(labels=6, each=6, views=0)
    rows = np.random.default_rng(0).normal(size=(7, WIDTH))[examples.labels][:, None]
    rows = rows + 0.3 * np.random.default_rng(1).normal(size=examples.features.shape)
    examples = replace(examples, features=rows.astype(np.float32))
    poor = tune(examples, changed(dims=(2,), shrinkage=(0.02,), max_epochs=0))
    assert poor.new_label_gain is not None
    assert poor.new_label_gain < -0.05
    blended = tune(examples, changed(dims=(2,), shrinkage=(0.02,), general=(0.0, 0.9), max_epochs=0))
    assert blended.start.general == 0.9
    assert blended.new_label_gain is not None
    assert blended.new_label_gain > poor.new_label_gain


# --- the alarm


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_features_that_say_nothing_sound_the_alarm(value: float) -> None:
    examples = made()
    features = np.full_like(examples.features, value)
    with pytest.raises(TrainingCollapsed, match="weights are not what they should be"), np.errstate(invalid="ignore"):
        tune(replace(examples, features=features))


def test_embeddings_that_all_point_one_way_sound_the_alarm() -> None:
    start = np.full((WIDTH, 1), 0.1, np.float32)  # all features are positive, and so are all embeddings
    with pytest.raises(TrainingCollapsed, match="After epoch 1 all embeddings are nearly the same"):
        next(train_linear(made().only(TRAIN), start, CONFIG, 0))


def test_a_learning_rate_that_throws_the_head_away_sounds_the_alarm() -> None:
    with pytest.raises(TrainingCollapsed, match="Lower learning_rate"), np.errstate(invalid="ignore"):
        tune(made(), changed(learning_rate=float("inf")))
