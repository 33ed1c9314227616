"""A CSV as a source: its columns, their types, and the rows that cannot be used."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from trainer.errors import SourceError
from trainer.sources.base import Listing, Value
from trainer.sources.table import read_csv

CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


def read(folder: Path, content: str | bytes) -> Listing:
    """The listing of a CSV beside pictures 0.jpg to 9.jpg."""
    for number in range(10):
        (folder / f"{number}.jpg").touch()
    table = folder / "shop.csv"
    table.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_csv(table, folder / "cache")


def column(folder: Path, values: Sequence[str]) -> list[Value | None]:
    """How the values of one column are read."""
    with (folder / "column.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["path", "id", "size"], *(("0.jpg", n, value) for n, value in enumerate(values))])
    (folder / "0.jpg").touch()
    listing = read_csv(folder / "column.csv", folder / "cache")
    assert [picture.id for picture in listing.pictures] == [str(number) for number in range(len(values))]
    return [picture.attributes.get("size") for picture in listing.pictures]


def same(found: Sequence[Value | None], wanted: Sequence[Value | None]) -> bool:
    return found == wanted and [type(value) for value in found] == [type(value) for value in wanted]


# --- columns


def test_paths_labels_ids_and_attributes(tmp_path: Path) -> None:
    listing = read(
        tmp_path,
        "label,path,colour,id,price\ncup,0.jpg,blue,first,3\n,./1.jpg,,,4\n"
        f"plate,{tmp_path}/2.jpg,red,third,\n , 3.jpg, , , \n",
    )
    first, second, third, fourth = listing.pictures
    assert (first.id, first.path, first.label) == ("first", tmp_path / "0.jpg", "cup")
    assert first.attributes == {"colour": "blue", "price": 3}
    assert (second.path, second.label, second.attributes) == (tmp_path / "1.jpg", None, {"price": 4})
    assert len(second.id) == 16
    assert (third.path, third.label, third.attributes) == (tmp_path / "2.jpg", "plate", {"colour": "red"})
    assert (fourth.path, fourth.label, fourth.attributes) == (tmp_path / "3.jpg", None, {})
    assert not listing.skipped


def test_ids_are_the_same_from_run_to_run_and_place_to_place(tmp_path: Path) -> None:
    content = "path\n0.jpg\n1.jpg\n"
    (tmp_path / "other").mkdir()
    one, again, elsewhere = (read(folder, content).pictures for folder in (tmp_path, tmp_path, tmp_path / "other"))
    assert one == again
    assert [picture.id for picture in one] == [picture.id for picture in elsewhere]
    assert len({picture.id for picture in one}) == 2


def test_a_byte_order_mark_spaces_and_quoted_newlines(tmp_path: Path) -> None:
    content = (
        b'\xef\xbb\xbf path , label ,note\r\n 0.jpg , cup ,"two\r\nlines"\r\n\r\n1.jpg,"a, b",x\r\nabsent.jpg,,\r\n'
    )
    listing = read(tmp_path, content)
    assert [picture.label for picture in listing.pictures] == ["cup", "a, b"]
    assert listing.pictures[0].attributes == {"note": "two\r\nlines"}
    assert listing.skipped[0].place == "shop.csv, row 4: absent.jpg"


def test_rows_longer_and_shorter_than_the_header_and_columns_without_a_name(tmp_path: Path) -> None:
    listing = read(tmp_path, "path,label,colour,,\n0.jpg\n1.jpg,cup,red,x,y,z,z\n")
    assert [(picture.label, dict(picture.attributes)) for picture in listing.pictures] == [
        (None, {}),
        ("cup", {"colour": "red"}),
    ]


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["train", "Val", "valid", "VALIDATION", " test ", ""]), min_size=1, max_size=10))
def test_the_publisher_s_parts(tmp_path: Path, parts: list[str]) -> None:
    listing = read(tmp_path, "path,id,part\n" + "".join(f"0.jpg,{n},{part}\n" for n, part in enumerate(parts)))
    for picture, part in zip(listing.pictures, parts, strict=True):
        assert (picture.part or "").startswith(part.strip().lower())
        assert (picture.part is None) == (not part)
        assert "part" not in picture.attributes


def test_an_unknown_part_is_an_error_that_names_the_row(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"shop\.csv, row 3: the column part holds brake\..*rename it"):
        read(tmp_path, "path,part\n0.jpg,train\n1.jpg,brake\n")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=5))
def test_whatever_a_csv_writer_writes_comes_back(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    with (tmp_path / "all.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [["path", "id", "label", "note"], *(("0.jpg", n, *row) for n, row in enumerate(rows))]
        )
    (tmp_path / "0.jpg").touch()
    listing = read_csv(tmp_path / "all.csv", tmp_path / "cache")
    assert [picture.label for picture in listing.pictures] == [label.strip() or None for label, _ in rows]
    assert ["note" in picture.attributes for picture in listing.pictures] == [bool(note.strip()) for _, note in rows]


# --- types


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(-(2**63), 2**63), min_size=1, max_size=5)
    | st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5)
    | st.lists(st.booleans(), min_size=1, max_size=5)
)
def test_columns_of_one_type_come_back(tmp_path: Path, values: list[Value]) -> None:
    assert same(column(tmp_path, [str(value) for value in values]), values)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CELL, min_size=1, max_size=5))
@example(["1", ""])
def test_a_text_stays_as_it_is_unless_its_value_says_the_same(tmp_path: Path, values: list[str]) -> None:
    for text, value in zip(values, column(tmp_path, values), strict=True):
        if isinstance(value, str):
            assert value == text.strip()
        elif value is None:
            assert not text.strip()
        else:
            assert text.strip().lower() in ("true", "yes", "false", "no") or math.isfinite(float(text))


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
        (["nan", "1.5"], ["nan", "1.5"]),
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


# --- rows that cannot be used


def test_a_row_without_its_own_file_is_skipped_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()
    long = "x" * 300
    listing = read(
        tmp_path,
        "path,url,label\n0.jpg,,cup\nabsent.jpg,,cup\n,,cup\nfolder.jpg,,cup\n0.jpg,,plate\n"
        f"{long}.jpg,,cup\na\0b.jpg,,cup\n,ftp://shop.example/1.jpg,cup\n,http://[,cup\n",
    )
    assert [picture.label for picture in listing.pictures] == ["cup"]
    assert [(entry.place.partition(": ")[0], entry.reason) for entry in listing.skipped] == [
        ("shop.csv, row 3", "there is no such file"),
        ("shop.csv, row 4", "it names no path and no URL"),
        ("shop.csv, row 5", "there is no such file"),
        ("shop.csv, row 6", "an earlier row has the same picture or id"),
        ("shop.csv, row 7", "it cannot be looked up: File name too long"),
        ("shop.csv, row 8", "there is no such file"),
        ("shop.csv, row 9", "there is no such file"),
        ("shop.csv, row 10", "it could not be fetched (InvalidURL)"),
    ]


def test_doubled_ids_keep_the_first_and_other_ids_keep_the_same_picture(tmp_path: Path) -> None:
    listing = read(tmp_path, "path,id\n0.jpg,a\n1.jpg,a\n0.jpg,b\n")
    assert [(picture.id, picture.path.name) for picture in listing.pictures] == [("a", "0.jpg"), ("b", "0.jpg")]
    assert [entry.reason for entry in listing.skipped] == ["an earlier row has the same picture or id"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "needs a column path or url; its columns are missing"),
        (b"\n\n", "needs a column path or url"),
        (b"file,label\n0.jpg,cup\n", "needs a column path or url; its columns are file, label"),
        (b"path;label\n0.jpg;cup\n", "its columns are path;label"),
        (b"path,size,size\n0.jpg,1,2\n", "has the column size more than once"),
        (b"path, path \n0.jpg,1.jpg\n", "has the column path more than once"),
        (b"path\n", "can be used: it has no rows"),
        (b"path\nabsent.jpg\n", "can be used: there is no such file"),
        ("path,label\n0.jpg,Käse\n".encode("latin-1"), "cannot be read as a CSV in UTF-8"),
        ("path\n0.jpg\n".encode("utf-16"), "cannot be read as a CSV in UTF-8"),
        (b"path,label\n0.jpg," + b"x" * 200_000 + b"\n", "cannot be read as a CSV in UTF-8: field larger"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\xff", "cannot be read as a CSV in UTF-8"),
    ],
)
def test_what_is_no_such_csv_is_an_error(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"shop\.csv") as raised:
        read(tmp_path, content)
    assert message in str(raised.value)


def test_a_missing_csv_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"absent\.csv cannot be read"):
        read_csv(tmp_path / "absent.csv", tmp_path)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | st.text('path,url"\n\r; 0.jpg\0', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    try:
        read(tmp_path, content)
    except SourceError as error:
        assert "shop.csv" in str(error)
