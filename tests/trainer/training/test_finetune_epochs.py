"""Fine-tuning epoch by epoch: when it stops, what it goes on from, what sounds the alarm, and half precision."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.trainer.trials import Trial, settings
from tests.trainer.tuning import Quiet, numbers_of, pictures_in, scores
from trainer.errors import ConfigError, SourceError, TrainingCollapsed
from trainer.progress import Epoch
from trainer.training import finetune
from trainer.training.epochs.batches import PictureBatches
from trainer.training.epochs.dataset import Pictures, measure

pytestmark = pytest.mark.usefixtures("tiny_siamese")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    return pictures_in(tmp_path_factory.mktemp("pictures"), unlabelled=3)


def scripted(monkeypatch: pytest.MonkeyPatch, marks: Sequence[float], pictures: Pictures) -> list[NDArray[np.float32]]:
    """Validation says `marks` epoch by epoch. What the network makes of one picture then is listed."""
    listed: list[NDArray[np.float32]] = []

    def measured(_pictures: Pictures, encode: Callable[..., NDArray[np.float32]]) -> tuple[object, NDArray[np.float32]]:
        listed.append(np.array(encode(pictures.prepared(0)[None])))
        return scores(marks[len(listed) - 1], 0.0), np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32)

    monkeypatch.setattr("trainer.training.finetune.measure", measured)
    return listed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("marks", "patience", "epochs", "best_epoch"),
    [
        ([0.2, 0.9, 0.1, 0.1, 0.1], 2, 4, 2),
        ([0.0, 0.0, 0.0, 0.0], 2, 2, 0),
        ([0.9, 0.1, 0.2, 0.3], 1, 2, 1),
    ],
)
def test_training_stops_when_nothing_is_gained_and_goes_back_to_the_best(
    marks: list[float],
    patience: int,
    epochs: int,
    best_epoch: int,
    pictures: Pictures,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listed = scripted(monkeypatch, marks, pictures)
    progress_epochs: list[Epoch] = []
    trial = Trial(pictures, settings(max_epochs=4, patience_epochs=patience), tmp_path, progress_epochs.append)
    tuned = trial.run()
    assert numbers_of(tuned.history) == list(range(epochs + 1))
    assert progress_epochs == list(tuned.history[1:])
    assert [epoch.recall_at_1 for epoch in progress_epochs] == marks[:epochs]
    assert all(epoch.stage == "finetune" and epoch.seconds > 0 for epoch in progress_epochs)
    if best_epoch:
        assert tuned.scores.precision_at_1 == marks[best_epoch - 1]
        result = tuned.encoder.predict_on_batch(pictures.prepared(0)[None])["embedding"]
        np.testing.assert_allclose(result, listed[best_epoch - 1], atol=1e-5)
    else:
        assert tuned.scores == trial.start().scores
        assert not trial.moved()


@pytest.mark.slow
def test_the_scores_are_those_of_the_encoder_that_is_given_back(pictures: Pictures, tmp_path: Path) -> None:
    tuned = Trial(pictures, settings(), tmp_path).run()
    result, _through = measure(pictures, lambda images: tuned.encoder.predict_on_batch(images)["embedding"])
    assert result.map == pytest.approx(tuned.scores.map, abs=1e-6)


@pytest.mark.slow
@pytest.mark.crash
def test_a_stopped_training_goes_on_after_its_last_whole_epoch(pictures: Pictures, tmp_path: Path) -> None:
    config = settings(max_epochs=3, loss="softmax")
    for name in ("whole", "stopped"):
        (tmp_path / name).mkdir()
    whole = Trial(pictures, config, tmp_path / "whole").run()

    def stop(epoch: Epoch) -> None:
        if epoch.epoch == 2:
            raise KeyboardInterrupt  # the epoch is over, but not yet kept

    with pytest.raises(KeyboardInterrupt):
        Trial(pictures, config, tmp_path / "stopped", stop).run()
    again: list[Epoch] = []
    resumed = Trial(pictures, config, tmp_path / "stopped", again.append).run()
    assert numbers_of(again) == [2, 3]
    losses, wanted = ([epoch.loss for epoch in tuned.history[1:]] for tuned in (resumed, whole))
    np.testing.assert_allclose(losses, wanted, rtol=1e-4)
    assert resumed.scores == whole.scores


# --- what goes wrong


def test_embeddings_that_become_no_numbers_sound_the_alarm(pictures: Pictures, tmp_path: Path) -> None:
    config = settings(learning_rate=1e30, backbone_learning_rate=1e30, warmup_share=0.0)
    with pytest.raises(TrainingCollapsed, match=r"After epoch 1 .* under \[finetune\]"), np.errstate(all="ignore"):
        Trial(pictures, config, tmp_path).run()


def test_labels_that_the_devices_cannot_share_out(pictures: Pictures, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"labels_per_batch = 6 under \[finetune\].* 4 devices"):
        Trial(pictures, settings(), tmp_path, strategy=SimpleNamespace(num_replicas_in_sync=4)).run()


def test_nothing_to_pair(pictures: Pictures, tmp_path: Path) -> None:
    alone = replace(pictures, labels=np.arange(len(pictures.labels)))
    with pytest.raises(SourceError, match="two labels with two pictures each"):
        Trial(alone, settings(), tmp_path).run()


def test_a_picture_that_goes_away_meanwhile_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = pictures_in(tmp_path, labels=2)
    calls: list[int] = []

    class Vanishing(PictureBatches):
        def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], NDArray[Any]]:
            calls.append(index)
            if len(calls) == 2:  # the first is a look that Keras takes; this comes from a thread of TensorFlow
                few.files[4].picture.path.unlink()
            return super().__getitem__(index)

    monkeypatch.setattr(finetune, "PictureBatches", Vanishing)
    with pytest.raises(SourceError, match=r"0-4\.png could be read at the start of this run, but no longer"):
        Trial(few, settings(), tmp_path).run()


# --- half precision


@pytest.mark.slow
def test_half_precision_stays_in_the_backbone(
    pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[tuple[keras.Model, keras.Model]] = []
    build = finetune._build

    def remember(*arguments: Any, **named: Any) -> tuple[keras.Model, keras.Model]:
        built.append(build(*arguments, **named))
        return built[-1]

    monkeypatch.setattr(finetune, "_build", remember)
    listener = Quiet()
    config = settings(loss="softmax").model_copy(update={"mixed_precision": True})
    tuned = Trial(pictures, config, tmp_path, listener.epoch).run()
    ((encoder, model),) = built
    kinds = {layer.name: (layer.compute_dtype, layer.variable_dtype) for layer in model.layers if layer.weights}
    assert kinds["stage2_conv"] == ("float16", "float32")
    assert kinds["head"] == kinds["proxies"] == ("float32", "float32")
    assert encoder.get_layer("embedding").compute_dtype == "float32"
    assert {output.dtype for output in encoder.output.values()} | {model.output.dtype} == {"float32"}
    assert all(np.isfinite(epoch.loss) for epoch in listener.epochs)
    assert {layer.compute_dtype for layer in tuned.encoder.layers if layer.weights} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"
