"""What a catalogue needs of machines as it grows: straight lines through what was measured, and their errors.

Room grows with the vectors. A search takes a fixed time, and a time for each vector that it compares: those in the
clusters that it opens, of which there are 4 * sqrt(n).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PROBES = 64
"""Clusters that a search opens; what `auto` opens depends on the pictures."""
BUSY = 0.5
"""The share of a core that searches may take, so that few of them wait."""
GB = 1e9


@dataclass(frozen=True, slots=True)
class Line:
    """y = base + slope * x."""

    base: float
    slope: float

    def at(self, x: float) -> float:
        return self.base + self.slope * x


@dataclass(frozen=True, slots=True)
class Prices:
    """Dollars a month. Assumptions of an order of magnitude: look at those of your own provider."""

    core: float = 25.0
    memory_gb: float = 3.5
    disk_gb: float = 0.10


@dataclass(frozen=True, slots=True)
class Engine:
    """One way to keep vectors. `room`: bytes on disk by vectors; `time`: milliseconds by vectors compared."""

    name: str
    room: Line
    time: Line
    memory: float
    """The share of the room that must be in memory for the time to hold."""


@dataclass(frozen=True, slots=True)
class Need:
    """What one engine needs for so many vectors and searches a second."""

    disk_gb: float
    memory_gb: float
    milliseconds: float
    cores: int
    dollars: float


def fit(points: Sequence[tuple[float, float]]) -> Line:
    """The line of the least relative errors through two points or more; neither of its parts is below zero."""
    x, y = np.array(points, float).T
    ones = np.ones_like(x)
    base, slope = np.linalg.lstsq(np.stack([ones / y, x / y], 1), ones, rcond=None)[0]
    if base < 0:
        return Line(0.0, float(np.sum(x / y) / np.sum((x / y) ** 2)))
    if slope < 0:
        return Line(float(np.sum(1 / y) / np.sum(1 / y**2)), 0.0)
    return Line(float(base), float(slope))


def error_of_prediction(points: Sequence[tuple[float, float]]) -> float:
    """How far the line through all points but the last one, the largest, misses that: 0.1 means 10 % too much."""
    (x, y), before = points[-1], points[:-1]
    return fit(before).at(x) / y - 1


def compared(vectors: float, probes: int = PROBES) -> float:
    """How many vectors a search compares."""
    return vectors * min(1.0, probes / (4 * math.sqrt(vectors)))


def need(engine: Engine, vectors: float, searches_a_second: float, prices: Prices) -> Need:
    """What it takes, without copies for safety."""
    disk = engine.room.at(vectors) / GB
    memory, milliseconds = disk * engine.memory, engine.time.at(compared(vectors))
    cores = max(2, math.ceil(searches_a_second * milliseconds / 1000 / BUSY))
    dollars = cores * prices.core + memory * prices.memory_gb + disk * prices.disk_gb
    return Need(disk, memory, milliseconds, cores, dollars)
