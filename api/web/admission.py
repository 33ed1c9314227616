"""Which requests are let in: decided before anything else is done for them, and again when their bodies are there.

Whoever comes while the queue is full, or will be once the bodies are there that are on their way, is refused at once,
by the head of the request alone. All others send their bodies first, which are read whole, within bounds of bytes and
of time: a slow client takes no place in the queue and keeps no thread. Only then is it seen again whether there is a
place, and only then is anything parsed.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem_response
from api.limits import Pool, has_body, operation_of
from api.state import state_of

MIN_BYTES_PER_SECOND = 1000
"""A body may take `body_seconds`, and a second more for so many bytes of it."""
GONE: Message = {"type": "http.disconnect"}


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of bodies that are read whole: bytes of one and of all that are read at a time; the longest pause in one."""

    one_bytes: int
    all_bytes: int
    body_seconds: float


class Admission:
    """ASGI middleware. It answers, or lets the request through with a body that is there."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        bounds: Bounds,
        pools: Mapping[tuple[str, str], tuple[APIRoute, str]],
        streamed: Collection[tuple[str, str]],
    ) -> None:
        """`pools`: by method and path, the routes that need a thread, and the name of its pool in AppState.

        `streamed`: methods and paths of routes that read their bodies bit by bit.
        """
        self._app = app
        self._pools = pools
        self._streamed = streamed
        self._reading = _Reading(bounds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        operation, pool, arrived = operation_of(scope), None, _nothing
        if operation in self._pools and (state := state_of(scope)) is not None:
            route, name = self._pools[operation]
            pool = getattr(state, name)
            if pool.full_soon:
                scope["route"] = route  # metrics count by it
                await problem_response("overloaded", scope["state"]["request_id"])(scope, receive, send)
                return
        if operation in self._streamed:
            receive = _Patient(receive, self._reading.bounds.body_seconds).receive
        elif has_body(scope):
            arrived = _nothing if pool is None else pool.arrival()
            receive = _Whole(receive, self._reading, pool, arrived).receive
        try:
            await self._app(scope, receive, send)
        finally:
            arrived()


def _nothing() -> None:
    """For a request that no pool waits for."""


class _Reading:
    """What is held of all bodies that are being read."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.held_bytes = 0


class _Patient:
    """A body that is read bit by bit: who pauses for too long counts as gone."""

    def __init__(self, receive: Receive, seconds: float) -> None:
        self._receive = receive
        self._seconds = seconds

    async def receive(self) -> Message:
        """As ASGI's."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._receive()
        except TimeoutError:
            return GONE


class _Whole:
    """A body that comes in one message, once all of it is there."""

    def __init__(self, receive: Receive, reading: _Reading, pool: Pool | None, arrived: Callable[[], None]) -> None:
        self._receive = receive
        self._reading = reading
        self._pool = pool
        self._arrived = arrived
        self._read = False

    async def receive(self) -> Message:
        """As ASGI's. Raises HTTPException: 408, 413, 503; FastAPI makes any other exception a 400 in a form."""
        if self._read:
            return await self._receive()
        self._read = True
        parts: list[bytes] = []
        try:
            disconnected = await self._collect(parts)
        finally:
            self._reading.held_bytes -= sum(map(len, parts))
            self._arrived()
        if disconnected is not None:
            return disconnected
        if self._pool is not None and self._pool.full:
            raise HTTPException(503)
        return {"type": "http.request", "body": b"".join(parts), "more_body": False}

    async def _collect(self, parts: list[bytes]) -> Message | None:
        """All parts; or the message that the client is gone. Raises HTTPException."""
        try:
            async with asyncio.timeout(None) as patience:
                return await self._collect_in_time(parts, patience)
        except TimeoutError:
            raise HTTPException(408, headers={"Connection": "close"}) from None

    async def _collect_in_time(self, parts: list[bytes], patience: asyncio.Timeout) -> Message | None:
        bounds, clock, size = self._reading.bounds, asyncio.get_running_loop().time, 0
        began = clock()
        while True:
            end = began + bounds.body_seconds + size / MIN_BYTES_PER_SECOND
            patience.reschedule(min(end, clock() + bounds.body_seconds))
            message = await self._receive()
            if message["type"] != "http.request":
                return message
            part = message.get("body", b"")
            parts.append(part)
            size += len(part)
            self._reading.held_bytes += len(part)
            if size > bounds.one_bytes:
                raise HTTPException(413)
            if not message.get("more_body", False):
                return None
            if self._reading.held_bytes > bounds.all_bytes:
                raise HTTPException(503)
