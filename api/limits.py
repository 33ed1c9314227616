"""What one request, and all of them together, may take: bytes of a body, threads, places in the queue."""

import asyncio
import contextvars
import os
import sys
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter
from typing import ParamSpec, TypeVar

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import Refusal

P = ParamSpec("P")
T = TypeVar("T")

NICENESS = 5
"""By how much threads that compute give way to the event loop, which must be able to refuse while they do."""
ARRIVAL_SECONDS = 0.5
"""For so long a body that is on its way counts like one that is there."""
SMOOTHING = 16
"""Pieces of work that the mean of their duration is of, about."""


def give_way() -> None:
    """Let the calling thread, and those that it starts, compute only where the event loop does not.

    On Linux, where the priority is of a thread; elsewhere it is of the whole process, and stays.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)


class Pool:
    """Threads for everything that would hold up the event loop, with a bounded queue before them.

    Readers and writers have one each: changes that wait for a locked database hold up no search.
    """

    def __init__(
        self,
        *,
        workers: int,
        queue: int,
        wait_seconds: float | None = None,
        observe: Callable[[BaseException], None] | None = None,
    ) -> None:
        """`wait_seconds`: how long work waits for a thread before it is refused; `observe` hears what work raises."""
        self.queue = queue
        self._workers = workers
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="lookalike", initializer=give_way)
        self._mean_seconds = 0.0  # of work, lately
        self._places = workers + queue
        self._arriving = 0
        self._wait_seconds = wait_seconds
        self._observe = observe

    @property
    def busy(self) -> int:
        """Threads that are at work."""
        return min(self._workers, self._used_places)

    @property
    def waiting(self) -> int:
        """What waits for a thread."""
        return self._used_places - self.busy

    @property
    def _used_places(self) -> int:
        return self._workers + self.queue - self._places

    @property
    def full(self) -> bool:
        """Whether there is no place in the queue, or what takes one would probably wait in it for too long."""
        return self._is_full(self._used_places)

    @property
    def full_soon(self) -> bool:
        """Whether it will be full once the bodies are there that are on their way; never while a thread is free."""
        return self.busy == self._workers and self._is_full(self._used_places + self._arriving)

    def arrival(self) -> Callable[[], None]:
        """Count a request whose body is on its way, until the function is called that comes back.

        Nobody is waited for longer than ARRIVAL_SECONDS: a slow client keeps no place.
        """
        here = False

        def arrived() -> None:
            nonlocal here
            if not here:
                here = True
                timer.cancel()
                self._arriving -= 1

        self._arriving += 1
        timer = asyncio.get_running_loop().call_later(ARRIVAL_SECONDS, arrived)
        return arrived

    def _is_full(self, used_places: int) -> bool:
        """Too long is half of `wait_seconds`, so that hardly anything is refused after it has waited."""
        if used_places >= self._workers + self.queue:
            return True
        expected_seconds = max(0, used_places - self._workers) * self._mean_seconds / self._workers
        return self._wait_seconds is not None and expected_seconds > self._wait_seconds / 2

    def refuse_if_full(self) -> None:
        """Raises Refusal (overloaded) when the queue is full: before a body is read that nobody could look at."""
        if self.full:
            raise Refusal("overloaded")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run in a thread, from the event loop. What is logged there is of the same request.

        Raises Refusal (overloaded) at once when the queue is full, and when no thread was free in time.
        """
        self.refuse_if_full()
        self._places -= 1
        job = self._threads.submit(contextvars.copy_context().run, self._timed, partial(work, *args, **kwargs))
        outcome = asyncio.wrap_future(job)
        outcome.add_done_callback(self._release)  # when the thread is free again, whoever still waits for it
        try:
            if self._wait_seconds is not None:
                await asyncio.wait([outcome], timeout=self._wait_seconds)
                if not outcome.done() and job.cancel():
                    raise Refusal("overloaded")
            return await asyncio.shield(outcome)
        except asyncio.CancelledError:
            job.cancel()
            raise

    def close(self) -> None:
        """Wait for what is running."""
        self._threads.shutdown()

    def _timed(self, work: Callable[[], T]) -> T:
        began = perf_counter()
        try:
            return work()
        finally:  # of two threads that end at the same moment one may be lost, which a mean survives
            self._mean_seconds += (perf_counter() - began - self._mean_seconds) / SMOOTHING

    def _release(self, outcome: asyncio.Future[T]) -> None:
        self._places += 1
        if not outcome.cancelled() and (error := outcome.exception()) is not None and self._observe is not None:
            self._observe(error)


class UploadLimit:
    """ASGI middleware that stops reading a body at the limit, whatever length was announced.

    Starlette's own RequestBodyLimitMiddleware answers in plain text instead of raising.
    """

    def __init__(self, app: ASGIApp, limit_bytes: int, streamed: Collection[tuple[str, str]] = ()) -> None:
        """`streamed`: methods and paths of routes that never hold the whole body, and see to the limit of each part."""
        self._app = app
        self._limit_bytes = limit_bytes
        self._streamed = streamed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or operation_of(scope) in self._streamed:
            await self._app(scope, receive, send)
            return
        announced = int(Headers(scope=scope).get("content-length", 0))  # the server has seen to it that it is a number
        read = 0

        async def receive_within_limit() -> Message:
            nonlocal read
            if announced <= self._limit_bytes:
                message = await receive()
                read += len(message.get("body", b""))
                if read <= self._limit_bytes:
                    return message
            raise HTTPException(413)  # not a Refusal: while it reads a form, FastAPI makes any other exception a 400

        await self._app(scope, receive_within_limit, send)


def operation_of(scope: Scope) -> tuple[str, str]:
    """The method and the path, without the part of the path that is this server's place behind a proxy."""
    return scope["method"], scope["path"].removeprefix(scope.get("root_path", ""))


def has_body(scope: Scope) -> bool:
    """Whether a body comes with the request."""
    names = {name for name, value in scope["headers"] if value != b"0"}
    return b"content-length" in names or b"transfer-encoding" in names
