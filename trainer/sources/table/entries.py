"""What the rows of a CSV say, by the names of its columns, and notes on what they leave out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retrieval.text import normal
from trainer.sources.base import Value
from trainer.sources.table.columns import RESERVED
from trainer.sources.table.places import Places, is_remote
from trainer.sources.table.records import Records
from trainer.sources.table.rows import Rows
from trainer.sources.table.values import MISSING, read_column


@dataclass(frozen=True, slots=True)
class Entry:
    """A row: its number (the header has 1), the line that it begins in, its cells by name, and what is wrong with it.

    Empty cells are left out; what stands around the others is stripped.
    """

    row: int
    line: int
    cells: Mapping[str, str]
    fault: str | None = None
    is_short: bool = False
    has_nameless: bool = False
    has_blank_label: bool = False

    @property
    def path(self) -> str:
        return self.cells.get("path", "")

    @property
    def place(self) -> str:
        """Where its picture is: the path, or else the URL."""
        return self.path or self.cells.get("url", "")

    @property
    def url(self) -> str | None:
        """The address that its picture is to be fetched from; None where a path is named, or no address."""
        return self.place if not self.path and is_remote(self.place) else None

    @property
    def label(self) -> str | None:
        return normal(self.cells.get("label", "")) or None


def read_entries(rows: Rows | Records, names: Sequence[str], places: Places) -> list[Entry]:
    """Every row of a table with the columns `names`, "" for one without a name."""
    ours = {name: index for index, name in enumerate(names) if name in RESERVED}
    of_places = [ours[name] for name in ("path", "url") if name in ours]

    def is_row(cells: Sequence[str]) -> bool:
        return any(places.is_likely(cells[index]) for index in of_places)

    entries = []
    for row in rows.read(is_row, ours.values()):
        filled_cells = [(name, cell) for name, cell in zip(names, row.cells, strict=False) if cell]
        entries.append(
            Entry(
                row.number,
                row.line,
                {name: text for name, cell in filled_cells if name and (text := cell.strip())},
                row.fault,
                is_short=len(row.cells) < len(names),
                has_nameless=any(not name and cell.strip() for name, cell in filled_cells),
                has_blank_label=any(name == "label" and not normal(cell) for name, cell in filled_cells),
            )
        )
    return entries


def notes_on_entries(entries: Sequence[Entry]) -> list[str]:
    """What of the rows without a fault is not taken as it is written."""
    usable = [entry for entry in entries if not entry.fault]
    kinds = {
        "text in a column without a name, which is not used; name it in the first line": [
            entry.row for entry in usable if entry.has_nameless
        ],
        "fewer cells than the first line; those missing at the end count as empty": [
            entry.row for entry in usable if entry.is_short
        ],
        "a label of blanks only, and so no label": [entry.row for entry in usable if entry.has_blank_label],
    }
    notes = [f"{_rows(numbers)} {what}." for what, numbers in kinds.items() if numbers]
    words = Counter(entry.label for entry in usable if entry.label and entry.label.lower() in MISSING)
    for word, count in words.items():
        have = f"{count} rows have" if count > 1 else "1 row has"
        notes.append(f"{have} the label {word}. If that means that there is none, leave the cell empty.")
    return notes


def read_attributes(
    entries: Sequence[Entry], names: Sequence[str], *, decimal_comma: bool
) -> tuple[Mapping[int, Mapping[str, Value]], list[str]]:
    """The attributes of each row by its number, and notes: see `values`."""
    attributes: dict[int, dict[str, Value]] = {entry.row: {} for entry in entries}
    notes: list[str] = []
    for name in names:
        if not name or name in RESERVED:
            continue
        cells = [(e.row, text) for e in entries if name in e.cells and (text := normal(e.cells[name]))]
        column = read_column(name, cells, decimal_comma=decimal_comma, text_name=_text_name(name, names))
        for row, value in column.values.items():
            attributes[row][name] = value
        for row, text in column.misfits.items():
            attributes[row][column.text_name] = text
        notes += column.notes
    return attributes, notes


def _text_name(name: str, names: Sequence[str]) -> str:
    """The attribute for what does not fit into the column `name`; none of the columns has it."""
    text_name = f"{name} (text)"
    while text_name in names:
        text_name += "_"
    return text_name


def _rows(numbers: Sequence[int]) -> str:
    return f"Row {numbers[0]} has" if len(numbers) == 1 else f"{len(numbers)} rows (the first is {numbers[0]}) have"
