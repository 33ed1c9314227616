"""Pictures as tables: CSV or JSON, a part at a time."""

import csv
import json
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import PurePosixPath
from typing import Any

from frontend.api.models import Item

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")
COLUMNS = ("id", "file", "label", "attributes", "width", "height", "created")


def cell(value: Any) -> Any:
    """A value for a table. An apostrophe keeps a spreadsheet from taking a text for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_SIGNS) else value


def csv_lines(items: Iterable[Item]) -> Iterator[str]:
    """A header, and a row for each item. Attributes are JSON in one column: all of them are known only at the end."""
    yield _line(COLUMNS)
    for item in items:
        known = _fields(item)
        yield _line(
            [cell(known[name]) for name in COLUMNS[:3]]
            + [json.dumps(known["attributes"], ensure_ascii=False)]
            + [known[name] for name in COLUMNS[4:]]
        )


def json_lines(items: Iterable[Item]) -> Iterator[str]:
    """A list of objects."""
    before = "[\n"
    for item in items:
        yield before + json.dumps(_fields(item), ensure_ascii=False)
        before = ",\n"
    yield "]\n" if before == ",\n" else "[]\n"


def _fields(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "file": PurePosixPath(item.id).name or item.id,
        "label": item.label,
        "attributes": item.attributes,
        "width": item.width,
        "height": item.height,
        "created": item.created.isoformat() if item.created else None,
    }


def _line(values: Iterable[Any]) -> str:
    text = StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue()
