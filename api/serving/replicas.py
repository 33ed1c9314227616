"""This server among others that share a PostgreSQL database: it reports, and takes turns at jobs that one must do.

Without such a database there are no others: every job is this server's.
"""

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from time import monotonic

from api.serving.backfill import Stopped
from retrieval.catalogue import Catalogue, Replica
from retrieval.errors import LookalikeError

logger = logging.getLogger(__name__)

REPORT_SECONDS = 1.0  # between two reports
PRESENT_SECONDS = 15.0  # after its last report, a server counts as gone
LEASE_SECONDS = 15.0  # and so long a job stays its own
SILENT_SECONDS = 5.0  # between two attempts to count requests, while the database does not answer
LOOK_SECONDS = 0.5  # between two looks at a lease that somebody else has


class Replicas:
    """May be used by any thread."""

    def __init__(self, catalogue: Callable[[], Catalogue | None]) -> None:
        """`catalogue`: the one that is shared with others, if it is."""
        self._catalogue = catalogue
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        """Another one after every start."""
        self._present: Sequence[Replica] = ()
        self._silent_until = 0.0  # when the database is asked again to count requests

    @property
    def count(self) -> int:
        """How many servers share the database, as of the last report; 1 where it is not shared."""
        return max(1, len(self._present))

    def next(self) -> str | None:
        """The bundle that is about to go live. Raises CatalogueError."""
        catalogue = self._catalogue()
        return catalogue.releases.next() if catalogue and catalogue.releases else None

    def report(self, loaded: Sequence[str], failed: Mapping[str, str]) -> None:
        """Tell the others which bundles are loaded here, the live one first, and why others are not."""
        try:
            catalogue = self._catalogue()
            if catalogue is not None and catalogue.shared is not None:
                catalogue.shared.report(self.name, {"loaded": list(loaded), "failed": dict(failed)}, PRESENT_SECONDS)
                self._present = catalogue.shared.replicas()
        except LookalikeError as error:
            logger.debug("the others cannot be told: %s", error)  # /readyz tells why, in its own words

    def leave(self) -> None:
        """Tell the others that this server stops."""
        with suppress(LookalikeError):
            catalogue = self._catalogue()
            if catalogue is not None and catalogue.shared is not None:
                catalogue.shared.leave(self.name)

    def take_token(self, name: str, rate_per_minute: int) -> float | None:
        """Count a request of a key for all servers, or say in how many seconds it may send one.

        None where servers share nothing, or the database has not answered a moment ago.
        """
        if monotonic() < self._silent_until:
            return None
        try:
            catalogue = self._catalogue()
            if catalogue is None or catalogue.shared is None:
                return None
            return catalogue.shared.take_token(name, rate_per_minute)
        except LookalikeError as error:
            self._silent_until = monotonic() + SILENT_SECONDS
            logger.warning("rates of keys are counted by this server alone for now: %s", error)
            return None

    def is_mine(self, job: str, seconds: float) -> bool:
        """Whether a job that is due every so often is this server's this time. Raises CatalogueError."""
        catalogue = self._catalogue()
        return catalogue is None or catalogue.shared is None or catalogue.shared.take_lease(job, self.name, seconds)

    @contextmanager
    def alone(self, job: str, stopping: threading.Event) -> Iterator[None]:
        """Nobody else does this job meanwhile. Waits while somebody does; raises Stopped, CatalogueError."""
        while not self.is_mine(job, LEASE_SECONDS):
            if stopping.wait(LOOK_SECONDS):
                raise Stopped
        ended = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(job, ended), name="lease", daemon=True)
        renewing.start()
        try:
            yield
        finally:
            ended.set()
            renewing.join()
            with suppress(LookalikeError):
                catalogue = self._catalogue()
                if catalogue is not None and catalogue.shared is not None:
                    catalogue.shared.drop_lease(job, self.name)

    def _renew(self, job: str, ended: threading.Event) -> None:
        while not ended.wait(LEASE_SECONDS / 3):
            try:
                if not self.is_mine(job, LEASE_SECONDS):  # it was silent for too long; the job does no harm twice
                    logger.warning("another server has taken over: %s", job)
            except LookalikeError as error:
                logger.warning("the lease of a job cannot be renewed: %s", error)
