"""Whoever started a run and wants to see how it goes."""

from contextlib import AbstractContextManager
from typing import Protocol

from trainer.progress import Progress
from trainer.training.history import Epoch


class Listener(Protocol):
    """Told of every step; decides what is shown."""

    def step(self, title: str) -> AbstractContextManager[Progress]:
        """A step begins; inside, `progress(done, total)` may be called."""
        ...

    def note(self, text: str) -> None:
        """Something worth a line."""
        ...

    def epoch(self, epoch: Epoch) -> None:
        """An epoch of a stage has ended."""
        ...
