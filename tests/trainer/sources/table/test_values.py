"""The values of a CSV's columns: their kinds, what counts as none, and what does not fit in."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from retrieval.text import normal
from trainer.sources.base import Listing, Value
from trainer.sources.table import read_csv
from trainer.sources.table.values import MISSING

CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


def read(folder: Path, values: Sequence[str], delimiter: str = ",") -> Listing:
    """A CSV with these values in its column `size`, a row each."""
    with (folder / "column.csv").open("w", encoding="utf-8", newline="") as file:
        rows = [["path", "id", "size"], *(("0.jpg", n, value) for n, value in enumerate(values))]
        csv.writer(file, delimiter=delimiter).writerows(rows)
    (folder / "0.jpg").touch()
    listing = read_csv(folder / "column.csv", folder / "cache")
    assert [picture.id for picture in listing.pictures] == [str(number) for number in range(len(values))]
    return listing


def column(folder: Path, values: Sequence[str], delimiter: str = ",") -> list[Value | None]:
    """How the values of one column are read."""
    return [picture.attributes.get("size") for picture in read(folder, values, delimiter).pictures]


def same(result: Sequence[Value | None], wanted: Sequence[Value | None]) -> bool:
    return result == wanted and [type(value) for value in result] == [type(value) for value in wanted]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(-(2**63), 2**63), min_size=1, max_size=5)
    | st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5)
    | st.lists(st.booleans(), min_size=1, max_size=5)
)
def test_columns_of_one_type_come_back(tmp_path: Path, values: list[Value]) -> None:
    assert same(column(tmp_path, [str(value) for value in values]), values)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CELL | st.sampled_from(["1", "2.5", "n/a", "yes", "007"]), min_size=1, max_size=6))
@example(["1", ""])
@example(["1", "2", "x"])
def test_no_text_is_lost(tmp_path: Path, values: list[str]) -> None:
    for text, picture in zip(values, read(tmp_path, values).pictures, strict=True):
        assert_kept(text.strip(), picture.attributes)


def assert_kept(text: str, attributes: Mapping[str, Value]) -> None:
    value, misfit = attributes.get("size"), attributes.get("size (text)")
    assert value is None or misfit is None
    kept = misfit if value is None else value
    if isinstance(kept, str):
        assert kept == normal(text)
    elif kept is None:
        assert text.lower() in MISSING or not normal(text)
    else:
        assert text.lower() in {"true", "yes", "false", "no", "y", "n", "t", "f", "on", "off"} or math.isfinite(
            float(text)
        )


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (["1", "-20", "0"], [1, -20, 0]),
        (["1", "2.5", ".5", "-3.", "1e3"], [1.0, 2.5, 0.5, -3.0, 1000.0]),
        (["yes", "NO", "True", "false"], [True, False, True, False]),
        (["1", "", " ", "2"], [1, None, None, 2]),
        (["1", "yes"], ["1", "yes"]),
        (["1", "about 2"], ["1", "about 2"]),
        (["007", "010"], ["007", "010"]),
        (["01234", "56789"], ["01234", "56789"]),
        (["-007.5", "1"], ["-007.5", "1"]),
        (["+4930", "1"], ["+4930", "1"]),
        (["1_000", "2"], ["1_000", "2"]),
        (["1,000", "2"], ["1,000", "2"]),
        (["nan", "1.5"], [None, 1.5]),
        (["3", "NaN", "n/a", "#N/A", "null", "None", "-", "?", ""], [3, *[None] * 8]),
        (["yes", "N/A", "no"], [True, None, False]),
        (["2024-01-31", "-", "2024-01-31T10:00:00Z"], ["2024-01-31", None, "2024-01-31T10:00:00Z"]),
        (["red", "None", "-", "n/a", "NULL", "#N/A"], ["red", "None", "-", None, None, None]),
        (["n/a", "-"], [None, None]),
        (["Y", "n", "-", "y"], [True, False, None, True]),
        (["on", "OFF", "on"], [True, False, True]),
        (["T", "F"], [True, False]),
        (["Y", "Y"], ["Y", "Y"]),  # a grade, a size, ...
        (["Y", "N", "?x"], ["Y", "N", "?x"]),
        (["t", "n"], ["t", "n"]),
        (["31/01/2024", "01/02/2024"], ["31/01/2024", "01/02/2024"]),
        (["1", "2", "cheap"], [1, 2, None]),
        (["1.5", "2", "inf"], [1.5, 2.0, None]),
        (["yes", "no", "maybe"], [True, False, None]),
        (["1", "2", "3", "99999999999999999999"], ["1", "2", "3", "99999999999999999999"]),
        (["1", "2", "3", "04"], ["1", "2", "3", "04"]),
        (["1,5", "2,5"], ["1,5", "2,5"]),
        (["5 %", "7 %"], ["5 %", "7 %"]),
        (["$5", "€ 7"], ["$5", "€ 7"]),
        (["1\u00a0000", "2"], ["1 000", "2"]),
        (["1e5", "7"], [100000.0, 7.0]),
        (["inf", "-Infinity"], ["inf", "-Infinity"]),
        (["1e999", "1"], ["1e999", "1"]),
        (["٣", "1"], ["٣", "1"]),
        (["9" * 5000, "1"], ["9" * 5000, "1"]),
        (["0x1f", "1"], ["0x1f", "1"]),
    ],
)
def test_the_narrowest_type_that_reads_the_whole_column(
    values: list[str], wanted: list[Value | None], tmp_path: Path
) -> None:
    assert same(column(tmp_path, values), wanted)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (["1,5", "2", "-0,25"], [1.5, 2.0, -0.25]),
        (["1.234,50", "7,00"], [1234.5, 7.0]),
        (["1,5", "n/a", "billig", "3", "4"], [1.5, None, None, 3.0, 4.0]),
        (["1,000", "2,000"], ["1,000", "2,000"]),  # may be thousands
        (["1,5", "1.5"], ["1,5", "1.5"]),
        (["1.5", "2"], [1.5, 2.0]),
    ],
)
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_the_decimal_comma_of_tables_that_need_no_comma(
    values: list[str], wanted: list[Value | None], delimiter: str, tmp_path: Path
) -> None:
    assert same(column(tmp_path, values, delimiter), wanted)


def test_what_does_not_fit_is_kept_beside_the_column_and_told(tmp_path: Path) -> None:
    listing = read(tmp_path, ["3", "n/a", "about 4", "5", "6", "NaN", "7", "cheap"])
    assert [dict(picture.attributes) for picture in listing.pictures] == [
        {"size": 3},
        {},
        {"size (text)": "about 4"},
        {"size": 5},
        {"size": 6},
        {},
        {"size": 7},
        {"size (text)": "cheap"},
    ]
    assert listing.notes == [
        "Column size: 2 cells (the first in row 3) say n/a, NaN, which counts as no value.",
        'Column size holds numbers: 2 cells (the first in row 4) say about 4, cheap, which is kept in "size (text)".',
    ]


def test_a_column_that_has_the_name_of_the_misfits_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "0.jpg").touch()
    (tmp_path / "shop.csv").write_text(
        "path,id,size,size (text)\n0.jpg,a,1,x\n0.jpg,b,2,y\n0.jpg,c,big,z\n", encoding="utf-8"
    )
    pictures = read_csv(tmp_path / "shop.csv", tmp_path).pictures
    assert pictures[2].attributes == {"size (text)": "z", "size (text)_": "big"}


@pytest.mark.parametrize(
    ("values", "note"),
    [
        (["1", "2", "04"], "1 cell (row 4) says 04, which is a name rather than a number"),
        (["1,5", "2,5"], "2 cells (the first in row 2) say 1,5, 2,5; only plain numbers such as 1234.5 have a range"),
        (["$5", "$7.50"], "2 cells (the first in row 2) say $5, $7.50; only plain numbers such as 1234.5 have a range"),
        (["1", "about 2"], "1 cell (row 3) says about 2, and only 1 are numbers"),
        *(
            (
                ["red", text, text],
                f"2 cells (the first in row 3) say {text}; only dates such as 2024-01-31 have a range",
            )
            for text in (
                *(
                    "31/01/2024",
                    "1.2.2024",
                    "01-31-24",
                    "2024/01/31",
                    "31 Jan 2024",
                    "January 31, 2024",
                    "31. Mai 2024",
                ),
                *("31/01/2024 10:30", "1/31/2024 9:05:00 PM"),
            )
        ),
    ],
)
def test_numbers_that_are_kept_as_text_are_told(values: list[str], note: str, tmp_path: Path) -> None:
    assert read(tmp_path, values).notes == [f"Column size is kept as text: {note}."]


def test_words_that_are_read_as_truth_values_are_told(tmp_path: Path) -> None:
    assert read(tmp_path, ["N", "y", "n/a"]).notes == [
        "Column size holds truth values: y is read as true, N as false.",
        "Column size: 1 cell (row 4) says n/a, which counts as no value.",
    ]


def test_texts_and_clean_columns_need_no_note(tmp_path: Path) -> None:
    for values in (
        ["red", "blue", "4"],
        ["1", "", "2"],
        ["may 2", "10/12"],
        ["yes", "no"],
        ["2024-01-31", ""],
        ["A4", "B5"],
    ):
        assert not read(tmp_path, values).notes


def test_what_counts_as_no_value_in_a_column_of_text_is_told(tmp_path: Path) -> None:
    (note,) = read(tmp_path, ["red", "none", "N/A", "null"]).notes
    assert note == "Column size: 2 cells (the first in row 4) say N/A, null, which counts as no value."
