"""The alarm when embeddings no longer tell pictures apart."""

import numpy as np
import pytest

from trainer.errors import TrainingCollapsed
from trainer.networks.feature_rows import FeatureRows
from trainer.training.collapse import check_features, check_spread


@pytest.mark.parametrize("value", [0.0, 1.0, np.nan, np.inf])
def test_features_that_are_all_the_same_or_no_numbers_sound_the_alarm(value: float) -> None:
    with pytest.raises(TrainingCollapsed, match="weights are not what they should be"), np.errstate(invalid="ignore"):
        check_features(FeatureRows.of(np.full((9, 4), value, np.float32)))


def test_one_feature_that_differs_is_enough() -> None:
    features = np.ones((9, 4), np.float32)
    features[3, 2] = 1.001
    check_features(FeatureRows.of(features))


@pytest.mark.parametrize("spread", [0.0, 0.005, np.nan])
def test_the_alarm_sounds_below_a_spread(spread: float) -> None:
    noise = np.random.default_rng(0).normal(size=(200, 8))
    noise /= np.sqrt(np.square(noise[:, 1:]).sum(axis=1).mean())
    noise[:, 0] = 0
    direction = np.eye(8)[0]
    with pytest.raises(TrainingCollapsed, match=r"After epoch 3 .* under \[head\]"), np.errstate(invalid="ignore"):
        check_spread((9 * (direction + spread * noise)).astype(np.float32), "head", 3)
    check_spread((9 * (direction + 0.02 * noise)).astype(np.float32), "head", 3)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_the_alarm_sounds_for_what_is_no_direction(value: float) -> None:
    with pytest.raises(TrainingCollapsed, match=r"under \[finetune\]"), np.errstate(all="ignore"):
        check_spread(np.full((3, 2), value, np.float32), "finetune", 1)
