"""What is left of a body is read before its connection is closed.

A request may be answered before all of its body has come, as when its key is wrong. Whoever sends while the connection
is closed gets a reset instead of the answer, and a proxy then says 502. So the answer goes out at once, all but its
end, and the rest of the body is read and forgotten, within bounds; then the answer ends.
"""

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.limits import has_body

DRAIN_BYTES = 64 << 20
DRAIN_SECONDS = 10.0
PAUSE_SECONDS = 2.0
"""Whoever has the answer and sends nothing for so long is not going to send the rest."""
REQUEST_TIMEOUT = 408


class Drain:
    """The outermost ASGI middleware. `limit_bytes`: of a body that is read for nothing."""

    def __init__(self, app: ASGIApp, *, limit_bytes: int = DRAIN_BYTES) -> None:
        self._app = app
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not has_body(scope):
            await self._app(scope, receive, send)
            return
        body = _Body(receive, scope)

        async def send_and_drain(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == REQUEST_TIMEOUT:
                body.ended = True  # whoever was waited for in vain is waited for no longer
            if (
                message["type"] == "http.response.start"
                and not body.ended
                and not body.may_be_drained(self._limit_bytes)
            ):
                # The connection cannot be used again, so the client should know that it ends here.
                MutableHeaders(scope=message)["Connection"] = "close"
            if message["type"] == "http.response.body" and not message.get("more_body", False) and not body.ended:
                await send({**message, "more_body": True})
                await body.drain(self._limit_bytes)
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        await self._app(scope, body.receive, send_and_drain)


class _Body:
    """The body of one request: how much of it is still to come."""

    def __init__(self, receive: Receive, scope: Scope) -> None:
        headers = Headers(scope=scope)
        self.ended = False
        self._receive = receive
        self._announced = int(length) if (length := headers.get("content-length", "")).isdecimal() else None
        self._waits = headers.get("expect", "").lower() == "100-continue"

    async def receive(self) -> Message:
        """The next part, for the application."""
        message = await self._receive()
        self._waits = False  # whoever waited for a word to go on has it now
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self.ended = True
        return message

    def may_be_drained(self, limit_bytes: int) -> bool:
        """Whether the rest will be read, and the connection may be used again."""
        return not self._waits and self._announced is not None and self._announced <= limit_bytes

    async def drain(self, limit_bytes: int) -> None:
        """Read what is left, but not for ever."""
        if self._waits:
            return  # it is not going to be sent
        read = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while not self.ended and read <= limit_bytes:
                    async with asyncio.timeout(PAUSE_SECONDS):
                        message = await self.receive()
                    read += len(message.get("body", b""))
