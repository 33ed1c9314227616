"""An answer of lines, each sent as soon as there is one, while the request may still be coming."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

HEARTBEAT_SECONDS = 15.0
"""Of silence, after which a blank is sent: proxies hang up where nothing comes, most of them after 60 seconds."""
BLANK = " "
"""Means nothing at the beginning of a line of JSON."""


class LineStream(StreamingResponse):
    """The lines of an iterator. They are made whether or not the client reads them yet.

    Most clients read nothing before they have sent all: if lines waited for being read, and reading the request for
    lines, both sides would wait for each other.
    """

    def __init__(self, lines: AsyncIterator[str], media_type: str) -> None:
        super().__init__(lines, headers={"X-Accel-Buffering": "no"}, media_type=media_type)  # nginx: send at once
        self._lines = lines

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Raises what the iterator raises; if that is before the first line, another answer can be given."""
        ready: asyncio.Queue[str | None] = asyncio.Queue()
        making = asyncio.create_task(self._make(ready))
        started = False
        try:
            async for text in _with_heartbeats(ready):
                if not started:
                    await self._start(send)
                    started = True
                await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
            await making
            if not started:
                await self._start(send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            making.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await making

    async def _make(self, ready: asyncio.Queue[str | None]) -> None:
        try:
            async for line in self._lines:
                ready.put_nowait(line)
        finally:
            ready.put_nowait(None)

    async def _start(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})


async def _with_heartbeats(ready: asyncio.Queue[str | None]) -> AsyncIterator[str]:
    """The lines that become ready, up to None, and a blank wherever the next one takes long."""
    while True:
        line = asyncio.ensure_future(ready.get())
        while not (await asyncio.wait([line], timeout=HEARTBEAT_SECONDS))[0]:
            yield BLANK
        text = line.result()
        if text is None:
            return
        yield text
