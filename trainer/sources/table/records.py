"""A table in JSON: an object in each line (JSON Lines), or a list of objects. Its keys are the names of the columns."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from trainer.errors import SourceError
from trainer.sources.table.rows import Cells, Row

_OTHER_JSON = (
    "{0} cannot be read as a table: it is JSON, but neither a list of objects nor an object in each line. Make one of "
    "it, such as by: python -c \"import pandas; pandas.read_json('{1}').to_csv('{2}.csv', index=False)\""
)


class Records:
    """The objects as `Rows` has the rows of a CSV. The first line, or the first entry of a list, is row 1."""

    delimiter = ","
    fault: str | None = None
    header_line: int | None = None

    def __init__(self, table: Path, text: str) -> None:
        """Raises SourceError for JSON that is no table."""
        self._entries = _of_list(table, text) if text.lstrip().startswith("[") else _of_lines(text)
        objects = [entry for _, entry in self._entries if isinstance(entry, dict)]
        if not objects or (len(self._entries) == 1 and _is_columns(objects[0])):
            raise SourceError(_OTHER_JSON.format(table, table.name, table.stem))
        self.header: Cells = list(dict.fromkeys(name for entry in objects for name in entry))
        self.notes = _notes(self._entries)

    def read(self, is_row: Callable[[Cells], bool], of_one_line: Collection[int] = ()) -> Iterator[Row]:
        """Every entry. As in a CSV, what has no value is an empty cell."""
        del is_row, of_one_line  # no quote can swallow lines here
        for number, entry in self._entries:
            if isinstance(entry, dict):
                yield Row(number, number, [_cell(entry.get(name)) for name in self.header])
            else:
                yield Row(number, number, [], entry)


Entry = tuple[int, dict[str, object] | str]
"""The number of an object, and the object or why there is none."""


def is_json(text: str) -> bool:
    """Whether a text begins as JSON does, and no CSV."""
    return text.lstrip()[:1] in ("{", "[")


def _of_lines(text: str) -> list[Entry]:
    lines = enumerate(text.split("\n"), start=1)  # no other line break: JSON may have them inside a text
    return [(number, _object(line)) for number, line in lines if line.strip()]


def _of_list(table: Path, text: str) -> list[Entry]:
    try:
        entries = json.loads(text, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{table} cannot be read as JSON: {error}.") from error
    return [(number, _checked(entry)) for number, entry in enumerate(entries, start=1)]


def _object(line: str) -> dict[str, object] | str:
    try:
        return _checked(json.loads(line, object_pairs_hook=_without_doubles))
    except RecursionError:
        return "it is nested too deeply"
    except ValueError as error:
        return f"it is not JSON: {error}"


def _checked(entry: object) -> dict[str, object] | str:
    if not isinstance(entry, dict):
        return "it is no object"
    try:
        json.dumps(entry, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return "it holds half of a character, such as \\ud83d alone"
    return entry


def _is_columns(entry: Mapping[str, object]) -> bool:
    """Whether an object that is alone has the columns of a table, as pandas writes them."""
    return all(isinstance(value, dict | list) for value in entry.values())


def _without_doubles(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """Raises ValueError where a name comes twice, of which one value would be lost."""
    entry = dict(pairs)
    if len(entry) < len(pairs):
        raise ValueError("an object has a name twice")
    return entry


def _cell(value: object) -> str:
    """The text that a CSV would have."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _notes(entries: Sequence[Entry]) -> list[str]:
    """What of the values is not taken as it is."""
    nested: dict[str, list[int]] = {}
    for number, entry in entries:
        for name, value in entry.items() if isinstance(entry, dict) else ():
            if isinstance(value, dict | list):
                nested.setdefault(name, []).append(number)
    return [
        f"Column {name} holds lists or objects, the first in row {rows[0]}: they are kept as text in JSON."
        for name, rows in nested.items()
    ]
