"""The stages in order, each kept only if it helps: what a stage is given, and what is left of one that did not."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.trainer.tuning import CHANNELS, SIDE, Quiet, pictures_in, scores, tiny
from trainer.config import Config
from trainer.data.features import Features
from trainer.evaluation.metrics import Scores
from trainer.networks import backbones, encoders
from trainer.networks.closed_form import Candidate
from trainer.networks.forms import Encoders
from trainer.networks.pooling import build_encoder
from trainer.progress import Epoch, Progress
from trainer.training import stages
from trainer.training import tuning as tuning_module
from trainer.training.epochs.dataset import Pictures
from trainer.training.epochs.devices import choose_strategy
from trainer.training.examples import measure
from trainer.training.finetune import FinetuneResult, Start
from trainer.training.head import Head
from trainer.training.stages import tune
from trainer.training.tuning import Tuning

pytestmark = pytest.mark.usefixtures("tiny_siamese")

KERNEL, VALIDATION_KERNEL = np.random.default_rng(1).normal(size=(2, CHANNELS, 5)).astype(np.float32)
ENCODER = {"encoder": {"backbone": "siamese", "weights": "none", "size": SIDE}}
PERFECT, POOR = scores(1.0, 1.0), scores(0.0, 0.0)


@dataclass
class Fakes:
    """Stages that take no time, and how they end."""

    head: Scores = PERFECT
    finetune: Scores = PERFECT
    adapted: Callable[[NDArray[np.float32]], NDArray[np.float32]] = lambda features: features
    ran: list[str] = field(default_factory=list)
    started: list[Start] = field(default_factory=list)
    learned_from: list[NDArray[np.float32]] = field(default_factory=list)


def epoch(stage: str) -> Epoch:
    return Epoch(stage, 0, None, None, None, 0.0)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    return pictures_in(tmp_path_factory.mktemp("pictures"), labels=3, each=4)


@pytest.fixture(scope="module")
def frozen() -> Encoders:
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(backbones.BUILDERS, "siamese", tiny)
        keras.utils.set_random_seed(0)
        return encoders.frozen(Config.model_validate(ENCODER).encoder, mirror=False)


def tuning_of(pictures: Pictures, frozen: Encoders, folder: Path, **changes: Any) -> Tuning:
    enabled = {"autoencoder": {"enabled": True}, "finetune": {"enabled": True, "loss": "triplet"}}
    features = features_by(frozen, pictures)
    return Tuning(
        config=Config.model_validate(ENCODER | enabled | changes),
        pictures=pictures,
        strategy=choose_strategy("one"),
        work=folder,
        made_from="this",
        listener=Quiet(),
        encoders=frozen,
        features=features,
        frozen=features.values[:, 0],
    )


def features_by(encoder: Encoders, pictures: Pictures) -> Features:
    rows = encoder.onnx.encode(np.stack([pictures.prepared(row) for row in range(len(pictures.labels))]))
    return Features(pictures.files, np.repeat(rows[:, None], 2, axis=1), None, ())


def notes_of(tuning: Tuning) -> list[str]:
    assert isinstance(tuning.listener, Quiet)
    return tuning.listener.notes


def run(tuning: Tuning, fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> Tuning:
    def train_autoencoder(backbone: keras.Model, *_: object) -> tuple[keras.Model, list[Epoch]]:
        fakes.ran.append("autoencoder")
        return backbone, [epoch("autoencoder")]

    def tune_head(examples: Any, *_: object, **__: object) -> Head:
        fakes.ran.append("head")
        fakes.learned_from.append(examples.features)
        return Head(KERNEL, VALIDATION_KERNEL, None, Candidate(0.1, 5), 0, fakes.head, [epoch("head")])

    def finetune(start: Start, *_: object) -> FinetuneResult:
        fakes.ran.append("finetune")
        fakes.started.append(start)
        return FinetuneResult(build_encoder(start.backbone, VALIDATION_KERNEL), fakes.finetune, [epoch("finetune")])

    for name, fake in (("train_autoencoder", train_autoencoder), ("tune_head", tune_head), ("finetune", finetune)):
        monkeypatch.setattr(stages, name, fake)

    def compute(_encoders: Encoders, _progress: Progress) -> Features:
        return replace(tuning.features, values=fakes.adapted(tuning.features.values))

    tune(tuning, compute)
    return tuning


def by_label(pictures: Pictures) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Features that know everything."""
    return lambda values: np.repeat(
        np.eye(CHANNELS, dtype=np.float32)[pictures.labels][:, None], values.shape[1], axis=1
    )


