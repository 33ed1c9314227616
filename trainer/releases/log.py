"""artifacts/PUBLISHED: which bundle went live when and why. Lines are added, never changed.

Where the database says what is live, it has these entries, after those that the file has from before.

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
from retrieval.bundle import open_library
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
    with open_library(artifacts) as library:
        releases = library.releases()
        shared = [(each.bundle_id, each.created, each.why) for each in releases.entries()] if releases else []
    return [*_read_file(artifacts), *(Entry(name, time, _why(why)) for name, time, why in shared)]


def _read_file(artifacts: Path) -> list[Entry]:
    try:
        text = (artifacts / HISTORY).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    *whole, _rest = text.split("\n")  # a line is whole once it is ended
    return [entry for line in whole if (entry := _parse(line))]


def append(artifacts: Path, bundle_id: str, why: Why) -> None:
    """Write down that a bundle is about to go live; durably once CURRENT is."""
    path, live, entries = artifacts / HISTORY, live_id(artifacts), read(artifacts)
    added: list[tuple[str, Why]] = [(bundle_id, why)]
    if live is not None and _succession(entries)[-1:] != [live]:
        added.insert(0, (live, "found"))
    with open_library(artifacts) as library:
        releases = library.releases()
        if releases is not None:
            releases.append(added)
            return
    cut_off = path.exists() and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="ascii") as file:
        file.write("\n" * cut_off + "".join(_line(*each) for each in added))
    sync(path)


def before(artifacts: Path) -> str | None:
    """The bundle that was live before the live one and is still there; None if there is none.

    Whoever goes back twice comes two bundles back, not forward again.
    """
    live, succession = live_id(artifacts), _succession(read(artifacts))
    if live in succession:
        succession = _up_to(succession, live)
    there = set(bundle.all_ids(artifacts))
    return next((each for each in reversed(succession) if each != live and each in there), None)


def live_id(artifacts: Path) -> str | None:
    """What CURRENT or the database says; None where nothing is published. Raises BundleDamaged, CatalogueError."""
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
        return Entry(bundle_id, datetime.fromisoformat(time), _why(why)) if bundle_id.isprintable() else None
    except ValueError:
        return None


def _why(text: str) -> Why:
    """Raises ValueError."""
    return get_args(Why)[get_args(Why).index(text)]  # type: ignore[no-any-return]  # one of them
