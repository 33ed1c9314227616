"""What one request, and all of them together, may take: bytes of a body, threads, places in the queue."""

import asyncio
import contextvars
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import Refusal

P = ParamSpec("P")
T = TypeVar("T")


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
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="lookalike")
        self._places = workers + queue
        self._wait_seconds = wait_seconds
        self._observe = observe

    @property
    def busy(self) -> int:
        """Threads that are at work."""
        return min(self._workers, self._taken)

    @property
    def waiting(self) -> int:
        """What waits for a thread."""
        return self._taken - self.busy

    @property
    def _taken(self) -> int:
        return self._workers + self.queue - self._places

    def refuse_if_full(self) -> None:
        """Raises Refusal (overloaded) when the queue is full: before a body is read that nobody could look at."""
        if self._places == 0:
            raise Refusal("overloaded")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run in a thread, from the event loop. What is logged there is of the same request.

        Raises Refusal (overloaded) at once when the queue is full, and when no thread was free in time.
        """
        self.refuse_if_full()
        self._places -= 1
        job = self._threads.submit(contextvars.copy_context().run, partial(work, *args, **kwargs))
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
        if scope["type"] != "http" or _operation(scope) in self._streamed:
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


def _operation(scope: Scope) -> tuple[str, str]:
    """The method and the path, without the part of the path that is this server's place behind a proxy."""
    return scope["method"], scope["path"].removeprefix(scope.get("root_path", ""))
