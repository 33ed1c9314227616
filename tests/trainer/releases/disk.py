"""What a power cut may leave of a publisher's work: a model of a file system, fed with what the publisher did.

The model promises no more than POSIX does. The content of a file is safe once the file has been synced, the entries of
a folder once the folder has been; all else may be there or not, each piece by itself: a new file may be empty, half
written or full of zeros, a rename may not have happened, or its target may be there besides its source.

SQLite makes its own syncs, in C, where they are not seen. What it promises is taken for granted: a file that it opens
under its final name, and its log, are on disk as they are, and after a crash hold all of a transaction or nothing. Not
so what others wrote before and did not sync: such a file stays unsafe. A vector store that is still a draft is a file
like any other.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from tests.trainer.releases.shim import Operation

Tree = Mapping[str, bytes | None]
"""What is below a folder: the content of each file, None for a folder."""
Loss = Literal["empty", "half", "zeros"]
LOSSES: tuple[Loss, ...] = ("empty", "half", "zeros")
SQLITE_LOGS = ("-wal", "-shm", "-journal")
UNSYNCED = ("publish.lock", "publish.holder")
"""Worth nothing once the process is gone."""


@dataclass(frozen=True)
class Node:
    """One file or folder as it is at a moment. `number` is its inode's."""

    number: int
    content: bytes | None


Moment = Mapping[str, Node]
"""What is below the folder at one moment, by relative path; "" is the folder itself."""


@dataclass
class Recording:
    """The operations of one publisher; `moments[i]` is how things were before operation i, the last how they ended."""

    operations: list[Operation] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)


def look(folder: Path) -> Moment:
    """How things are now."""
    result = {"": Node(folder.stat().st_ino, None)}
    for path in sorted(folder.rglob("*")):
        content = None if path.is_dir() else path.read_bytes()
        result[path.relative_to(folder).as_posix()] = Node(path.stat().st_ino, content)
    return result