def useless(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features that know nothing."""
    return np.random.default_rng(0).normal(size=values.shape).astype(np.float32)


def test_every_stage_in_order_each_on_what_the_one_before_has_reached(
    pictures: Pictures, frozen: Encoders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each measures better than the last: frozen, autoencoder, head and fine-tuning.
    fakes = Fakes(adapted=by_label(pictures))
    monkeypatch.setattr(tuning_module, "best", lambda candidates: len(candidates) - 1)
    tuning = run(tuning_of(pictures, frozen, tmp_path), fakes, monkeypatch)
    assert fakes.ran == ["autoencoder", "head", "finetune"]
    assert list(tuning.scores) == ["frozen", "autoencoder", "head", "finetune"]
    assert [one.stage for one in tuning.history] == fakes.ran
    assert (tuning.reached, tuning.encoders.stage) == ("finetune", "finetune")
    assert tuning.encoders.onnx.dims == 5
    adapted = by_label(pictures)(tuning.features.values)
    np.testing.assert_array_equal(fakes.learned_from[0], adapted)
    (start,) = fakes.started
    np.testing.assert_array_equal(start.kernel, VALIDATION_KERNEL)  # which has not seen the pictures that decide
    np.testing.assert_allclose(start.embeddings, adapted[:, 0] @ VALIDATION_KERNEL, atol=1e-6)
    assert start.scores == tuning.scores["head"]


def test_an_autoencoder_that_does_not_help_is_undone(
    pictures: Pictures, frozen: Encoders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuning = tuning_of(pictures, frozen, tmp_path, finetune={"enabled": False})
    before, features = tuning.encoders, tuning.features
    fakes = Fakes(adapted=useless, head=POOR)
    run(tuning, fakes, monkeypatch)
    assert tuning.scores["autoencoder"].map < tuning.scores["frozen"].map
    assert (tuning.encoders, tuning.features, tuning.reached) == (before, features, "frozen")
    np.testing.assert_array_equal(fakes.learned_from[0], features.values)
    said = notes_of(tuning)[0]
    assert said.startswith(f"autoencoder: recall@1 {tuning.scores['autoencoder'].precision_at_1:.3f} (frozen ")
    assert said.endswith("no better on the held-out pictures, so it is undone")


def test_a_head_that_does_not_help_is_undone_and_fine_tuning_starts_without_it(
    pictures: Pictures, frozen: Encoders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes = Fakes(head=POOR, finetune=POOR)
    tuning = run(tuning_of(pictures, frozen, tmp_path, autoencoder={"enabled": False}), fakes, monkeypatch)
    (start,) = fakes.started
    assert start.kernel is None
    np.testing.assert_array_equal(start.embeddings, tuning.features.values[:, 0])
    assert start.scores == tuning.scores["frozen"] == measure(tuning.examples())
    assert (tuning.encoders.stage, tuning.encoders.onnx.dims) == ("frozen", CHANNELS)
    assert [note.endswith("so it is undone") for note in notes_of(tuning)] == [True, True]


def test_fine_tuning_that_does_not_help_leaves_the_head(
    pictures: Pictures, frozen: Encoders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning_module, "best", lambda candidates: int(candidates[1] != POOR))
    fakes = Fakes(finetune=POOR)
    tuning = run(tuning_of(pictures, frozen, tmp_path, autoencoder={"enabled": False}), fakes, monkeypatch)
    assert (tuning.reached, tuning.encoders.stage) == ("head", "head")
    sample = np.stack([pictures.prepared(row) for row in range(3)])
    wanted = tuning.features.values[:3, 0] @ KERNEL  # the one that was fitted on all
    np.testing.assert_allclose(tuning.encoders.onnx.encode(sample), wanted, atol=1e-4)


@pytest.mark.parametrize("stage", ["autoencoder", "head", "finetune"])
def test_each_can_be_switched_off(
    stage: str, pictures: Pictures, frozen: Encoders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes = Fakes()
    run(tuning_of(pictures, frozen, tmp_path, **{stage: {"enabled": False}}), fakes, monkeypatch)
    assert fakes.ran == [name for name in ("autoencoder", "head", "finetune") if name != stage]


def test_an_encoder_from_a_file_gets_a_head_and_no_more(
    pictures: Pictures, frozen: Encoders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuning = tuning_of(pictures, frozen, tmp_path)
    tuning.encoders = replace(tuning.encoders, keras=None, backbone=None)
    fakes = Fakes()
    run(tuning, fakes, monkeypatch)
    assert fakes.ran == ["head"]


def test_a_head_that_was_tuned_before_the_run_was_stopped_is_not_tuned_again(
    pictures: Pictures, frozen: Encoders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = run(tuning_of(pictures, frozen, tmp_path), Fakes(), monkeypatch)
    fakes = Fakes(head=POOR)
    again = run(tuning_of(pictures, frozen, tmp_path), fakes, monkeypatch)
    assert fakes.ran == ["autoencoder", "finetune"]
    assert again.scores == one.scores
    assert again.history == one.history
    np.testing.assert_array_equal(fakes.started[0].kernel, VALIDATION_KERNEL)

    other = tuning_of(pictures, frozen, tmp_path)
    other.made_from = "another configuration"
    fakes = Fakes()
    run(other, fakes, monkeypatch)
    assert fakes.ran == ["autoencoder", "head", "finetune"]
