"""Links that answers hold: behind a proxy they begin with its path for this server, and any proxy takes their length.

A value that would make a link too long, such as a filter of many values, stays in the memory of this process, and the
link has a name in its place. A request may send the name instead of the value, for a day after it was last used.
"""

import base64
import json
import re
import secrets
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import Refusal, problem_response

MAX_LINK = 2000  # characters of a link, from its path on
MAX_CURSOR = 1000  # characters
MAX_UNPACKED = 200_000  # bytes of a cursor's content
STORED_FIELDS = ("cursor", "exclude", "filter", "group_by", "order")
"""The parameters whose values may be stored."""
LINKED_PATHS = ("/items", "/search")
NAME = re.compile(r"~[A-Za-z0-9_-]{22}")

STORED_SECONDS = 24 * 60 * 60
MAX_STORED_BYTES = 64_000_000
EXPIRED = "{field}: what this short name stands for is not stored any more; begin again from the first page."

root_path: ContextVar[str] = ContextVar("root_path", default="")
"""Of the request that is answered, in the event loop and in the pools: empty, or such as /lookalike/api."""


class LongValues:
    """Texts by short names; the least lately used are forgotten first. Safe to use from many threads."""

    def __init__(
        self,
        *,
        max_bytes: int = MAX_STORED_BYTES,
        seconds: float = STORED_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._clock = clock
        self._key = secrets.token_bytes(32)  # so that nobody can work out the name of another client's filter
        self._values: OrderedDict[str, tuple[float, bytes]] = OrderedDict()  # when it was last used, and the text
        self._bytes = 0
        self._lock = threading.Lock()

    def store(self, text: str) -> str:
        """The name of a text, which is stored from now on."""
        data = text.encode()
        digest = blake2b(data, key=self._key, digest_size=16).digest()
        name = "~" + base64.urlsafe_b64encode(digest).decode().rstrip("=")
        with self._lock:
            self._forget(name)
            self._values[name] = (self._clock(), data)
            self._bytes += len(data)
            while self._bytes > self._max_bytes or self._is_old():
                self._forget(next(iter(self._values)))
        return name

    def read(self, name: str) -> str | None:
        """The text of a name; None where it is not stored any more."""
        with self._lock:
            while self._is_old():
                self._forget(next(iter(self._values)))
            if name not in self._values:
                return None
            _, data = self._values[name]
            self._values[name] = (self._clock(), data)
            self._values.move_to_end(name)
        return data.decode()

    def _is_old(self) -> bool:
        """Whether the text that was not used for the longest time is too old."""
        used, _ = next(iter(self._values.values()), (self._clock(), b""))
        return used + self._seconds < self._clock()

    def _forget(self, name: str) -> None:
        _, data = self._values.pop(name, (0, b""))
        self._bytes -= len(data)


_long_values: ContextVar[LongValues | None] = ContextVar("long_values", default=None)


def link(path: str, fields: Mapping[str, object] | None = None) -> str:
    """The link to a path of this server, such as /items, with these parameters, for whoever sent the request."""
    texts = {name: str(value) for name, value in (fields or {}).items()}
    start, values = root_path.get() + path, _long_values.get()
    text = f"{start}?{urlencode(texts)}" if texts else start
    while values is not None and len(text) > MAX_LINK:
        lengths = {name: len(urlencode({name: texts[name]})) for name in STORED_FIELDS if name in texts}
        longest = max(lengths, key=lambda name: lengths[name], default="")
        if not longest or NAME.fullmatch(texts[longest]):
            break
        texts[longest] = values.store(texts[longest])
        text = f"{start}?{urlencode(texts)}"
    return text


def write_cursor(content: list[Any]) -> str:
    """What JSON can hold, in characters that need no escape in a link, or the name of those where they are many."""
    packed = zlib.compress(json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    text = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    values = _long_values.get()
    return values.store(text) if values is not None and len(text) > MAX_CURSOR else text


def read_cursor(text: str) -> Any:
    """What `write_cursor` wrote, or an earlier version, which did not pack it.

    Raises ValueError for anything else, Refusal (cursor_expired) for a name that stands for nothing any more.
    """
    text = resolve("cursor", text)
    data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if not data.startswith(b"["):
        stream = zlib.decompressobj()
        try:
            data = stream.decompress(data, MAX_UNPACKED)
        except zlib.error as error:
            raise ValueError("not packed") from error
        if not stream.eof:
            raise ValueError("not all there, or too long")
    try:
        return json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def resolve(field: str, text: str) -> str:
    """The text itself or, where it is the name of a stored one, that one. Raises Refusal (cursor_expired)."""
    values = _long_values.get()
    if values is None or field not in STORED_FIELDS or not NAME.fullmatch(text):
        return text
    stored = values.read(text)
    if stored is None:
        raise Refusal("cursor_expired", EXPIRED.format(field=field))
    return stored


class ShortLinks:
    """ASGI middleware: links of answers may be short, and query strings of requests get what their names stand for."""

    def __init__(self, app: ASGIApp, values: LongValues) -> None:
        self._app = app
        self._values = values

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        token = _long_values.set(self._values)
        try:
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            if scope["method"] == "GET" and path in LINKED_PATHS and scope["query_string"]:
                try:
                    scope["query_string"] = _with_values(scope["query_string"])
                except Refusal as refusal:
                    answer = problem_response(refusal.code, scope["state"]["request_id"], refusal.detail)
                    await answer(scope, receive, send)
                    return
            await self._app(scope, receive, send)
        finally:
            _long_values.reset(token)


def _with_values(query: bytes) -> bytes:
    """A query string with what its names stand for. Raises Refusal (cursor_expired)."""
    if b"~" not in query and b"%7e" not in query.lower():
        return query
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    resolved = [(field, resolve(field, text)) for field, text in pairs]
    return urlencode(resolved).encode() if resolved != pairs else query
