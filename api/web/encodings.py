"""Bodies that come compressed (Content-Encoding): unpacked as they are read, within the limits of plain ones.

As an ASGI middleware outside of `UploadLimit`, so that its limit is of what is unpacked.
"""

import asyncio
import zlib

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import Refusal, problem_response

GZIP_BITS, ZLIB_BITS, RAW_BITS = 31, 15, -15
"""What zlib calls the formats: gzip; "deflate" as RFC 9110 means it; and as some clients send it."""
CODINGS = {"gzip": GZIP_BITS, "x-gzip": GZIP_BITS, "deflate": ZLIB_BITS}
STEP_BYTES = 65_536
"""Unpacked at a time."""
MAX_RATIO = 200
FREE_BYTES = 1_000_000
"""A body may unpack to this, and beyond it to `MAX_RATIO` bytes for each one that came."""

UNKNOWN_CODING = "Content-Encoding: only gzip and deflate are read here, one of them; or send the body as it is."
NOT_PACKED = "The body is not what its Content-Encoding says; pack it again, or send it as it is."
CUT_SHORT = "The body ends before its Content-Encoding does; send all of it."
BOMB = "The body unpacks to far more than it is; send it as it is."


class ContentDecoding:
    """Unpacks gzip and deflate, and refuses every other coding."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        text = Headers(scope=scope).get("content-encoding", "") if scope["type"] == "http" else ""
        codings = [coding for coding in text.lower().replace(",", " ").split() if coding != "identity"]
        coding = ", ".join(codings)
        if not codings:
            await self._app(scope, receive, send)
        elif coding in CODINGS:
            # What is announced is the length of what came, which bounds nothing.
            packed = (b"content-encoding", b"content-length")
            scope["headers"] = [(name, value) for name, value in scope["headers"] if name.lower() not in packed]
            await self._app(scope, _Unpacked(receive, CODINGS[coding]).receive, send)
        else:
            headers = {"Accept-Encoding": "gzip, deflate"}  # RFC 9110, section 12.5.3
            refusal = problem_response("unsupported_body", scope["state"]["request_id"], UNKNOWN_CODING, headers)
            await refusal(scope, receive, send)


class _Unpacked:
    """A body that is unpacked while it is read."""

    def __init__(self, receive: Receive, bits: int) -> None:
        self._receive = receive
        self._bits = bits
        self._packed = b""
        self._stream: zlib._Decompress | None = None
        self._came = self._unpacked = 0
        self._all_came = self._ended = False

    async def receive(self) -> Message:
        """As ASGI's. Raises Refusal: unparseable, too_many_bytes."""
        while not self._ended:
            if data := self._step():
                await asyncio.sleep(0)  # others have their turn
                return {"type": "http.request", "body": data, "more_body": True}
            if self._all_came:
                if self._stream is not None and not self._stream.eof:
                    raise Refusal("unparseable", CUT_SHORT)
                self._ended = True
                return {"type": "http.request", "body": b"", "more_body": False}
            message = await self._receive()
            if message["type"] != "http.request":
                return message
            self._packed += message.get("body", b"")
            self._came += len(message.get("body", b""))
            self._all_came = not message.get("more_body", False)
        return await self._receive()

    def _step(self) -> bytes:
        """Some of what can be unpacked by now; nothing where more must come first."""
        data = b""
        while self._packed and not data:
            if self._stream is None or self._stream.eof:  # gzip may be several files in a row
                self._stream = zlib.decompressobj(self._format())
            try:
                data = self._stream.decompress(self._packed, STEP_BYTES)
            except zlib.error as error:
                raise Refusal("unparseable", NOT_PACKED) from error
            rest = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            if not data and not self._stream.eof and len(rest) == len(self._packed):
                break
            self._packed = rest
        self._unpacked += len(data)
        if self._unpacked > FREE_BYTES + MAX_RATIO * self._came:
            raise Refusal("too_many_bytes", BOMB)
        return data

    def _format(self) -> int:
        """How the stream that begins here is packed: "deflate" has a header of two bytes, or none."""
        has_header = self._packed[0] & 0x0F == 8 and int.from_bytes(self._packed[:2].ljust(2, b"\0"), "big") % 31 == 0
        return RAW_BITS if self._bits == ZLIB_BITS and not has_header else self._bits
