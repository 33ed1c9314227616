"""When all vectors are put into a new block, and how long that waits after the disk has refused one."""

from time import monotonic

MIN_CHANGES = 1_000
"""Changes that a new block never needs to be written for."""
MAX_CHANGED_SHARE = 1 / 8
"""Share of the vectors, changed since the block was written, from which on a new one is."""
FIRST_WAIT, MAX_WAIT = 30.0, 3600.0
"""Seconds from a refusal to the next attempt: twice as long after each further one. An attempt reads everything."""


class Compaction:
    """Decides for one store; its writers take turns."""

    def __init__(self) -> None:
        self._wait = FIRST_WAIT
        self._not_before = 0.0  # as `monotonic` counts

    def is_due(self, changes: int, size: int) -> bool:
        """Whether a block of this size, with so many changes beside it, is to be replaced now."""
        return changes > max(MIN_CHANGES, MAX_CHANGED_SHARE * size) and monotonic() >= self._not_before

    def refused(self) -> float:
        """The disk has taken no new block: the seconds until the next attempt."""
        wait, self._wait = self._wait, min(2 * self._wait, MAX_WAIT)
        self._not_before = monotonic() + wait
        return wait

    def done(self) -> None:
        """A new block has been written."""
        self._wait, self._not_before = FIRST_WAIT, 0.0
