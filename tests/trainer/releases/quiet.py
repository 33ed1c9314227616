"""A listener that remembers what it is told. (That of tests/trainer/tuning.py brings TensorFlow.)"""

from collections.abc import Iterator
from contextlib import contextmanager

from trainer.progress import Epoch, Progress


class Quiet:
    """Shows nothing."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.notes: list[str] = []

    @contextmanager
    def step(self, title: str) -> Iterator[Progress]:
        self.steps.append(title)
        yield lambda _done, _total: None

    def note(self, text: str) -> None:
        self.notes.append(text)

    def epoch(self, epoch: Epoch) -> None:
        pass
