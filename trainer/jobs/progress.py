"""How a command tells the worker that has started it how far it is: a small file, replaced at most twice a second."""

import json
import os
import time
from pathlib import Path

SETTING = "LOOKALIKE_PROGRESS_FILE"
SECONDS = 0.5

_written: list[float] = []
"""When it was written last."""


def tell_worker(step: str, done: int, total: int) -> None:
    """Write the step, and how much of it is done, where a worker looks; nothing where no worker does."""
    path = os.environ.get(SETTING)
    if path is None or (done and _written and time.monotonic() - _written[0] < SECONDS):
        return
    _written[:] = [time.monotonic()]
    draft = Path(f"{path}.new")
    draft.write_text(json.dumps([step, done, total]), encoding="utf-8")
    draft.replace(path)


def read_progress(path: Path) -> tuple[str | None, int | None, int | None]:
    """What was told last: the step, and how much of it is done of how much, None where that is not known."""
    try:
        step, done, total = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None, None, None
    return str(step), (int(done) if total else None), int(total) or None
