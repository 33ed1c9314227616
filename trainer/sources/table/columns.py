"""The header of a CSV: which column is which, and what names are too near to one of ours to be left alone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from retrieval.text import normal
from trainer.errors import SourceError
from trainer.sources.table.places import is_picture_name

_OTHER_SEPARATORS = re.compile(r"[\s:^~\x01\x1e\x1f\uff1b\uff0c]+")
RESERVED = ("path", "url", "label", "id", "part")
NEAR = {
    "path": "paths file files filename filepath file_name file_path image images image_file image_name image_path "
    "imagepath img img_path location picture pictures photo",
    "url": "image_url img_url link href src uri picture_url photo_url urls",
    "label": "labels class classes class_name category categories target tag species breed",
    "id": "identifier item_id image_id sku product_id uuid",
}
"""What other tools call our columns, in lower case."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of the columns by position, "" for those without one: ours in lower case, others as they are."""

    names: Sequence[str]
    notes: Sequence[str] = ()


def is_header(cells: Sequence[str]) -> bool:
    """Whether these cells name a column of places."""
    return not {"path", "url"}.isdisjoint(normal(cell).lower() for cell in cells)


def read_columns(table: Path, header: Sequence[str], header_line: int | None = None) -> Columns:
    """The columns that a header names. Raises SourceError when no column says where pictures are, or two are one.

    `header_line` is a later line that reads like the names of columns, where there is one: it helps to mend the table.
    """
    names = [_name(cell) for cell in header]
    if not any(names):
        raise SourceError(f"{table} is empty. It needs a first line with the names of its columns, such as path,label.")
    if "path" not in names and "url" not in names:
        above = f" Line {header_line} names the columns: take off what stands above it." if header_line else ""
        advice = _advice(names) or above
        text = ", ".join(filter(None, names))
        raise SourceError(f"{table} needs a column path or url; its columns are {text}.{advice}")
    doubled = sorted({name for name in names if name and names.count(name) > 1})
    if doubled:
        written = " and ".join(dict.fromkeys(normal(c) for c in header if _name(c) == doubled[0]))
        as_written = f" ({written})" if written != doubled[0] else ""
        raise SourceError(f"{table} has the column {doubled[0]} more than once{as_written}. Rename one of them.")
    notes = []
    joined = next((name for name in names if len(re.split("[,;\t|]", name)) > 1), None)
    if joined:
        notes.append(f"The column {joined} looks like several: its first line mixes separators.")
    if "label" not in names and (near := _near(names, "label")):
        notes.append(f"No column is called label: {near} is an attribute. If it is the label, rename it to label.")
    return Columns(names, notes)


def _name(cell: str) -> str:
    name = " ".join(normal(cell).split())
    return name.lower() if name.lower() in RESERVED else name


def _near(names: Sequence[str], role: str) -> str | None:
    return next((name for name in names if name.lower().replace(" ", "_") in NEAR[role].split()), None)


def _advice(names: Sequence[str]) -> str:
    if len(names) == 1 and is_header(re.split("[,;\t|]", names[0])):
        return " Each line is in quotes as a whole: take them off."
    if len(names) == 1 and is_header(_OTHER_SEPARATORS.split(names[0])):
        return " Put a comma, a semicolon, a tab or | between the cells of each line."
    for role in ("path", "url"):
        if near := _near(names, role):
            return f" If {near} says where the pictures are, rename it to {role}."
    if names[0].startswith(("#", "//")):
        return " Its first line looks like a comment: take it off."
    if any(is_picture_name(name) for name in names):
        return " Its first line is a picture already: put the names of the columns above it, such as path,label."
    return ""
