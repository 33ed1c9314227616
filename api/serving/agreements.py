"""Every item has its vector before a bundle goes live, and every vector its item. Blocking.

Where it is noted that they agree, nothing is compared: a start takes as long for a million items as for a thousand.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from threading import Event
from time import monotonic, time

from pyroaring import BitMap64

from api.serving.backfill import backfill_vectors, embed_items
from api.serving.cleanup import sweep_pictures, sweep_vectors
from api.serving.snapshot import Snapshot
from retrieval import bundle as bundles
from retrieval.agreement import agree, agreed_without
from retrieval.catalogue import State
from retrieval.errors import LookalikeError
from retrieval.filters import EVERYTHING

logger = logging.getLogger(__name__)

NOTE_SECONDS = 30.0  # between two notes
LEARNT_TOGETHER = 20_000  # items that are looked for between two looks whether to stop


class Agreements:
    """What is known of the vectors of each loaded bundle, and of the items without any."""

    def __init__(self) -> None:
        self._without: dict[str, Sequence[str]] = {}  # by bundle, ids of items whose pictures cannot be used
        self._since: dict[str, tuple[int, State]] = {}  # by bundle: when its vectors were compared with the items
        self._until = 0.0
        self._learnt: Snapshot | None = None
        self._began = time()
        self._swept = False

    def prepare(self, snapshot: Snapshot, stopping: Event) -> None:
        """Sweep vectors that are left over, and embed what lacks a vector.

        Raises Stopped, CatalogueError or VectorStoreError.
        """
        without = None if _is_pending(snapshot) else agreed_without(snapshot.store, snapshot.catalogue)
        if without is None:
            sweep_vectors(snapshot)
            self._without[snapshot.id] = backfill_vectors(snapshot, stopping)
        else:
            self._without[snapshot.id] = embed_items(snapshot, without, stopping)

    def confirm(self, snapshot: Snapshot, stopping: Event) -> None:
        """Embed what has come since `prepare`; while this server writes nothing. Raises as that does."""
        changes, state = snapshot.catalogue.changes, snapshot.catalogue.state()
        if _is_pending(snapshot) or agreed_without(snapshot.store, snapshot.catalogue) is None:
            backfill_vectors(snapshot, stopping, self._without[snapshot.id])
        self._since[snapshot.id] = changes, state
        self.note([snapshot])

    def note(self, snapshots: Iterable[Snapshot]) -> None:
        """Note which of these agree with the catalogue; while this server writes nothing.

        Only where nobody else has written to the catalogue since they were compared.
        """
        for snapshot in snapshots:
            before, compared = self._since[snapshot.id]
            changes, state = snapshot.catalogue.changes, snapshot.catalogue.state()
            if _is_pending(snapshot) or state.version - compared.version != changes - before:
                continue
            try:
                agree(snapshot.store, snapshot.catalogue, self._without[snapshot.id], state)
            except LookalikeError as error:
                logger.info("the next start compares all items with their vectors: %s", error)

    def is_due(self) -> bool:
        """Whether it is time for another note; then it is not for a while."""
        if monotonic() < self._until:
            return False
        self._until = monotonic() + NOTE_SECONDS
        return True

    def settle(self, live: Snapshot, stopping: Event) -> None:
        """Do beside the searches what need not be done before them, and grows with the catalogue.

        That is to find the items of the vectors that are live, so that the first search with a filter need not; and
        once, to sweep the pictures that were left over before this server started. Raises CatalogueError.
        """
        self._learn(live, stopping)
        if not self._swept and not stopping.is_set():
            sweep_pictures(live.pictures, live.catalogue, live.artifacts, before=self._began, stopping=stopping)
            self._swept = True

    def _learn(self, live: Snapshot, stopping: Event) -> None:
        if live is self._learnt:
            return
        everything = live.catalogue.select(EVERYTHING)
        numbers = list(everything.numbers)
        for start in range(0, len(numbers), LEARNT_TOGETHER):
            if stopping.is_set():
                return
            live.store.learn(replace(everything, numbers=BitMap64(numbers[start : start + LEARNT_TOGETHER])))
        self._learnt = live


def _is_pending(snapshot: Snapshot) -> bool:
    """Whether the release of the bundle is not finished: then some of its items are yet to come."""
    return bundles.pending_path(snapshot.artifacts, snapshot.id).exists()
