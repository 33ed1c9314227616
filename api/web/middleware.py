"""What every request and every answer passes through: a request id, headers, paths as sent, HEAD, and the 500."""

import logging
from random import getrandbits
from time import perf_counter

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem_response
from api.monitoring import logs
from api.monitoring.metrics import UNKNOWN
from api.state import state_of

logger = logging.getLogger(__name__)

GONE = 499
"""The status of a request whose client went away before all of it was read, as nginx counts it."""


class Envelope:
    """The outermost ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # No secret, so not from the operating system: each call to that may lose the interpreter to another thread.
        request_id = f"{getrandbits(128):032x}"
        scope.setdefault("state", {})["request_id"] = request_id
        # Routes match the path before it is decoded, so that an item's id may hold an escaped slash.
        scope["path"] = scope["raw_path"].decode("latin-1")
        token, began = logs.request_id.set(request_id), perf_counter()
        started, status = False, 500

        async def send_with_headers(message: Message) -> None:
            nonlocal started, status
            if message["type"] == "http.response.start":
                started, status = True, message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["X-Request-ID"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:  # nobody listens, so nothing is answered
            status = GONE
            logger.info("the client of request %s went away", request_id)
        except Exception:
            logger.exception("request %s failed", request_id)
            if started:
                raise  # half an answer is out: the server can only hang up
            await problem_response("internal_error", request_id)(scope, receive, send_with_headers)
        finally:
            _observe(scope, status, perf_counter() - began)
            logs.request_id.reset(token)


def _observe(scope: Scope, status: int, seconds: float) -> None:
    """Count and log a request by the name of its operation."""
    operation = getattr(scope.get("route"), "operation_id", None) or UNKNOWN
    state = state_of(scope)
    if state is not None:
        state.metrics.answered(operation, status, seconds)
    logs.answered(scope["method"], operation, status, seconds)


class HeadAsGet:
    """ASGI middleware: HEAD wherever GET is, answered as GET without a body (RFC 9110, section 9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_headers(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        # Another scope: the server knows by its own one that no body follows.
        await self._app({**scope, "method": "GET"}, receive, send_headers)
