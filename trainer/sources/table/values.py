"""The values of one column of a CSV: truth values, numbers, dates or text, and what does not fit in.

A column is of the narrowest kind that at least two thirds of its values have. Words for "no value" (`n/a`, `NaN`, ...)
are no values in it, and any other cell that is not of its kind is kept as text under the name `column (text)`. In a
column of text, words that may mean something there (`none`, `-`, `?`, ...) stay, unless it holds nothing else.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from retrieval.filters import LARGEST
from trainer.sources.base import Value

Kind = Literal["truth", "number", "date", "name", "missing", "text"]
Cell = tuple[int, str]
"""The number of a row, and the text of its cell: in normal form, not empty."""

TRUTHS = {"true": True, "yes": True, "false": False, "no": False}
TRUTH_PAIRS = ({"y": True, "n": False}, {"t": True, "f": False}, {"on": True, "off": False})
"""Words that are truth values where a column has both of a pair and no other: alone they mean much else."""
_WORDS = """nan -nan n/a n.a. na #n/a #nv <na> nat null (null) \\n none nil - -- \u2013 \u2014 . ? undefined missing
#null! #div/0! #value! #ref! #name? #num!"""
MISSING = frozenset(_WORDS.split())
"""What programs write where there is no value, in lower case."""
MISSING_TEXT = MISSING - {"na", "none", "nil", "-", "--", "\u2013", "\u2014", ".", "?", "undefined", "missing"}
"""Those that mean nothing else in a column of text."""

MAX_SHOWN = 40  # characters of a cell in a note
PLURALS: Mapping[Kind, str] = {"truth": "truth values", "number": "numbers", "date": "dates"}
_NUMBER = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DIGITS = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")  # "007" and "+49" are names, as is what no database counts with
_COMMA_NUMBER = re.compile(r"-?(?:(?:0|[1-9][0-9]*)|[1-9][0-9]{0,2}(?:\.[0-9]{3})+)(?:,[0-9]+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?(?:Z|[+-]\d\d:?\d\d))?)?", re.ASCII)
_LIKE_DATE = re.compile(
    r"(?:\d{1,2}([/.-])\d{1,2}\1\d{2,4}|\d{4}([/.])\d{1,2}\2\d{1,2}|\d{1,2}\.? [a-z]{3,9}\.?,? \d{4}"
    r"|[a-z]{3,9}\.? \d{1,2},? \d{4})(?:,?[T ]\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?: ?[ap]m)?)?",
    re.ASCII | re.IGNORECASE,
)
_LIKE_NUMBER = re.compile(
    r"[+-]?\s?[$€£¥₹]?\s?[0-9][0-9.,' ]*\s?(?:%|[$€£¥₹]|[a-zA-Z]{1,3})?|[+-]?inf(?:inity)?|-?[0-9.]+e[+-]?[0-9]+", re.I
)


@dataclass(frozen=True, slots=True)
class Column:
    """What a column holds, by the number of the row; `notes` say what was not taken as it is written."""

    values: Mapping[int, Value]
    misfits: Mapping[int, str] = field(default_factory=dict)
    """Texts in a column of another kind; they become the attribute `text_name`."""
    text_name: str = ""
    notes: Sequence[str] = ()


def read_column(name: str, cells: Sequence[Cell], text_name: str, *, decimal_comma: bool = False) -> Column:
    """The column `name`; what does not fit in is to be called `text_name`.

    With `decimal_comma`, `1,5` is a number where the whole column is written so.
    """
    if truths := _truths_of_pair(cells):
        return _column_of_pair(name, cells, truths)
    notes = []
    if decimal_comma and _is_comma_column(cells):
        row, text = next(cell for cell in cells if "," in cell[1] and _is_comma(cell[1]))
        cells = [(row, text.replace(".", "").replace(",", ".") if _is_comma(text) else text) for row, text in cells]
        notes.append(f"Column {name}: the comma of numbers such as {text} (row {row}) is read as the decimal point.")
    by_kind: dict[Kind, list[Cell]] = {}
    for cell in cells:
        by_kind.setdefault(_kind(cell[1]), []).append(cell)
    missing = by_kind.get("missing", [])
    kind = max(PLURALS, key=lambda kind: len(by_kind.get(kind, [])))
    fitting = by_kind.get(kind, [])
    misfits = [cell for cell in cells if _kind(cell[1]) not in {kind, "missing"}]
    is_text = not fitting or "name" in by_kind or 2 * len(misfits) > len(fitting)
    if is_text and misfits + fitting:
        missing = [cell for cell in missing if cell[1].lower() in MISSING_TEXT]
    if missing:
        notes.append(f"Column {name}: {_cells(missing)} {_words(missing)}, which counts as no value.")
    if is_text:
        values = {row: text for row, text in cells if (row, text) not in set(missing)}
        return Column(values, notes=[*notes, *_notes_on_text(name, cells, by_kind)])
    if misfits:
        said = f"{_cells(misfits)} {_words(misfits)}"
        notes.append(f'Column {name} holds {PLURALS[kind]}: {said}, which is kept in "{text_name}".')
    return Column(_converted(fitting, kind), dict(misfits), text_name, notes)


