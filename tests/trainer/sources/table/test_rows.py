"""The rows of a CSV of any shape: each becomes a picture or is skipped, by its number."""

import csv
import re
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.marks import examples
from trainer.errors import SourceError
from trainer.sources.base import Listing
from trainer.sources.table import read_csv
from trainer.sources.table.decoding import read_text


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures 0.jpg to 9.jpg."""
    folder = tmp_path_factory.mktemp("shop")
    for number in range(10):
        (folder / f"{number}.jpg").touch()
    return folder


def read(shop: Path, content: str | bytes) -> Listing:
    (shop / "shop.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_csv(shop / "shop.csv", shop / "cache")


def labels(listing: Listing) -> dict[str, str | None]:
    return {picture.path.name: picture.label for picture in listing.pictures}


def reasons(listing: Listing) -> dict[str, str]:
    """The reason by the place, which names the row."""
    return {entry.place: entry.reason for entry in listing.skipped}


def test_a_quote_that_is_never_closed_costs_its_own_row(shop: Path) -> None:
    listing = read(shop, 'path,label\n0.jpg,cup\n1.jpg,"bowl\n2.jpg,plate\n3.jpg,dish\n')
    assert labels(listing) == {"0.jpg": "cup", "2.jpg": "plate", "3.jpg": "dish"}
    assert reasons(listing) == {"shop.csv, row 3: 1.jpg": "a quote in it is never closed"}


def test_a_quote_that_swallows_rows_costs_the_rows_of_its_two_marks(shop: Path) -> None:
    listing = read(shop, 'path,label\n0.jpg,"cup\n1.jpg,bowl\n2.jpg,plate"\n3.jpg,dish\n')
    assert labels(listing) == {"1.jpg": "bowl", "3.jpg": "dish"}
    assert reasons(listing) == {
        "shop.csv, row 2: 0.jpg": "a quote in it is not closed in its line, and only attributes may have several lines",
        "shop.csv, row 4: 2.jpg": "it has one quote mark alone, which an earlier row that was skipped opens",
    }


def test_a_quote_in_an_attribute_that_swallows_rows(shop: Path) -> None:
    listing = read(shop, 'path,note\n0.jpg,"big\n1.jpg,small\n2.jpg,5"\n3.jpg,old\n')
    assert [picture.attributes["note"] for picture in listing.pictures] == ["small", "old"]
    assert reasons(listing) == {
        "shop.csv, row 2: 0.jpg": "a quote in it is not closed before the next rows",
        "shop.csv, row 4: 2.jpg": "it has one quote mark alone, which an earlier row that was skipped opens",
    }


def test_two_quotes_that_swallow_rows_between_them(shop: Path) -> None:
    listing = read(shop, 'path,label\n0.jpg,"cup\n1.jpg,bowl\n2.jpg,"plate\n3.jpg,dish\n')
    assert labels(listing) == {"1.jpg": "bowl", "3.jpg": "dish"}
    assert list(reasons(listing)) == ["shop.csv, row 2: 0.jpg", "shop.csv, row 4: 2.jpg"]


def test_a_comma_in_a_cell_costs_its_row(shop: Path) -> None:
    listing = read(
        shop, 'path,label,price\n0.jpg,cup, blue,3\n1.jpg,"cup, blue",3\n2.jpg, "bowl, red" ,4\n3.jpg,x,1,,\n'
    )
    assert labels(listing) == {"1.jpg": "cup, blue", "3.jpg": "x"}
    first, second = listing.skipped
    assert first.place == "shop.csv, row 2: 0.jpg"
    assert first.reason == "it has 4 cells, the header 3; a cell that holds a comma needs quotes around it"
    assert second.reason.startswith("there is text behind a closing quote")


def test_short_rows_are_used_and_told(shop: Path) -> None:
    listing = read(shop, "path,label,price\n0.jpg\n1.jpg,cup\n2.jpg,cup,3\n")
    assert [dict(picture.attributes) for picture in listing.pictures] == [{}, {}, {"price": 3}]
    (note,) = listing.notes
    assert note.startswith("2 rows (the first is 2) have fewer cells than the first line")


def test_lines_within_quotes_are_one_cell_unless_one_of_them_is_a_row(shop: Path) -> None:
    listing = read(shop, 'path,note\n0.jpg,"two\r\nlines, and ""more"""\n\n1.jpg,"see 2.jpg\nand so on"\nabsent.jpg,\n')
    assert [picture.attributes["note"] for picture in listing.pictures] == [
        'two\nlines, and "more"',
        "see 2.jpg\nand so on",
    ]
    assert reasons(listing) == {"shop.csv, row 4 (line 7): absent.jpg": "there is no such file"}


def test_text_without_a_column_is_told(shop: Path) -> None:
    listing = read(shop, ",path,label,,\n0,0.jpg,cup,x,\n1,1.jpg,cup,,\n")
    assert labels(listing) == {"0.jpg": "cup", "1.jpg": "cup"}
    assert listing.notes == [
        "2 rows (the first is 2) have text in a column without a name, which is not used; name it in the first line."
    ]


