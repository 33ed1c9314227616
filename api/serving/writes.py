"""Whether changes can be written, and whose turn it is to write.

Searches go on whatever happens here. A change waits its turn for a bounded time; a disk that is full or read-only, and
a database that somebody else keeps locked, are noticed by the first change that fails and by looking now and then.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType

from retrieval.catalogue import Catalogue
from retrieval.errors import CatalogueError, StorageBusy, StorageError, VectorStoreError

logger = logging.getLogger(__name__)

LOOK_SECONDS = 10.0  # between two looks while all is well
RETRY_SECONDS = 1.0  # and while it is not
BUSY = "another change of this server has been under way for more than {seconds:g} seconds; try again shortly"


class Writes:
    """The turn to write, for a `with` statement; and what is wrong, if anything is."""

    def __init__(
        self,
        checks: Sequence[Callable[[], object]],
        catalogue: Callable[[], Catalogue | None],
        *,
        seconds: float,
    ) -> None:
        """`checks`: raise StorageError where something could not be written; `seconds`: how long a change waits."""
        self.problem: str | None = None
        """Why nothing can be written, as far as is known."""
        self._checks = checks
        self._catalogue = catalogue
        self._seconds = seconds
        self._turn = threading.Lock()

    def __enter__(self) -> None:
        """Wait for the turn. Raises StorageBusy after the seconds that a change waits."""
        if not self._turn.acquire(timeout=self._seconds):
            raise StorageBusy(BUSY.format(seconds=self._seconds))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._turn.release()

    @contextmanager
    def patiently(self) -> Iterator[None]:
        """The turn, however long it takes: for the engine, which must not give up."""
        with self._turn:
            yield

    def observe(self, error: BaseException) -> None:
        """Remember what a change failed with, if it tells that nothing can be written."""
        if isinstance(error, StorageError) and self.problem != str(error):
            logger.warning("changes cannot be written: %s", error)
            self.problem = str(error)

    def look(self) -> None:
        """Find out whether changes can be written now. Blocking."""
        try:
            for check in self._checks:
                check()
            catalogue = self._catalogue()
            if catalogue is not None:
                catalogue.check_writable()
        except StorageError as error:
            self.observe(error)
        except (CatalogueError, VectorStoreError):  # which /readyz tells in its own words
            return
        else:
            if self.problem is not None:
                logger.info("changes can be written again")
            self.problem = None

    async def watch(self, ended: asyncio.Event) -> None:
        """Look now and then, until `ended` is set."""
        while not ended.is_set():
            await asyncio.to_thread(self.look)
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), LOOK_SECONDS if self.problem is None else RETRY_SECONDS)
