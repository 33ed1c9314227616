"""Everything that lies in a folder: pictures, what cannot be used and why, and how many other files of each kind."""

import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from retrieval.errors import UnsupportedFormat
from retrieval.images import EXTENSIONS
from retrieval.images.foreign import RAW
from retrieval.images.formats import PNM, format_of
from trainer.sources.base import Skipped, as_text
from trainer.sources.folder import system

HEAD_BYTES = 4096
MAX_KINDS, MAX_NAMES = 6, 4  # of files that are ignored, in a message
_ENDING = re.compile(r"\.[a-z0-9_~-]{1,12}")
LINK = "a link to a folder is not followed; name that folder itself"


@dataclass(slots=True)
class Contents:
    """What lies in a folder. Every file below it is in one of the three."""

    pictures: list[Path] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    """How many files of each kind have nothing to do with pictures, by their ending."""
    system: Counter[str] = field(default_factory=Counter)
    """How many hidden and system files there are, by the name of the folder or file that makes them such."""

    def describe_ignored(self) -> str:
        """The kinds and their counts, such as "12 hidden or system files (@eaDir, Thumbs.db), 3 .txt"."""
        kinds = [f"{count} {kind}" for kind, count in self.ignored.most_common(MAX_KINDS)]
        if rest := self.ignored.total() - sum(count for _, count in self.ignored.most_common(MAX_KINDS)):
            kinds.append(f"{rest} of other kinds")
        if count := self.system.total():
            names = [as_text(name) for name, _ in self.system.most_common(MAX_NAMES + 1)]
            text = ", ".join(names[:MAX_NAMES]) + (", ..." if len(names) > MAX_NAMES else "")
            kinds.insert(0, f"{count} hidden or system {'files' if count > 1 else 'file'} ({text})")
        return ", ".join(kinds)


def walk(root: Path) -> Contents:
    """Look at every file below `root`, in a stable order: those of a folder, then its folders, by name.

    What cannot be opened is skipped with its reason; nothing is fatal, and no link leads out of or around in a folder.
    """
    contents = Contents()
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        folders: list[Path] = []
        for entry in _entries(folder, contents):
            path = folder / entry.name
            if not _is_folder(entry):
                _look_at(path, contents)
            elif system.is_system_folder(entry.name):
                contents.system[entry.name] += sum(len(files) for _, _, files in os.walk(path))
            elif entry.is_symlink():
                contents.skipped.append(Skipped(str(path), LINK))
            elif entry.name.lower().endswith(system.LIBRARIES):
                contents.skipped.append(Skipped(str(path), "a photo library; export its originals into a folder"))
            else:
                folders.append(path)
        waiting += reversed(folders)
    return contents


def _entries(folder: Path, contents: Contents) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        contents.skipped.append(Skipped(str(folder), error.strerror or str(error)))
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _look_at(path: Path, contents: Contents) -> None:
    name, ending = path.name, path.suffix.lower()
    if name.startswith(".") and ending == ".icloud":
        reason: str | None = "it is in iCloud only; download it in the Finder first"
    elif system.is_system_file(name):
        contents.system["._*" if name.startswith("._") else ending if ending in system.SIDECARS else name] += 1
        return
    elif not path.is_file():
        reason = "it is not a file"
    else:
        reason = _fault(ending) or (None if ending in EXTENSIONS else _content_fault(path, ending))
    if reason is None:
        contents.pictures.append(path)
    elif reason:
        contents.skipped.append(Skipped(str(path), reason))
    else:
        contents.ignored[ending if _ENDING.fullmatch(ending) else "without an ending"] += 1


def _fault(ending: str) -> str | None:
    """Why a file with this ending is not looked into."""
    if ending in system.UNFINISHED:
        return "an unfinished download or a temporary file, by its ending"
    if ending in system.RAW:
        return RAW
    return None


def _content_fault(path: Path, ending: str) -> str | None:
    """Why a file without the ending of a picture cannot be used: None where it is a picture, "" where it is none.

    A text may begin as a PNM does ("P1 "), so that one must have no ending at all.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        kind = format_of(head)
    except OSError as error:
        return error.strerror or str(error)
    except UnsupportedFormat as error:
        return str(error) if ending in system.OTHER_PICTURES else ""
    return "" if kind is PNM and ending else None
