"""The snapshots that are loaded, who uses them, and those that are replaced but still in use."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from api.errors import Refusal
from api.serving.snapshot import Served, Snapshot


class Loaded:
    """Any thread may use what is loaded; one thread changes it."""

    def __init__(self) -> None:
        self.snapshots: tuple[Snapshot, ...] = ()
        """The live one first."""
        self._retired: list[Snapshot] = []
        self._users: Counter[Snapshot] = Counter()
        self._lock = threading.Lock()  # for what is loaded together with who uses it

    @contextmanager
    def using(self) -> Iterator[Served]:
        """What is loaded now, open until the end of the block. Raises Refusal (not_ready) while nothing is."""
        with self._lock:
            served = Served(self.snapshots)
            self._users.update(served.snapshots)
        if not served.snapshots:
            raise Refusal("not_ready")
        try:
            yield served
        finally:
            with self._lock:
                self._users.subtract(served.snapshots)

    def get(self, bundle_id: str) -> Snapshot | None:
        """The snapshot of a bundle, if it is loaded."""
        return next((snapshot for snapshot in self.snapshots if snapshot.id == bundle_id), None)

    def replace(self, snapshots: Sequence[Snapshot]) -> None:
        """The moment at which something goes live."""
        with self._lock:
            before, self.snapshots = self.snapshots, tuple(snapshots)
        self._retired += [each for each in before if each not in snapshots]

    def close_retired(self) -> None:
        """Close what was replaced and nobody uses any more."""
        with self._lock:
            idle = [each for each in self._retired if not self._users[each]]
            for each in idle:
                del self._users[each]
        self._retired = [each for each in self._retired if each not in idle]
        for each in idle:
            each.close()

    def close(self) -> None:
        """Close everything; all requests must have ended."""
        for snapshot in (*self.snapshots, *self._retired):
            snapshot.close()
        self.snapshots, self._retired = (), []
