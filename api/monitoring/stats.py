"""Where the time of the latest searches went, for people: GET /stats."""

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from api.schemas.search.answer import SearchAnswer
from api.serving.engine import Engine

LATEST = 4096
"""Searches that are looked back on."""
STEPS = ("decode", "encode", "search", "rest", "total")


class StepStats(BaseModel, frozen=True):
    """One part of a search, in milliseconds; `rest` is the wait for a worker and the look into the catalogue."""

    step: Annotated[Literal["decode", "encode", "search", "rest", "total"], Field(examples=["encode"])]
    share: Annotated[float, Field(description="Of all the time that searches took.", examples=[0.61])]
    p50: Annotated[float, Field(description="Half of the searches take no longer for it.", examples=[7.2])]
    p95: Annotated[float, Field(examples=[9.8])]
    p99: Annotated[float, Field(examples=[14.1])]


class StatsAnswer(BaseModel, frozen=True):
    """Where the time goes: of the latest searches, those of batches left out. Empty before the first one."""

    since: Annotated[datetime, Field(description="When this process started.")]
    searches: Annotated[int, Field(description="How many there were since.", examples=[51_000])]
    latest: Annotated[int, Field(description="How many of them the rest is about.", examples=[4096])]
    steps: list[StepStats]
    exact_share: Annotated[float | None, Field(description="Certified answers.", examples=[0.998])]
    clusters_opened_share: Annotated[float | None, Field(description="Of all clusters, on average.", examples=[0.13])]
    remembered_share: Annotated[
        float | None,
        Field(description="Query pictures that were not encoded, as their vector was remembered.", examples=[0.2]),
    ]


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
        hits = sum(snapshot.query_cache.hits for snapshot in engine.loaded)
        lookups = hits + sum(snapshot.query_cache.misses for snapshot in engine.loaded)
        return StatsAnswer(
            since=self._since,
            searches=self._searches,
            latest=len(rows),
            steps=_steps(rows) if len(rows) else [],
            exact_share=_share(rows[:, -2]),
            clusters_opened_share=_share(rows[:, -1]),
            remembered_share=hits / lookups if lookups else None,
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
