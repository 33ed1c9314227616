"""The server's side of a connection: uvicorn's own, and what it leaves to a proxy that not everybody has.

The head of a request must come in time, and a connection on which a body was not sent to its end is not used again.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """`header_seconds`: for the head of a request, from when the connection is there or its first byte has come."""

    header_seconds: float

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_timer: asyncio.TimerHandle | None = None
        self._head_begun = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_begun = True
        if self._head_timer is None:  # else it is the connection's first request
            self._wait_for_head()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        if self.cycle.more_body and not self.pipeline:  # else it is the body of a later request
            self.transport.close()  # who sends it so slowly would keep the connection for ever
        super().on_response_complete()

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(self.header_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        self._head_begun = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            if self._head_begun and (self.cycle is None or self.cycle.response_complete):
                self.transport.write(TOO_SLOW)  # whoever has not said anything yet expects no answer
            self.transport.close()


def bounded(header_seconds: float) -> type[BoundedProtocol]:
    """The protocol with this bound, as uvicorn's configuration takes it."""
    return type("Bounded", (BoundedProtocol,), {"header_seconds": header_seconds})
