"""The styles of a page as one file, and its scripts as another, so that a first visit needs few requests.

They are files of their own in static/css and static/js, which need no build step. A script is a module that imports
with `import { a, b } from "./other.js";` or `import "./other.js";`, one a line, and exports functions and constants.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from importlib import resources
from pathlib import Path, PurePosixPath
from posixpath import normpath

STATIC = Path(str(resources.files("frontend") / "static"))
IMPORT = re.compile(r'^import (?:\{ (?P<names>[^}]+) \} from )?"(?P<path>\.\.?/[\w./-]+)";\n', re.MULTILINE)
EXPORT = re.compile(
    r"^export (?=(?:async )?function (?P<function>\w+)|const (?P<constant>\w+)|const \[(?P<constants>[\w, ]+)\])",
    re.MULTILINE,
)
COMMENT = re.compile(r"^\s*(//.*|/\*\*.*\*/)\n", re.MULTILINE)
DIGEST_LENGTH = 16


class NoSuchAsset(ValueError):
    """A name that no style or script of the page has."""


def digest_of(content: bytes) -> str:
    """What stands in the address of a file, so that it changes with the content."""
    return sha256(content).hexdigest()[:DIGEST_LENGTH]


@lru_cache(maxsize=64)
def joined_styles(names: Sequence[str]) -> bytes:
    """These styles in one, in their order. Raises NoSuchAsset."""
    return b"\n".join(_read("css", f"{name}.css").encode() for name in names)


@lru_cache(maxsize=64)
def joined_scripts(names: Sequence[str]) -> bytes:
    """These scripts and all that they import as one module, each in a block of its own. Raises NoSuchAsset.

    A module comes after those that it imports. Raises ValueError for modules that import each other.
    """
    order: dict[str, str] = {}
    for name in names:
        _visit(f"{name}.js", order, ())
    numbers = {path: number for number, path in enumerate(order)}
    return "\n".join(_block(path, text, numbers) for path, text in order.items()).encode()


def _visit(path: str, order: dict[str, str], importers: tuple[str, ...]) -> None:
    if path in importers:
        raise ValueError(f"scripts import each other: {' -> '.join((*importers, path))}")
    if path in order:
        return
    text = _read("js", path)
    for each in IMPORT.finditer(text):
        _visit(_target(path, each["path"]), order, (*importers, path))
    order[path] = text


def _block(path: str, text: str, numbers: dict[str, int]) -> str:
    """A module as a block that puts what it exports into a constant, for those that import it."""

    def constants(found: re.Match[str]) -> str:
        return f"const {{ {found['names']} }} = m{numbers[_target(path, found['path'])]};\n" if found["names"] else ""

    exports = [name for each in EXPORT.finditer(text) for group in each.groups() if group for name in group.split(", ")]
    body = COMMENT.sub("", EXPORT.sub("", IMPORT.sub(constants, text)))
    if re.search(r"^(import|export)\b", body, re.MULTILINE):
        raise ValueError(f"static/js/{path} imports or exports in a way that cannot be joined")
    kept = f"const m{numbers[path]} = {{}};\n" if exports else ""
    end = f"Object.assign(m{numbers[path]}, {{ {', '.join(exports)} }});\n" if exports else ""
    return f"{kept}{{\n{body}{end}}}"


def _target(importer: str, path: str) -> str:
    return normpath(str(PurePosixPath(importer).parent / path))


def _read(kind: str, name: str) -> str:
    folder = STATIC / kind
    file = folder / name
    if file not in set(folder.rglob(f"*.{kind}")):  # no name leads out of the folder
        raise NoSuchAsset(f"There is no {kind}/{name}")
    return file.read_text(encoding="utf-8")
