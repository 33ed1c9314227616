"""A budget of time: what is left of it, and whether something still fits."""

import time
from dataclasses import dataclass, field

RESERVE = 0.15
"""Share of the budget kept for the run that follows the search: clusters, calibration, measures."""


@dataclass(slots=True)
class Budget:
    """So many seconds from now on."""

    seconds: float
    began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds that are left, less what is kept for the run; negative once they are spent."""
        return self.began + self.seconds * (1 - RESERVE) - time.monotonic()

    @property
    def spent(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.began

    def allows(self, seconds: float) -> bool:
        """Whether so much more would fit."""
        return seconds <= self.left
