"""One publisher at a time. A second one is told who the first is; it does not wait."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from trainer.errors import PublisherBusy

LOCK = "publish.lock"
HOLDER = "publish.holder"
"""Who holds the lock, for people. The lock itself goes with its process, however that ends."""


@contextmanager
def alone(artifacts: Path) -> Iterator[None]:
    """Nobody else changes what is live meanwhile. Raises PublisherBusy where somebody is doing so."""
    artifacts.mkdir(parents=True, exist_ok=True)
    holder = artifacts / HOLDER
    lock = FileLock(artifacts / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise PublisherBusy(
            f"Somebody else is publishing in {artifacts}: {_holder_text(holder)}. "
            "Nothing that is served was changed; try again when it is done."
        ) from None
    try:
        since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
        holder.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since}))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _holder_text(holder: Path) -> str:
    try:
        fields = json.loads(holder.read_text())
        return f"process {fields['pid']} on {fields['host']}, since {fields['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "a process that has just begun"
