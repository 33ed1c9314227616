"""What is logged, and how: lines for people, or JSON for machines, each with the id of the request it is about.

A line never holds what was sent: no picture, no key, no Base64, no value of a query string.
"""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

REQUESTS = "api.requests"
OURS = ("api", "uvicorn")
"""Who may say what goes well, too. Others might say what was sent, as HTTP clients do with addresses."""

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Of the request that is answered, in the event loop and in the pool."""

requests = logging.getLogger(REQUESTS)


def configure(style: Literal["plain", "json"]) -> None:
    """Write to the standard error. A line for each request is for machines: in JSON only."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if style == "json" else PlainLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    # Each malformed form is told to whoever sent it; a line for each would let anybody fill the log.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    for talkative in OURS:
        logging.getLogger(talkative).setLevel(logging.INFO)
    requests.setLevel(logging.INFO if style == "json" else logging.WARNING)


def answered(method: str, operation: str, status: int, seconds: float) -> None:
    """Log a request that was answered, by the name of its operation: its address may hold what nobody should read."""
    fields = {"method": method, "operation": operation, "status": status, "milliseconds": round(1000 * seconds, 2)}
    requests.info("%s %d", operation, status, extra={"fields": fields})


class PlainLines(logging.Formatter):
    """Time, level, logger, and what is to be said."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        about = request_id.get()
        return line if about is None or about in line else f"{line} (request {about})"


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and request_id, error and fields where there are any."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (about := request_id.get()) is not None:
            line["request_id"] = about
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line | getattr(record, "fields", {}), ensure_ascii=False)