def _truths_of_pair(cells: Sequence[Cell]) -> Mapping[str, bool] | None:
    """The pair of words that a column consists of, beside those for no value."""
    words = {text.lower() for _, text in cells} - MISSING
    return next((pair for pair in TRUTH_PAIRS if words == pair.keys()), None)


def _column_of_pair(name: str, cells: Sequence[Cell], truths: Mapping[str, bool]) -> Column:
    missing = [cell for cell in cells if cell[1].lower() in MISSING]
    values = {row: truths[text.lower()] for row, text in cells if text.lower() in truths}
    yes, no = (next(text for row, text in cells if values.get(row) is truth) for truth in (True, False))
    notes = [f"Column {name} holds truth values: {yes} is read as true, {no} as false."]
    if missing:
        notes.append(f"Column {name}: {_cells(missing)} {_words(missing)}, which counts as no value.")
    return Column(values, notes=notes)


def _kind(text: str) -> Kind:
    lower = text.lower()
    if lower in MISSING:
        return "missing"
    if lower in TRUTHS:
        return "truth"
    if _NUMBER.fullmatch(text):
        if len(text) > 400 or abs(float(text)) == float("inf"):
            return "name" if text.lstrip("-").isdigit() else "text"
        return "name" if text.lstrip("-").isdigit() and abs(int(text)) > LARGEST + 1 else "number"
    if _DIGITS.fullmatch(text):
        return "name"
    return "date" if _DATE.fullmatch(text) else "text"


def _converted(cells: Sequence[Cell], kind: str) -> Mapping[int, Value]:
    if kind == "truth":
        return {row: TRUTHS[text.lower()] for row, text in cells}
    if kind == "date":
        return dict(cells)
    whole = all(text.lstrip("-").isdigit() and text != "-0" for _, text in cells)
    return {row: int(text) if whole else float(text) for row, text in cells}


def _is_comma(text: str) -> bool:
    return _COMMA_NUMBER.fullmatch(text) is not None


def _is_comma_column(cells: Sequence[Cell]) -> bool:
    """Whether most numbers only make sense with a decimal comma; 1,000 alone could mean a thousand."""
    texts = [text for _, text in cells]
    commas = [text for text in texts if "," in text and _is_comma(text)]
    points = [text for text in texts if _NUMBER.fullmatch(text) and "." in text and not _is_comma(text)]
    return any(len(text.partition(",")[2]) != 3 for text in commas) and not points


def _notes_on_text(name: str, cells: Sequence[Cell], by_kind: Mapping[Kind, Sequence[Cell]]) -> list[str]:
    """What is said of a column that somebody may take for one of numbers or dates."""
    names, texts = by_kind.get("name", []), by_kind.get("text", [])
    numbers = len(names) + len(by_kind.get("number", []))
    like_dates = [cell for cell in texts if _LIKE_DATE.fullmatch(cell[1])]
    like_numbers = [cell for cell in texts if _LIKE_NUMBER.fullmatch(cell[1])]
    if names and 3 * numbers >= 2 * len(cells):
        why = f"{_cells(names)} {_words(names)}, which is a name rather than a number"
    elif like_dates and 3 * (len(like_dates) + len(by_kind.get("date", []))) >= 2 * len(cells):
        why = f"{_cells(like_dates)} {_words(like_dates)}; only dates such as 2024-01-31 have a range"
    elif like_numbers and 3 * (len(like_numbers) + numbers) >= 2 * len(cells):
        why = f"{_cells(like_numbers)} {_words(like_numbers)}; only plain numbers such as 1234.5 have a range"
    elif texts and 2 * numbers >= len(cells):
        why = f"{_cells(texts)} {_words(texts)}, and only {numbers} are numbers"
    else:
        return []
    return [f"Column {name} is kept as text: {why}."]


def _cells(cells: Sequence[Cell]) -> str:
    one = len(cells) == 1
    return f"1 cell (row {cells[0][0]}) says" if one else f"{len(cells)} cells (the first in row {cells[0][0]}) say"


def _words(cells: Sequence[Cell]) -> str:
    """The first few different texts."""
    words = list(dict.fromkeys(text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…" for _, text in cells))
    return ", ".join(words[:3]) + (", ..." if len(words) > 3 else "")
