"""The autoencoder stage: what moves in which phase, what it shows, and its loss by hand."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.signal import correlate

from retrieval.images import resize
from tests.trainer.tuning import SIDE, no_progress, numbers_of, pictures_in
from trainer.config import Config
from trainer.data.split import TRAIN
from trainer.networks.backbones import build_backbone
from trainer.networks.decoder import RebuildLoss
from trainer.progress import Epoch
from trainer.training.autoencoder import train_autoencoder
from trainer.training.epochs.batches import PictureBatches
from trainer.training.epochs.checkpoint import Checkpoint
from trainer.training.epochs.dataset import Pictures
from trainer.training.epochs.devices import choose_strategy
from trainer.training.epochs.loop import fit_epoch

Weights = dict[str, NDArray[np.float32]]
NETWORK = {f"stage{number}_{kind}" for number in (1, 2, 3) for kind in ("conv", "bn")}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    return pictures_in(tmp_path_factory.mktemp("pictures"), unlabelled=5)


@pytest.fixture
def small(tiny_siamese: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny network and pictures that are rebuilt no larger than they are."""
    monkeypatch.setattr("trainer.networks.decoder.MAX_PIXELS", SIDE)


def settings(**changes: Any) -> Config:
    values = {"enabled": True, "frozen_epochs": 2, "epochs": 2, "pictures_per_batch": 12, **changes}
    return Config(encoder={"backbone": "siamese", "weights": "none", "size": SIDE}, autoencoder=values)


def backbone() -> keras.Model:
    keras.utils.set_random_seed(5)
    return build_backbone("siamese", "none", SIDE)


