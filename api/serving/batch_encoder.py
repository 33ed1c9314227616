"""Pictures that several threads want encoded at the same time, in one run of the encoder, where that is faster.

On a graphics card it nearly always is. On a processor it depends on the network: threads that each run it alone keep
all cores busy, too. So each encoder is measured when it is loaded (`gain`), and stays alone unless sharing pays.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from retrieval.clusters import Vectors
from retrieval.encoding.embedder import Embedder
from retrieval.encoding.encoder import Encoder
from retrieval.images import RGB

TOGETHER = 16
"""Pictures in one run of an encoder: more gain nothing on a processor, and take memory."""
ROUNDS = 5
WORTH = 1.15
"""How many times as fast it must be: less is lost again in waiting for each other, and not told from noise."""


@dataclass(slots=True, eq=False)
class _Turn:
    """One caller's pictures, and what became of them."""

    images: NDArray[np.uint8]
    outcome: NDArray[np.float32] | Exception | None = None


class TogetherEncoder:
    """An Encoder in front of another one: whoever comes while that is running goes with the next run, all at once.

    Nobody waits for others to come: alone, a call takes as long as without this.
    """

    def __init__(self, encoder: Encoder, *, most: int = TOGETHER) -> None:
        self.height, self.width, self.dims = encoder.height, encoder.width, encoder.dims
        self._encoder = encoder
        self._most = most
        self._waiting: list[_Turn] = []
        self._running = False
        self._changed = threading.Condition()

    def encode(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Pictures uint8 [n, height, width, 3], RGB, to embeddings float32 [n, dims]."""
        mine = _Turn(images)
        with self._changed:
            self._waiting.append(mine)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: mine.outcome is not None or not self._running)
                if isinstance(mine.outcome, Exception):
                    raise mine.outcome
                if mine.outcome is not None:
                    return mine.outcome
                turns = self._next()
                self._running = True
            self._run(turns)
            with self._changed:
                self._running = False
                self._changed.notify_all()

    def _next(self) -> list[_Turn]:
        """The first of those who wait, as many as fit into one run; at least one."""
        turns = [self._waiting.pop(0)]
        size = len(turns[0].images)
        while self._waiting and size + len(self._waiting[0].images) <= self._most:
            turns.append(self._waiting.pop(0))
            size += len(turns[-1].images)
        return turns

    def _run(self, turns: list[_Turn]) -> None:
        try:
            embeddings = self._encoder.encode(np.concatenate([turn.images for turn in turns]))
        except Exception as error:  # it is each caller's
            for turn in turns:
                turn.outcome = error
            return
        ends = np.cumsum([len(turn.images) for turn in turns])[:-1]
        for turn, own in zip(turns, np.split(embeddings, ends), strict=True):
            turn.outcome = own


def gain(encoder: Encoder, threads: int) -> float:
    """How many times as fast pictures are encoded by one run of them all as by as many threads, each with one.

    The best of several rounds of either, in turn, as other work on the machine can only make them slower.
    """
    images = np.zeros((threads, encoder.height, encoder.width, 3), np.uint8)
    alone, together = [], []
    with ThreadPoolExecutor(threads) as pool:
        for _round in range(ROUNDS):
            began = perf_counter()
            list(pool.map(encoder.encode, np.split(images, threads)))
            between = perf_counter()
            encoder.encode(images)
            alone.append(between - began)
            together.append(perf_counter() - between)
    return min(alone) / min(together)


def embed_all(embedder: Embedder, pictures: Sequence[RGB], together: int) -> list[Vectors]:
    """The vectors float32 [d] of any number of prepared pictures, in their order, `together` in a run."""
    vectors: list[Vectors] = []
    for start in range(0, len(pictures), together):
        vectors.extend(embedder.embed(pictures[start : start + together]))
    return vectors
