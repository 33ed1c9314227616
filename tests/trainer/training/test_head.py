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
from trainer.training.head import INNER_SHARE, Examples, measure, train_linear

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


def by_hand(examples: Examples, config: HeadConfig) -> tuple[dict[Candidate, Scores], dict[Candidate, Scores]]:
    """The measures of every candidate in the run's own split, and with labels of its training part held out whole."""
    size = np.sqrt((examples.features[:, 0] ** 2).sum(axis=1).mean())
    scaled = replace(examples, features=examples.features / np.float32(size))
    inner = np.where(scaled.parts == TRAIN, scaled.labels, UNLABELLED)
    held_out = hold_out_labels(inner, INNER_SHARE, np.random.default_rng(0))
    parts = np.select([held_out, scaled.parts == TRAIN], [VALIDATION, TRAIN], TEST)
    for label in set(scaled.labels[held_out]):
        assert (parts[scaled.labels == label] != TRAIN).all()
    found = []
    for split in (scaled, replace(scaled, parts=parts)):
        rows = (split.parts == TRAIN) & (split.labels != UNLABELLED)
        kernels = linear_starts(split.features[rows], split.labels[rows], config, 0)
        found.append({candidate: measure(split, kernel) for candidate, kernel in kernels.items()})
    return found[0], found[1]


@pytest.mark.slow
@pytest.mark.parametrize("new_labels", [False, True])
def test_start_and_dims_are_chosen_for_labels_seen_and_for_labels_never_seen(new_labels: bool) -> None:
    config = changed(dims=(2, 3, 6, 12), shrinkage=(0.02, 0.4, 0.9), max_epochs=1)
    for seed in range(4):
        examples = made(labels=8, seed=seed, new_labels=new_labels)
        examples = replace(examples, features=examples.features - 50)  # so that ranks do not hang on a last digit
        own, other = by_hand(examples, config)
        # A run that holds out labels itself measures new ones already.
        decides = [own[c] if new_labels else validation.mean([own[c], other[c]]) for c in own]
        wanted = list(own)[validation.best(decides)]
        head = tune(examples, config)
        assert head.start == wanted
        assert head.history[0].map == pytest.approx(own[wanted].map, abs=1e-3)
        assert head.kernel.shape == head.validation_kernel.shape == (WIDTH, wanted.dims)


def test_three_dims_that_tell_five_known_labels_apart_lose_against_twelve_that_tell_new_ones() -> None:
    examples, config = made(labels=5, seed=43), changed(dims=(3, 12), shrinkage=(0.02,), max_epochs=1)
    examples = replace(examples, features=examples.features - 50)
    own, other = by_hand(examples, config)
    three, twelve = own
    assert own[three].map > own[twelve].map + 0.1
    assert other[three].map < other[twelve].map - 0.1
    assert validation.best(list(own.values())) == 0  # the run's own held-out pictures alone would keep three
    assert tune(examples, config).start == twelve


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
