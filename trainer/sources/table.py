"""A CSV of pictures: `path` or `url`, perhaps `label`, `id` and `part`; every other column is an attribute."""

import csv
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from trainer.errors import SourceError
from trainer.progress import Progress
from trainer.sources.base import PARTS, Listing, Part, Picture, Skipped, Value, stable_id
from trainer.sources.fetch.download import fetch_all

RESERVED = ("path", "url", "label", "id", "part")
TRUTHS = {"true": True, "yes": True, "false": False, "no": False}
NUMBER = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
"""What reads as a number. "007", "+49" and "1_000" are names."""


def read_csv(table: Path, cache: Path, progress: Progress | None = None) -> Listing:
    """The pictures that the rows of `table` name; those at a URL are downloaded once, into the folder `cache`.

    Relative paths start from the CSV's folder. A column whose every value reads as a truth value, a whole number or a
    number becomes one; an empty cell is an absent attribute. A row that names no file is skipped with its reason.
    Raises SourceError when the file is not such a CSV, names an unknown part, or when none of its rows can be used.
    """
    rows = _read(table)
    parts = [_part(table, number, row) for number, row in enumerate(rows, start=2)]
    fetched = fetch_all([row["url"] for row in rows if _remote(row)], cache, progress)
    attributes = _attributes(rows)
    pictures: list[Picture] = []
    skipped: list[Skipped] = []
    seen: set[str] = set()
    for number, (row, part, values) in enumerate(zip(rows, parts, attributes, strict=True), start=2):
        place = row.get("path") or row.get("url", "")
        found = fetched[place] if _remote(row) else _local(table, place)
        identity = row.get("id") or stable_id(place)
        where = f"{table.name}, row {number}: {place}"
        if isinstance(found, str):
            skipped.append(Skipped(where, found))
        elif identity in seen:
            skipped.append(Skipped(where, "an earlier row has the same picture or id"))
        else:
            seen.add(identity)
            pictures.append(Picture(identity, found, row.get("label"), values, part))
    if not pictures:
        first = skipped[0].reason if skipped else "it has no rows"
        raise SourceError(f"No picture of {table} can be used: {first}. Relative paths start from the CSV's folder.")
    return Listing(pictures, skipped)


def _read(table: Path) -> list[dict[str, str]]:
    """The rows as dicts of stripped text, with the columns checked."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            columns = [name.strip() for name in reader.fieldnames or []]
            reader.fieldnames = columns
            rows = [{name: text for name, cell in row.items() if name and (text := cell.strip())} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{table} cannot be read as a CSV in UTF-8: {error}") from error
    if "path" not in columns and "url" not in columns:
        raise SourceError(f"{table} needs a column path or url; its columns are {', '.join(columns) or 'missing'}.")
    doubled = {name for name in columns if name and columns.count(name) > 1}
    if doubled:
        raise SourceError(f"{table} has the column {sorted(doubled)[0]} more than once. Rename one of them.")
    return rows


def _remote(row: dict[str, str]) -> bool:
    return not row.get("path") and row.get("url", "").lower().startswith(("http://", "https://"))


def _local(table: Path, place: str) -> Path | str:
    """The file that a row names, or the reason why it cannot be used."""
    if not place:
        return "it names no path and no URL"
    path = (table.parent / place).absolute()
    try:
        return path if path.is_file() else "there is no such file"
    except OSError as error:  # a name that is too long, a folder that may not be entered
        return f"it cannot be looked up: {error.strerror}"


def _part(table: Path, number: int, row: dict[str, str]) -> Part | None:
    try:
        return PARTS[row["part"].lower()] if "part" in row else None
    except KeyError as error:
        raise SourceError(
            f"{table}, row {number}: the column part holds {row['part']}. It says which part of the publisher's split "
            "a picture is in: train, validation or test. If yours means something else, rename it."
        ) from error


def _attributes(rows: Sequence[dict[str, str]]) -> list[dict[str, Value]]:
    """Every other column, with the narrowest type that all its values have."""
    names = {name: None for row in rows for name in row if name not in RESERVED}
    readers = {name: _reader([row[name] for row in rows if name in row]) for name in names}
    return [{name: readers[name](row[name]) for name in names if name in row} for row in rows]


def _reader(values: Sequence[str]) -> Callable[[str], Value]:
    """The narrowest of truth value, whole number, finite number and text that reads every one of `values`."""
    for read in (_truth, _whole, _number):
        try:
            for value in values:
                read(value)
        except ValueError:
            continue
        return read
    return str


def _truth(text: str) -> bool:
    try:
        return TRUTHS[text.lower()]
    except KeyError as error:
        raise ValueError(text) from error


def _whole(text: str) -> int:
    if text != str(int(text)):
        raise ValueError(text)
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if not NUMBER.fullmatch(text) or not abs(value) < float("inf"):
        raise ValueError(text)
    return value
