"""What `probes="auto"` means for a store: how far a search looks, and what its answer is likely to lack."""

import math
from dataclasses import dataclass

from retrieval.clusters import Metric
from retrieval.vectors.base import Probes
from retrieval.vectors.margins import Margins
from retrieval.vectors.rounds import Answer

SMALL = 20_000
"""Vectors up to which `auto` always goes on until the answer is certified: a few milliseconds at worst."""


@dataclass(frozen=True, slots=True)
class Auto:
    """Set up when a store is opened."""

    margins: Margins | None
    probes: int | None
    """The most clusters that are opened where there are no margins, as in older bundles; None for all."""

    def limits(self, probes: Probes, metric: Metric, size: int) -> tuple[int | None, float]:
        """How many clusters a search of a store of this size may open, None for all; and up to which margin."""
        if isinstance(probes, int):
            return probes, math.inf
        if probes == "all" or size <= SMALL:
            return None, math.inf
        return (self.probes, math.inf) if self.margins is None else (None, self.margins.margin(metric))

    def recall(self, answer: Answer, probes: Probes, metric: Metric) -> float | None:
        """The share of the true hits that the answer is likely to have; None where that is not known."""
        if answer.certified:
            return 1.0
        if self.margins is None:
            return None
        return self.margins.share(metric, answer.margin, stopped=probes != "auto")