def train(
    pictures: Pictures, folder: Path, config: Config | None = None, watch: Callable[[Epoch], None] = lambda _epoch: None
) -> tuple[keras.Model, Sequence[Epoch]]:
    return train_autoencoder(
        backbone(),
        pictures,
        config or settings(),
        choose_strategy("one"),
        Checkpoint(folder / "autoencoder.npz", "this"),
        folder / "report",
        no_progress,
        watch,
    )


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_first_the_decoder_alone_then_the_last_block_as_well(
    pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[Weights] = []

    def watched(model: keras.Model, *arguments: Any) -> tuple[float, float]:
        if not states:
            states.append({variable.path: variable.numpy() for variable in model.variables})
        result = fit_epoch(model, *arguments)
        states.append({variable.path: variable.numpy() for variable in model.variables})
        return result

    monkeypatch.setattr("trainer.training.autoencoder.fit_epoch", watched)
    adapted, _history = train(pictures, tmp_path)
    moved = [
        {path.split("/")[0] for path, value in after.items() if path in before and (value != before[path]).any()}
        for before, after in pairwise(states)
    ]
    assert [layers & NETWORK for layers in moved] == [set(), set(), {"stage3_conv"}, {"stage3_conv"}]
    assert all(layers - NETWORK for layers in moved)  # the decoder, in both phases
    for variable in adapted.variables:
        np.testing.assert_array_equal(variable.numpy(), states[-1][variable.path])
    rates = [np.abs(b["stage3_conv/kernel"] - a["stage3_conv/kernel"]).max() for a, b in pairwise(states[2:])]
    assert 0 < max(rates) < 2e-4  # a low rate: 1e-5 in each of a few steps


@pytest.mark.usefixtures("small")
def test_the_loss_falls_and_the_history_says_so(pictures: Pictures, tmp_path: Path) -> None:
    progress_epochs: list[Epoch] = []
    _adapted, history = train(
        pictures, tmp_path, settings(frozen_epochs=5, epochs=1, learning_rate=1e-2), progress_epochs.append
    )
    assert progress_epochs == list(history)
    assert numbers_of(history) == [1, 2, 3, 4, 5, 6]
    assert {(epoch.stage, epoch.recall_at_1, epoch.map) for epoch in history} == {("autoencoder", None, None)}
    losses = [epoch.loss for epoch in history]
    assert min(losses) > 0
    assert np.mean(losses[-2:]) < 0.9 * losses[0]


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_every_training_picture_once_an_epoch_with_or_without_a_label(
    pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    epochs: list[list[int]] = []

    class Watched(PictureBatches):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            epochs.append(np.concatenate(self.batches).tolist())

    monkeypatch.setattr("trainer.training.autoencoder.PictureBatches", Watched)
    train(pictures, tmp_path, settings(frozen_epochs=1, epochs=1))
    wanted = np.flatnonzero(pictures.parts == TRAIN).tolist()
    assert [sorted(rows) for rows in epochs] == [wanted, wanted]
    assert epochs[0] != epochs[1]


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_a_sheet_for_each_epoch_held_out_pictures_above_what_was_rebuilt(pictures: Pictures, tmp_path: Path) -> None:
    train(pictures, tmp_path, settings(frozen_epochs=1, epochs=1))
    sheets = sorted((tmp_path / "report").iterdir())
    assert [path.name for path in sheets] == ["autoencoder-epoch-01.webp", "autoencoder-epoch-02.webp"]
    with Image.open(sheets[-1]) as sheet:
        shown = np.asarray(sheet.convert("RGB"), np.float32)
    assert shown.shape == (2 * SIDE, 8 * SIDE, 3)
    held_out = np.flatnonzero(pictures.parts != TRAIN)[:8]
    originals = np.hstack([resize(pictures.prepared(row), SIDE, SIDE) for row in held_out]).astype(np.float32)
    assert np.abs(shown[:SIDE] - originals).mean() < 12  # it is a lossy format
    assert np.abs(shown[SIDE:] - originals).mean() > np.abs(shown[:SIDE] - originals).mean()


@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.usefixtures("small")
def test_a_stopped_training_goes_on_after_its_last_whole_epoch(pictures: Pictures, tmp_path: Path) -> None:
    """Here between the two phases, where the optimizer changes."""
    for name in ("whole", "stopped"):
        (tmp_path / name).mkdir()
    whole, straight = train(pictures, tmp_path / "whole")

    def stop(epoch: Epoch) -> None:
        if epoch.epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(pictures, tmp_path / "stopped", watch=stop)
    progress_epochs: list[Epoch] = []
    resumed, history = train(pictures, tmp_path / "stopped", watch=progress_epochs.append)
    assert numbers_of(progress_epochs) == [3, 4]
    assert numbers_of(history) == [1, 2, 3, 4]
    np.testing.assert_allclose([e.loss for e in history], [e.loss for e in straight], rtol=1e-4)
    for one, two in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)


@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.usefixtures("small")
def test_a_finished_training_is_not_repeated(pictures: Pictures, tmp_path: Path) -> None:
    first, _history = train(pictures, tmp_path, settings(frozen_epochs=1, epochs=1))
    progress_epochs: list[Epoch] = []
    again, history = train(pictures, tmp_path, settings(frozen_epochs=1, epochs=1), progress_epochs.append)
    assert progress_epochs == []
    assert numbers_of(history) == [1, 2]
    for one, two in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_half_precision_gives_back_a_network_in_full_precision(pictures: Pictures, tmp_path: Path) -> None:
    config = settings(frozen_epochs=1, epochs=1).model_copy(update={"mixed_precision": True})
    adapted, history = train(pictures, tmp_path, config)
    assert {layer.compute_dtype for layer in adapted.layers if layer.weights} == {"float32"}
    assert all(np.isfinite(epoch.loss) for epoch in history)


# --- the loss


def ssim(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    """Wang et al. 2004 from the formulas: a Gaussian window of 11 x 11, every channel by itself."""
    offsets = np.arange(11) - 5
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for x, y in zip(one.transpose(2, 0, 1), two.transpose(2, 0, 1), strict=True):
        mean_x, mean_y, xx, yy, xy = (correlate(z, window, "valid") for z in (x, y, x * x, y * y, x * y))
        light = (2 * mean_x * mean_y + 0.01**2) / (mean_x**2 + mean_y**2 + 0.01**2)
        shape = (2 * (xy - mean_x * mean_y) + 0.03**2) / (xx - mean_x**2 + yy - mean_y**2 + 0.03**2)
        values.append((light * shape).mean())
    return float(np.mean(values))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_loss_is_the_squared_error_and_the_structural_dissimilarity(share: float) -> None:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (3, 24, 24, 3), dtype=np.uint8)
    rebuilt = np.clip(pictures / 255 + 0.2 * rng.normal(size=pictures.shape), 0, 1).astype(np.float32)
    wanted = [
        (1 - share) * np.square(picture / 255 - other).mean() + share * (1 - ssim(picture / 255, other.astype(float)))
        for picture, other in zip(pictures, rebuilt, strict=True)
    ]
    assert float(RebuildLoss(share)(pictures, rebuilt)) == pytest.approx(np.mean(wanted), rel=1e-3)


def test_a_perfect_picture_costs_nothing_at_a_smaller_size_too() -> None:
    even = np.full((1, 48, 48, 3), 51, np.uint8)
    assert float(RebuildLoss(0.5)(even, np.full((1, 24, 24, 3), 0.2, np.float32))) == pytest.approx(0, abs=1e-5)
    assert float(RebuildLoss(0.5)(even, np.full((1, 24, 24, 3), 0.7, np.float32))) > 0.1
