"""The search for duplicates as a job: one at a time, in a thread of its own, its outcome kept until the next one."""

import logging
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from time import monotonic

from api.duplicates.results import Dismissed, by_picture
from api.duplicates.search import Result, Step, look
from api.serving.snapshot import Snapshot
from retrieval.catalogue import Dismissals

logger = logging.getLogger(__name__)

NICENESS = 10  # so that searches come first
# Looks at all ids of the catalogue: the least time between two of them, and what part of the time they may take.
LEAST_SECONDS, SHARE = 2.0, 0.02


Hold = Callable[[], AbstractContextManager[Snapshot]]
"""What is served now, open until the end of the block. Raises Refusal (not_ready) while nothing is."""


Alone = Callable[[threading.Event], AbstractContextManager[None]]
"""Nobody else searches for duplicates until the end of the block; gives up waiting for that when the event is set."""


def _alone(_stopping: threading.Event) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the search is: pictures read, or pairs compared."""

    step: Step = "reading"
    done: int = 0
    total: int = 0


class Stopped(Exception):
    """The server is shutting down."""


class Finder:
    """Runs the search, and remembers what it found and what was dismissed. Blocking: to be asked in the pool."""

    def __init__(self, catalogue_url: str, hold: Hold, write_seconds: float, alone: Alone = _alone) -> None:
        """`write_seconds`: how long a dismissal waits for another change of the database."""
        self._hold = hold
        self._alone = alone
        self._write_seconds = write_seconds
        self._url = catalogue_url
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="duplicates")
        self._stopping = threading.Event()
        self._job: Future[Result] | None = None
        self._progress = Progress()
        self._result: Result | None = None
        self._dismissals: Dismissals | None = None
        self._dismissed: tuple[tuple[int, int], Dismissed] = ((0, 0), {})
        self._state: tuple[float, str] = (0.0, "")

    def ask(self) -> Result | Progress:
        """What was found, or how far the search is. Starts it where there has been none.

        Raises whatever ended the last search, once; asked again, it starts anew.
        """
        with self._lock:
            if self._job is not None and self._job.done():
                job, self._job = self._job, None
                self._result = job.result()
            if self._job is None and self._result is not None:
                return self._result
            return self._started()

    def refresh(self) -> Progress:
        """Search anew, unless a search is under way."""
        with self._lock:
            if self._job is not None and self._job.done():
                self._job = None
            return self._started()

    def is_stale(self, snapshot: Snapshot, result: Result) -> bool:
        """Whether the catalogue or the model is another one by now; noticed within a few seconds, or within a minute
        where there are millions of items."""
        if result.bundle != snapshot.id:
            return True
        with self._lock:
            again, state = self._state
            if monotonic() >= again:
                state = self._looked()
            return result.state != state

    def dismissals(self) -> Dismissals:
        """To read and to write them: not under the lock, as a change may wait for another one, and readers must not."""
        with self._lock:
            return self._open()

    def dismissed(self) -> Dismissed:
        """For each picture the dismissals that it is in, also those that another server has been told of."""
        with self._lock:
            dismissals = self._open()
            version = dismissals.version()
            if version != self._dismissed[0]:
                self._dismissed = version, by_picture(dismissals.all())
            return self._dismissed[1]

    def close(self) -> None:
        """Stop the search and let go of the database."""
        self._stopping.set()
        self._thread.shutdown()
        if self._dismissals is not None:
            self._dismissals.close()

    def _started(self) -> Progress:
        if self._job is None:
            self._progress = Progress()
            self._job = self._thread.submit(self._run)
        return self._progress

    def _run(self) -> Result:
        _step_back()
        with self._alone(self._stopping), self._hold() as snapshot:
            with self._lock:
                state = self._looked()
            result = look(snapshot, state, self._tell)
        logger.info("found duplicates: %s", {tier: len(groups) for tier, groups in result.groups.items()})
        return result

    def _tell(self, step: Step, done: int, total: int) -> None:
        if self._stopping.is_set():
            raise Stopped
        self._progress = Progress(step, done, total)

    def _looked(self) -> str:
        begun = monotonic()
        state = self._open().catalogue_state()
        took = monotonic() - begun
        self._state = monotonic() + max(LEAST_SECONDS, took / SHARE), state
        return state

    def _open(self) -> Dismissals:
        if self._dismissals is None:
            self._dismissals = Dismissals(self._url, busy_seconds=self._write_seconds)
        return self._dismissals


def _step_back() -> None:
    """Let this thread, and those that it starts, run when others need not."""
    if sys.platform == "linux":  # where a thread has a priority of its own
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
