"""artifacts/PUBLISHED: which bundle went live when and why. Lines are added, never changed.

    20261122-171500-ab12 2026-11-22T17:20:31+00:00 run

A line is written just before CURRENT changes. So after a crash the last line may name a bundle that did not go live, or
be cut off: what is live is what CURRENT says, and the next line is preceded by one that says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from retrieval import bundle
from retrieval.durable import sync
from retrieval.errors import BundleMissing

Why = Literal["run", "learn", "publish", "forced", "rollback", "found"]
"""`found`: it was live without being the last that is written down."""

HISTORY = "PUBLISHED"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line."""

    bundle_id: str
    time: datetime
    why: Why


def read(artifacts: Path) -> list[Entry]:
    """All lines, oldest first. What a crash has cut off or spoilt is passed over."""
    try:
        text = (artifacts / HISTORY).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    *whole, _rest = text.split("\n")  # a line is whole once it is ended
    return [entry for line in whole if (entry := _parse(line))]


def append(artifacts: Path, bundle_id: str, why: Why) -> None:
    """Write down that a bundle is about to go live; durably once CURRENT is."""
    path, live, entries = artifacts / HISTORY, live_id(artifacts), read(artifacts)
    lines = [_line(bundle_id, why)]
    if live is not None and _succession(entries)[-1:] != [live]:
        lines.insert(0, _line(live, "found"))
    cut_off = path.exists() and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="ascii") as file:
        file.write("\n" * cut_off + "".join(lines))
    sync(path)


def before(artifacts: Path) -> str | None:
    """The bundle that was live before the live one and is still there; None if there is none.

    Whoever goes back twice comes two bundles back, not forward again.
    """
    live, succession = live_id(artifacts), _succession(read(artifacts))
    if live in succession:
        succession = _up_to(succession, live)
    earlier = (bundle_id for bundle_id in reversed(succession) if bundle_id != live)
    return next((bundle_id for bundle_id in earlier if bundle.bundle_path(artifacts, bundle_id).is_dir()), None)


def live_id(artifacts: Path) -> str | None:
    """What CURRENT says; None where nothing is published. Raises BundleDamaged where it cannot be read."""
    try:
        return bundle.current(artifacts)
    except BundleMissing:
        return None


def _succession(entries: Sequence[Entry]) -> list[str]:
    """The bundles that led to the live one, it last: publishing adds one, going back takes away."""
    ids: list[str] = []
    for entry in entries:
        if entry.why in ("rollback", "found") and entry.bundle_id in ids:
            ids = _up_to(ids, entry.bundle_id)
        elif ids[-1:] != [entry.bundle_id]:
            ids.append(entry.bundle_id)
    return ids


def _up_to(ids: list[str], last: str) -> list[str]:
    return ids[: len(ids) - ids[::-1].index(last)]


def _line(bundle_id: str, why: Why) -> str:
    return f"{bundle_id} {datetime.now(UTC).isoformat(timespec='seconds')} {why}\n"


def _parse(line: str) -> Entry | None:
    try:
        bundle_id, time, why = line.split(" ")
        if why not in get_args(Why) or not bundle_id.isprintable():
            return None
        return Entry(bundle_id, datetime.fromisoformat(time), why)  # type: ignore[arg-type]  # checked above
    except ValueError:
        return None