def test_line_ends_of_every_kind_and_blank_lines(shop: Path) -> None:
    listing = read(shop, "\r\n\r\npath,label\r0.jpg,a\r\n\n1.jpg,b\n\r2.jpg,c\r\n,\n   \n")
    assert labels(listing) == {"0.jpg": "a", "1.jpg": "b", "2.jpg": "c"}
    assert set(reasons(listing).values()) == {"it names no path and no URL"}
    assert len(listing.skipped) == 2


def test_a_zero_byte_costs_its_row(shop: Path) -> None:
    listing = read(shop, "path,label,note\n0.jpg,a\0b,x\n1.jpg,c,x\0\n2.jpg,d,x\n3\0.jpg,e,x\n")
    assert labels(listing) == {"2.jpg": "d"}
    assert list(reasons(listing).values()) == [
        "its label holds U+0000, which cannot be printed",
        "an attribute holds a zero byte (U+0000)",
        "there is no such file",
    ]


@pytest.mark.parametrize("length", [131_073, 400_000])
def test_a_cell_without_end_costs_its_row(length: int, shop: Path) -> None:
    for quote in ("", '"'):
        listing = read(shop, f"path,note\n0.jpg,{quote}{'x' * length}{quote}\n1.jpg,y\n")
        assert labels(listing) == {"1.jpg": None}
        assert "a cell is longer than 131072 characters" in listing.skipped[0].reason


def test_a_header_with_an_open_quote_is_an_error(shop: Path) -> None:
    with pytest.raises(
        SourceError, match=r"The first line of .*shop\.csv names the columns, but a quote in it is never"
    ):
        read(shop, 'path,"label\n0.jpg,cup\n')


def test_many_open_quotes_take_no_time_that_grows_with_their_square(shop: Path) -> None:
    count = 5_000
    listing = read(shop, "path,label\n0.jpg,cup\n" + 'y","z\n' * count + '1.jpg,"cup\n' * count)
    assert len(listing.pictures) + len(listing.skipped) == 2 * count + 1


LINES = st.lists(
    st.sampled_from(["0.jpg,cup", "1.jpg,", "2.jpg", "absent.jpg,x", "a,b,c", "3.jpg,5 inch", "4.jpg,é", ",", ";"]),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=examples(300), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    LINES,
    st.lists(st.tuples(st.integers(0, 80), st.sampled_from(['"', ",", '""', ' "', "\0", "é", "\u200b"])), max_size=4),
)
@example(["0.jpg,cup", "1.jpg,cup", "2.jpg,cup"], [(6, '"')])
def test_rows_in_are_pictures_and_skipped_rows(shop: Path, lines: list[str], faults: list[tuple[int, str]]) -> None:
    """Whatever is done to a CSV of one line a row, every line is accounted for, in order."""
    body = "\n".join(lines)
    for place, inserted in faults:
        body = body[: place % (len(body) + 1)] + inserted + body[place % (len(body) + 1) :]
    try:
        listing = read(shop, f"path,label\n{body}\n")
    except SourceError as error:
        assert "No picture of" in str(error)
        assert re.search(rf"all {len(lines)} rows|of {len(lines)} rows|its row", str(error))
        return
    assert len(listing.pictures) + len(listing.skipped) == len(lines)
    numbers = [int(re.match(r"shop\.csv, row (\d+)", entry.place)[1]) for entry in listing.skipped]
    assert numbers == sorted(set(numbers))
    assert all(2 <= number <= len(lines) + 1 for number in numbers)


BYTES = st.sampled_from(
    [b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"\xe9", b"\xc3\xa9", b'"\n', b"\xe2\x80\xa8", b"\x1a", b";"]
)


@settings(deadline=None, max_examples=examples(300), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, st.lists(st.tuples(st.integers(0, 80), BYTES | st.binary(max_size=3)), max_size=5))
def test_rows_in_are_pictures_and_skipped_rows_whatever_the_bytes(
    shop: Path, lines: list[str], faults: list[tuple[int, bytes]]
) -> None:
    """Every line that has any character is a row, unless the file as a whole is refused."""
    body = "\n".join(lines).encode()
    for place, inserted in faults:
        body = body[: place % (len(body) + 1)] + inserted + body[place % (len(body) + 1) :]
    content = b"path,label\n" + body
    (shop / "mutated.csv").write_bytes(content)
    try:
        text, _ = read_text(shop / "mutated.csv")
        listing = read_csv(shop / "mutated.csv", shop / "cache")
    except SourceError as error:
        assert "mutated.csv" in str(error)
        return
    rows = [line for line in re.split("\r\n|[\r\n]", text) if line]
    assert len(listing.pictures) + len(listing.skipped) == len(rows) - 1


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12), min_size=1, max_size=6))
def test_rows_in_are_pictures_and_skipped_rows_also_with_lines_in_cells(shop: Path, cells: list[str]) -> None:
    file = StringIO(newline="")
    csv.writer(file).writerows([["path", "id", "note"], *(("0.jpg", n, cell) for n, cell in enumerate(cells))])
    listing = read(shop, file.getvalue())
    assert len(listing.pictures) == len(cells)
    assert not listing.skipped
