"""The gallery's embeddings: those of the written encoder, and pictures are not decoded for them twice."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.trainer.tuning import SIDE, Quiet, no_progress, pictures_in, scores
from trainer.data.features import Features
from trainer.networks.closed_form import Candidate
from trainer.run import gallery
from trainer.sources.base import Picture
from trainer.training.epochs.dataset import Pictures
from trainer.training.head import Head

WIDTH = 12
KERNEL = np.random.default_rng(1).normal(size=(WIDTH, 6)).astype(np.float32)


class Columns:
    """An encoder whose embedding is a few columns of pixels, through a head where there is one."""

    height = width = SIDE

    def __init__(self, kernel: NDArray[np.float32] | None = None) -> None:
        self.kernel = kernel
        self.dims = WIDTH if kernel is None else kernel.shape[1]

    def encode(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        rows = images.reshape(len(images), -1)[:, :: images[0].size // WIDTH][:, :WIDTH].astype(np.float32)
        return rows if self.kernel is None else rows @ self.kernel


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    return pictures_in(tmp_path_factory.mktemp("pictures"), labels=5, each=10)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures were decoded, each time some were."""
    counts: list[int] = []
    embed_gallery = vars(gallery)["embed_gallery"]

    def counting(pictures: Sequence[Picture], *rest: Any) -> NDArray[np.float32]:
        counts.append(len(pictures))
        return embed_gallery(pictures, *rest)

    monkeypatch.setattr(gallery, "embed_gallery", counting)
    return counts


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the run; graphs are their own fingerprints."""
    monkeypatch.setattr(gallery, "fingerprint", str)
    monkeypatch.setattr(gallery, "BATCH", 16)
    return tmp_path


def tuning_of(pictures: Pictures, reached: str, work: Path) -> Any:
    """A run that has reached a stage, its features those of the frozen network."""
    values = Columns().encode(np.stack([pictures.prepared(row) for row in range(len(pictures.labels))]))
    head = Head(KERNEL, KERNEL, None, Candidate(0.1, 6), 0, scores(1, 1), []) if reached == "head" else None
    encoders = SimpleNamespace(onnx=Columns(KERNEL if reached == "head" else None), graph="own")
    features = Features(pictures.files, values[:, None], None, ())
    return SimpleNamespace(
        pictures=pictures,
        features=features,
        head=head,
        reached=reached,
        encoders=encoders,
        listener=Quiet(),
        work=work,
    )


@pytest.mark.parametrize("reached", ["frozen", "autoencoder", "head"])
def test_what_follows_from_the_features_is_checked_on_a_sample(
    reached: str, pictures: Pictures, decoded: list[int], work: Path
) -> None:
    tuning = tuning_of(pictures, reached, work)
    steps: list[tuple[int, int]] = []
    result = gallery.embed(tuning, tuning.encoders, lambda done, of: steps.append((done, of)))
    inputs = np.stack([pictures.prepared(row) for row in range(50)])
    np.testing.assert_allclose(result, tuning.encoders.onnx.encode(inputs), rtol=1e-5)
    assert decoded == [25]  # at most 32 of the 50, evenly
    assert steps[-1] == (50, 50)
    assert not tuning.listener.notes


@pytest.mark.parametrize("why", ["finetuned", "quantised"])
def test_a_network_that_has_changed_embeds_every_picture(
    why: str, pictures: Pictures, decoded: list[int], work: Path
) -> None:
    tuning = tuning_of(pictures, "finetune" if why == "finetuned" else "head", work)
    encoder: Any = tuning.encoders if why == "finetuned" else SimpleNamespace(onnx=Columns(2 * KERNEL), graph="int8")
    result = gallery.embed(tuning, encoder, no_progress)
    assert decoded == [16, 16, 16, 2]
    inputs = np.stack([pictures.prepared(row) for row in range(50)])
    np.testing.assert_allclose(result, encoder.onnx.encode(inputs), rtol=1e-5)


class Stopped(Exception):
    """Stands for a kill."""


def test_a_run_that_was_stopped_goes_on_inside_the_gallery(pictures: Pictures, decoded: list[int], work: Path) -> None:
    def stop(done: int, of: int) -> None:
        if done == 32:
            raise Stopped

    tuning = tuning_of(pictures, "finetune", work)
    with pytest.raises(Stopped):
        gallery.embed(tuning, tuning.encoders, stop)
    steps: list[tuple[int, int]] = []
    result = gallery.embed(tuning, tuning.encoders, lambda done, of: steps.append((done, of)))
    assert decoded == [16, 16, 16, 2]  # the first 32 once
    assert steps == [(16, 50), (32, 50), (48, 50), (50, 50)]
    inputs = np.stack([pictures.prepared(row) for row in range(50)])
    np.testing.assert_allclose(result, tuning.encoders.onnx.encode(inputs), rtol=1e-5)
    other: Any = SimpleNamespace(onnx=Columns(2 * KERNEL), graph="another")
    np.testing.assert_allclose(gallery.embed(tuning, other, no_progress), other.onnx.encode(inputs), rtol=1e-5)


def test_features_of_another_network_are_found_out(pictures: Pictures, decoded: list[int], work: Path) -> None:
    tuning = tuning_of(pictures, "frozen", work)
    stale = tuning.features.values[:, :, ::-1].copy()
    tuning.features = replace(tuning.features, values=stale)
    result = gallery.embed(tuning, tuning.encoders, no_progress)
    assert decoded == [25, 16, 16, 16, 2]
    assert "differ from the written encoder" in tuning.listener.notes[0]
    assert not np.allclose(result, stale[:, 0])
