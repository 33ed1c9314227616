"""Where the time of the latest searches went, for people: GET /stats."""

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from api.engine import Engine
from api.schemas import SearchAnswer, StatsAnswer, StepStats

LATEST = 4096
"""Searches that are looked back on."""
STEPS = ("decode", "encode", "search", "rest", "total")


class Stats:
    """The latest searches. Not for several threads: the event loop writes and reads it."""

    def __init__(self) -> None:
        self._since = datetime.now(UTC)
        self._searches = 0
        # For each search its steps in milliseconds, whether it was certified, and the share of clusters opened.
        self._latest: deque[tuple[float, ...]] = deque(maxlen=LATEST)

    def searched(self, answer: SearchAnswer) -> None:
        """Remember how long a search took, and how it went."""
        took = answer.milliseconds
        rest = max(0.0, took.total - took.decode - took.encode - took.search)
        share = answer.clusters_opened / max(1, answer.clusters_total)
        self._searches += 1
        self._latest.append((took.decode, took.encode, took.search, rest, took.total, float(answer.exact), share))

    def answer(self, engine: Engine) -> StatsAnswer:
        """What there is to tell."""
        rows = np.array(self._latest, np.float64).reshape(-1, len(STEPS) + 2)
        hits = sum(snapshot.seen.hits for snapshot in engine.loaded)
        asked = hits + sum(snapshot.seen.misses for snapshot in engine.loaded)
        return StatsAnswer(
            since=self._since,
            searches=self._searches,
            latest=len(rows),
            steps=_steps(rows) if len(rows) else [],
            exact_share=_share(rows[:, -2]),
            clusters_opened_share=_share(rows[:, -1]),
            remembered_share=hits / asked if asked else None,
        )


def _steps(rows: NDArray[np.float64]) -> list[StepStats]:
    whole = rows[:, STEPS.index("total")].sum()
    quantiles = np.percentile(rows[:, : len(STEPS)], (50, 95, 99), axis=0).round(2)
    steps = []
    for column, step in enumerate(STEPS):
        p50, p95, p99 = quantiles[:, column].tolist()
        share = float(rows[:, column].sum() / whole) if whole else 0.0
        steps.append(StepStats(step=step, share=round(share, 4), p50=p50, p95=p95, p99=p99))
    return steps


def _share(values: Sequence[float] | NDArray[np.float64]) -> float | None:
    return round(float(np.mean(values)), 4) if len(values) else None