@dataclass
class Disk:
    """What is safe, by the number that stands for a node: the contents of files and the entries of folders."""

    contents: dict[int, bytes] = field(default_factory=dict)
    entries: dict[int, dict[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """Something that is not safe yet: a file's content (`name` is None), or one entry of a folder."""

    node: int
    name: str | None


def crashes(recording: Recording, *, without: int | None = None) -> Iterator[tuple[bool, Tree]]:
    """Every state of the disk that is tried, last moments first, and whether the publisher had returned by then.

    `without` is the number of an fsync that is left out. At each moment: nothing unsafe has reached the disk; all of it
    has; all but one piece; only one piece; all entries and no content; all content and no entry.
    """
    moments = _numbered(recording)
    disks = _safe(recording.operations, moments, without)
    managed = _managed(recording.operations, moments, disks)
    for at in reversed(range(len(moments))):
        now, disk = moments[at], disks[at]
        changes = _changes(now, disk, managed[at])
        finished = at == len(moments) - 1
        contents = {change for change in changes if change.name is None}
        choices = [set(), set(changes), contents, set(changes) - contents]
        choices += [set(changes) - {change} for change in changes] + [{change} for change in changes]
        earlier_states: set[frozenset[Change]] = set()
        for kept in map(frozenset, choices):
            if kept in earlier_states:
                continue
            earlier_states.add(kept)
            for loss in LOSSES if contents - kept else LOSSES[:1]:
                yield finished, _left(now, disk, frozenset(changes), kept, loss)


def build(tree: Tree, folder: Path) -> None:
    """Make it real."""
    folder.mkdir()
    for name, content in sorted(tree.items()):
        if content is None:
            (folder / name).mkdir()
        else:
            (folder / name).write_bytes(content)


def _numbered(recording: Recording) -> list[dict[str, Node]]:
    """The moments with numbers that are never used twice, as those of inodes are."""
    numbers: dict[int, int] = {}  # of the inodes that exist
    moments, following = [], 0
    for moment in recording.moments:
        numbers = {inode: numbers[inode] for inode in {node.number for node in moment.values()} & numbers.keys()}
        for node in moment.values():
            if node.number not in numbers:
                numbers[node.number] = following
                following += 1
        moments.append({path: Node(numbers[node.number], node.content) for path, node in moment.items()})
    return moments


def _safe(operations: Sequence[Operation], moments: Sequence[Mapping[str, Node]], without: int | None) -> list[Disk]:
    """What is safe at each moment. At the first, everything is."""
    disk = Disk()
    for path, node in moments[0].items():
        _sync(disk, moments[0], path, node)
    disks = [disk]
    for at, operation in enumerate(operations):
        disk = Disk(dict(disk.contents), dict(disk.entries))
        node = moments[at].get(operation.path if operation.path != "." else "")
        if operation.kind == "fsync" and at != without and node:
            _sync(disk, moments[at], operation.path, node)
        disks.append(disk)
    return disks


def _sync(disk: Disk, moment: Mapping[str, Node], path: str, node: Node) -> None:
    if node.content is None:
        disk.entries[node.number] = {name: child.number for name, child in _children(moment, path)}
    else:
        disk.contents[node.number] = node.content


def _children(moment: Mapping[str, Node], folder: str) -> Iterator[tuple[str, Node]]:
    for path, node in moment.items():
        if path and os.path.dirname(path) == folder:  # noqa: PTH120
            yield os.path.basename(path), node  # noqa: PTH119


def _is_nobodys(files: frozenset[str], path: str) -> bool:
    return path in UNSYNCED or _of_sqlite(path, files)


def _managed(
    operations: Sequence[Operation], moments: Sequence[Mapping[str, Node]], disks: Sequence[Disk]
) -> list[Callable[[str], bool]]:
    """At each moment: which paths are SQLite's own business, or nobody's."""
    opened: set[str] = set()
    result: list[Callable[[str], bool]] = []
    for at, operation in enumerate([*operations, Operation("end", "")]):
        files = frozenset(opened)
        result.append(partial(_is_nobodys, files))
        if operation.kind == "connect" and not operation.path.endswith(".part"):
            node = moments[at].get(operation.path)
            if node is None or node.content == disks[at].contents.get(node.number):
                opened.add(operation.path)
    return result


def _of_sqlite(path: str, files: frozenset[str]) -> bool:
    return any(path in (file, *(file + end for end in SQLITE_LOGS)) for file in files)


def _changes(now: Mapping[str, Node], disk: Disk, managed: Callable[[str], bool]) -> list[Change]:
    """All that is not safe."""
    result = []
    for path, node in now.items():
        if node.content is not None:
            if node.content != disk.contents.get(node.number) and not managed(path):
                result.append(Change(node.number, None))
            continue
        current, safe = dict(_children(now, path)), disk.entries.get(node.number, {})
        for name in sorted(current.keys() | safe.keys()):
            whole = f"{path}/{name}" if path else name
            same = name in current and safe.get(name) == current[name].number
            # The entry of a file that SQLite opens was made by whoever renamed it there; those of its logs are its own.
            own = managed(whole) and (whole.endswith(SQLITE_LOGS) or whole in UNSYNCED or "/" not in whole)
            if not same and not own:
                result.append(Change(node.number, name))
    return result


def _left(
    now: Mapping[str, Node], disk: Disk, changes: frozenset[Change], kept: frozenset[Change], loss: Loss
) -> dict[str, bytes | None]:
    """The tree in which of all unsafe changes only those are there that are kept."""
    contents = {node.number: node.content for node in now.values()}
    current = {node.number: dict(_children(now, path)) for path, node in now.items() if node.content is None}
    tree: dict[str, bytes | None] = {}

    def fill(number: int, path: str) -> None:
        safe = disk.entries.get(number, {})
        here = {name: node.number for name, node in current.get(number, {}).items()}
        for name in here.keys() | safe.keys():
            change = Change(number, name)
            state = safe if change in changes and change not in kept else here if number in current else safe
            if name not in state:
                continue
            child, whole = state[name], f"{path}/{name}" if path else name
            if child in current or child in disk.entries:
                tree[whole] = None
                fill(child, whole)
            else:
                lost = Change(child, None) in changes and Change(child, None) not in kept
                written = contents.get(child)
                old = disk.contents.get(child)
                tree[whole] = _spoilt(written or b"", old, loss) if lost else (written if written is not None else old)
                if tree[whole] is None:
                    tree[whole] = b""

    fill(now[""].number, "")
    return tree


def _spoilt(written: bytes, old: bytes | None, loss: Loss) -> bytes:
    """What is there of a file whose content was lost."""
    if old is not None:
        return old
    return {"empty": b"", "half": written[: len(written) // 2], "zeros": bytes(len(written))}[loss]
