"""What the tests of the stages share: a few small pictures, a network that is built in no time, a silent listener."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import numpy as np
from keras import KerasTensor, layers
from PIL import Image

from retrieval import images
from retrieval.encoding.embedder import open_whole
from trainer.data.features import PictureFile
from trainer.data.split import TRAIN, VALIDATION, number_labels
from trainer.evaluation.metrics import Scores
from trainer.progress import Epoch, Progress
from trainer.sources.base import Picture
from trainer.training.epochs.dataset import Pictures

SIDE = 32  # pixels
CHANNELS = 16


def tiny(x: KerasTensor) -> KerasTensor:
    """Three blocks named as those of `siamese`: 32x32 pixels to 4x4 cells of 16 channels."""
    for number in (1, 2, 3):
        x = layers.Conv2D(CHANNELS, 3, 2, padding="same", use_bias=False, name=f"stage{number}_conv")(x)
        x = layers.BatchNormalization(momentum=0.5, name=f"stage{number}_bn")(x)
        x = layers.ReLU(name=f"stage{number}_relu")(x)
    return x


def photograph(label: int, number: int, side: int = 40) -> np.ndarray:
    """Stripes whose direction and colour are the label's, at another place each time, with noise; uint8 RGB."""
    rng = np.random.default_rng([label, number])
    across, down = np.meshgrid(np.arange(side), np.arange(side))
    turn = np.random.default_rng(label).uniform(0, np.pi)
    waves = np.sin((across * np.cos(turn) + down * np.sin(turn)) / 2 + rng.uniform(0, 6))[..., None]
    colour = np.random.default_rng(label).uniform(40, 80, 3)
    return np.clip(128 + colour * waves + rng.normal(0, 12, (side, side, 3)), 0, 255).astype(np.uint8)


def opened(path: Path, label: str | None) -> PictureFile:
    data = path.read_bytes()
    return PictureFile(Picture(path.stem, path, label), sha256(data).hexdigest(), images.inspect(data))


def pictures_in(
    folder: Path, *, labels: int = 6, each: int = 6, held_out: int = 2, unlabelled: int = 0, supervised: bool = True
) -> Pictures:
    """`each` photographs of every label, of which the first `held_out` are validation's, then some without a label."""
    result, parts = [], []
    for label in range(labels + (unlabelled > 0)):
        name = f"label {label}" if label < labels else None
        for number in range(each if name else unlabelled):
            path = folder / f"{label}-{number}.png"
            Image.fromarray(photograph(label, number)).save(path)
            result.append(opened(path, name))
            parts.append(VALIDATION if number < held_out else TRAIN)
    numbers = number_labels([one.picture.label for one in result])
    return Pictures(result, numbers, np.array(parts, np.int8), SIDE, open_whole, 0, supervised)


def scores(precision_at_1: float, map_: float, queries: int = 100) -> Scores:
    """Measures of which only these matter."""
    return Scores(precision_at_1, 0, 0, map_, 0, queries, 0)


def no_progress(done: int, total: int) -> None:
    """Nobody looks."""


class Quiet:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.notes: list[str] = []
        self.epochs: list[Epoch] = []

    @contextmanager
    def step(self, title: str) -> Iterator[Progress]:
        self.steps.append(title)
        yield no_progress

    def note(self, text: str) -> None:
        self.notes.append(text)

    def epoch(self, epoch: Epoch) -> None:
        self.epochs.append(epoch)


def numbers_of(epochs: Sequence[Epoch]) -> list[int]:
    """Which epochs these are."""
    return [epoch.epoch for epoch in epochs]
