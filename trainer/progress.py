"""What long work reports to the listener who started it: steps, notes, and the epochs of a stage."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

Progress = Callable[[int, int], None]
"""Called with the number of pictures, epochs or files done, and of all of them."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One line of history.csv. Epoch 0 is where a stage starts; `loss` is the mean over the batches of an epoch.

    `recall_at_1` and `map` are measured on the held-out pictures; None where an epoch is not measured.
    """

    stage: str
    epoch: int
    loss: float | None
    recall_at_1: float | None
    map: float | None
    seconds: float


Watch = Callable[[Epoch], None]
"""Told of each epoch when it ends."""


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
