"""Fine-tuning: which layers move and which do not, and what is learned."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.trainer.trials import PRETRAINED, Trial, settings
from tests.trainer.tuning import pictures_in
from trainer.errors import ConfigError
from trainer.networks.closed_form import label_means
from trainer.training import finetune
from trainer.training.epochs.batches import PictureBatches
from trainer.training.epochs.dataset import Pictures

pytestmark = pytest.mark.usefixtures("tiny_siamese")

SLOW = pytest.mark.slow


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    return pictures_in(tmp_path_factory.mktemp("pictures"), unlabelled=3)


@pytest.fixture
def last_is_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """What training makes is kept, whatever validation finds."""
    monkeypatch.setattr("trainer.training.finetune.best", lambda candidates: len(candidates) - 1)


# --- what moves


@pytest.mark.slow
@pytest.mark.usefixtures("last_is_best")
def test_from_scratch_everything_moves_statistics_too(pictures: Pictures, tmp_path: Path) -> None:
    trial = Trial(pictures, settings(), tmp_path)
    trial.run()
    assert trial.moved_variables() == set(trial.before)
    assert any("moving_variance" in path for path in trial.before)


@pytest.mark.slow
@pytest.mark.usefixtures("last_is_best")
def test_the_norms_of_a_pretrained_network_stay(pictures: Pictures, tmp_path: Path) -> None:
    trial = Trial(pictures, settings(encoder=dict(PRETRAINED)), tmp_path)
    trial.run()
    assert trial.moved() == {"stage1_conv", "stage2_conv", "stage3_conv", "head"}


@pytest.mark.usefixtures("last_is_best")
def test_a_frozen_backbone_stays_to_the_last_bit(pictures: Pictures, tmp_path: Path) -> None:
    trial = Trial(pictures, settings(encoder={"freeze_backbone": True}), tmp_path)
    trial.run()
    assert trial.moved() == {"head"}


@pytest.mark.slow
@pytest.mark.usefixtures("last_is_best")
@pytest.mark.parametrize(("weights", "above"), [("none", {"stage3_conv", "stage3_bn"}), ("file.h5", {"stage3_conv"})])
def test_below_the_named_block_all_stays(weights: str, above: set[str], pictures: Pictures, tmp_path: Path) -> None:
    trial = Trial(pictures, settings(encoder={"weights": weights, "train_from": "stage3"}), tmp_path)
    trial.run()
    assert trial.moved() == above | {"head"}


@pytest.mark.usefixtures("last_is_best")
def test_the_backbone_moves_slower_than_the_head(pictures: Pictures, tmp_path: Path) -> None:
    config = settings(
        encoder=dict(PRETRAINED), max_epochs=1, learning_rate=1e-2, backbone_learning_rate=1e-4, warmup_share=0.0
    )
    trial = Trial(pictures, config, tmp_path)
    trial.run()
    steps = {path: np.abs(trial.after[path] - trial.before[path]).max() for path in trial.before}
    # Adam moves every weight by about the rate in each of the few steps.
    assert 0.003 < max(step for path, step in steps.items() if path.startswith("head")) < 0.03
    assert 0.00003 < max(step for path, step in steps.items() if "conv" in path) < 0.0003


def test_a_block_that_is_not_there_is_said_with_those_that_are(pictures: Pictures, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"siamese has no block conv9\. Its blocks are: stage1, stage2, stage3"):
        Trial(pictures, settings(encoder={"train_from": "conv9"}), tmp_path).run()


# --- what is learned


@pytest.mark.parametrize(
    "loss",
    ["triplet", *(pytest.param(n, marks=SLOW) for n in ("proxy-anchor", "multi-similarity", "softmax", "nt-xent"))],
)
def test_every_loss_falls(loss: str, pictures: Pictures, tmp_path: Path) -> None:
    rates: dict[str, Any] = {"learning_rate": 1e-2, "backbone_learning_rate": 1e-2, "warmup_share": 0.0}
    config = settings(loss=loss, max_epochs=12, patience_epochs=12, erase=0.0, smallest_crop=0.8, **rates)
    history = Trial(replace(pictures, supervised=loss != "nt-xent"), config, tmp_path).run().history
    losses = [epoch.loss for epoch in history[1:]]
    assert len(losses) == 12
    assert np.isfinite(losses).all()
    assert np.mean(losses[-4:]) < 0.9 * np.mean(losses[:3])


@pytest.mark.slow
def test_only_labelled_training_pictures_are_learned_from(
    pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[tuple[NDArray[np.int64], NDArray[Any]]] = []

    class Watched(PictureBatches):
        def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], NDArray[Any]]:
            result, targets = super().__getitem__(index)
            batches.append((self.batches[index], targets))
            return result, targets

    monkeypatch.setattr("trainer.training.finetune.PictureBatches", Watched)
    Trial(pictures, settings(max_epochs=1), tmp_path).run()
    rows, targets = (np.concatenate(result) for result in zip(*batches, strict=True))
    assert set(rows) <= set(pictures.training_rows())
    assert {(pictures.labels[row], target) for row, target in zip(rows, targets, strict=True)} == {
        (label, label) for label in range(6)
    }


@pytest.mark.slow
def test_proxies_start_where_the_labels_are(
    pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[NDArray[np.float32]] = []
    proxies = vars(finetune)["Proxies"]
    monkeypatch.setattr(finetune, "Proxies", lambda count, start: begun.append(start) or proxies(count, start))
    trial = Trial(pictures, settings(loss="proxy-anchor", max_epochs=1), tmp_path)
    start = trial.start()
    trial.run()
    rows = pictures.training_rows()
    np.testing.assert_allclose(begun[0], label_means(start.embeddings[rows], pictures.labels[rows]), atol=1e-5)
