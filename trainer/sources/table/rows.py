"""The rows of a CSV, one by one: none is lost, whatever its quotes and commas are like."""

import csv
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

DELIMITERS = ",;\t|"
MAX_LINES = 1000  # that one row may take; a quote that is never closed would take all that follow
MAX_TITLE_LINES = 20  # in which the names of columns are looked for, to say where they are
MAX_CELL = 131_072  # characters, the limit of Python's csv

Cells = Sequence[str]
_LINE_BREAK = re.compile("\r\n|[\r\n]")
_SEPARATOR = re.compile('\\s*"?sep=([^"])"?[,;\\s]*', re.IGNORECASE)  # the first line of many a CSV made for Excel
_FAULTS = {
    "unexpected end of data": "a quote in it is never closed",
    "expected after": 'there is text behind a closing quote; a quote inside a quoted cell is written twice, ""',
    "field larger": f"a cell is longer than {MAX_CELL} characters; perhaps a quote in it is never closed",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number (the header has 1), the line that it begins in (from 1), and its cells or what is wrong."""

    number: int
    line: int
    cells: Cells
    fault: str | None = None


class Rows:
    """The text of a CSV as a header and rows. Lines without any character are no rows.

    `delimiter` is the one under which `is_header` knows the names of columns, or which makes the most cells.
    """

    notes: Sequence[str] = ()

    def __init__(self, text: str, is_header: Callable[[Cells], bool]) -> None:
        self._lines = _LINE_BREAK.split(text)
        self._start = next((index for index, line in enumerate(self._lines) if line.strip()), len(self._lines))
        delimiters = DELIMITERS
        if self._start < len(self._lines) and (separator := _SEPARATOR.fullmatch(self._lines[self._start])):
            delimiters = separator[1] + DELIMITERS
            self._start += 1
        parsed = {delimiter: _record(self._lines, self._start, delimiter) for delimiter in delimiters}
        self.delimiter = max(parsed, key=lambda delimiter: _merit(parsed[delimiter].cells, is_header))
        header = parsed[self.delimiter]
        self.header: Cells = [] if self._start >= len(self._lines) else header.cells
        self.fault = header.fault
        """What is wrong with the header."""
        self._first = self._start + header.lines
        later = range(self._start + 1, min(self._start + MAX_TITLE_LINES, len(self._lines)))
        self.header_line = next((index + 1 for index in later if self._is_header(index, is_header)), None)
        """A line after the first one, from 1, that reads like the names of columns."""

    def _is_header(self, index: int, is_header: Callable[[Cells], bool]) -> bool:
        return any(is_header(_alone(self._lines[index], delimiter)) for delimiter in DELIMITERS)

    def read(self, is_row: Callable[[Cells], bool], of_one_line: Collection[int] = ()) -> Iterator[Row]:
        """Every row after the header. A quote that swallows lines costs the rows that hold its two marks, and no other.

        `is_row` tells of the cells of one line whether they are a row; inside a quoted cell such a line was swallowed.
        The columns `of_one_line`, by position, hold no line breaks.
        """
        index, number, closing = self._first, 1, -1
        while index < len(self._lines):
            if not self._lines[index]:
                index += 1
                continue
            number += 1
            record = _record(self._lines, index, self.delimiter)
            fault = record.fault or self._misfit(record, index, is_row, of_one_line)
            if fault and record.lines > 1:
                closing = index + record.lines - 1
            elif index == closing and not fault and self._lines[index].count('"') % 2:
                fault = "it has one quote mark alone, which an earlier row that was skipped opens"
            yield Row(number, index + 1, record.cells, fault)
            index += 1 if fault else record.lines

    def _misfit(
        self, record: "_Record", index: int, is_row: Callable[[Cells], bool], of_one_line: Collection[int]
    ) -> str | None:
        cells, width = record.cells, len(self.header)
        if record.lines > 1:
            if len(cells) == width and any("\n" in cells[column] for column in of_one_line):
                return "a quote in it is not closed in its line, and only attributes may have several lines"
            inside = (_alone(line, self.delimiter) for line in self._lines[index + 1 : index + record.lines])
            if len(cells) != width or any(is_row(line) for line in inside if len(line) == width):
                return "a quote in it is not closed before the next rows"
        if any(cell.strip() for cell in cells[width:]):
            name = {"\t": "tab", ",": "comma", ";": "semicolon"}.get(self.delimiter, self.delimiter)
            return f"it has {len(cells)} cells, the header {width}; a cell that holds a {name} needs quotes around it"
        return None


@dataclass(frozen=True, slots=True)
class _Record:
    """What begins in a line: its cells, the lines that it takes, and what is wrong with its quotes."""

    cells: Cells
    lines: int
    fault: str | None = None


def _record(lines: Sequence[str], index: int, delimiter: str) -> _Record:
    line = lines[index] if index < len(lines) else ""
    if '"' not in line:
        fault = _FAULTS["field larger"] if len(line) > MAX_CELL else None
        return _Record(line.split(delimiter), 1, fault)
    feed = (f"{lines[number]}\n" for number in range(index, min(index + MAX_LINES, len(lines))))
    reader = csv.reader(feed, delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        cells = next(reader)
    except csv.Error as error:
        fault = next((words for part, words in _FAULTS.items() if part in str(error)), str(error))
        return _Record(_alone(line, delimiter), max(1, reader.line_num), fault)
    return _Record(cells, reader.line_num)


def _alone(line: str, delimiter: str) -> Cells:
    """The cells of one line, whatever its quotes are like."""
    return [cell.strip().strip('"') for cell in line.split(delimiter)]


def _merit(cells: Cells, is_header: Callable[[Cells], bool]) -> tuple[bool, int]:
    return is_header(cells), len(cells)
