"""A CSV as a source: its columns, their types, and the rows that cannot be used."""

import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.text import normal
from tests.support.marks import examples
from trainer.errors import SourceError
from trainer.sources.base import Listing
from trainer.sources.table import read_csv
from trainer.sources.table.values import MISSING

LABEL = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cn", "Zl", "Zp"]), max_size=12)
CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


def read(folder: Path, content: str | bytes) -> Listing:
    """The listing of a CSV beside pictures 0.jpg to 9.jpg."""
    for number in range(10):
        (folder / f"{number}.jpg").touch()
    table = folder / "shop.csv"
    table.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_csv(table, folder / "cache")


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


def test_names_of_columns_in_capitals_and_among_blanks(tmp_path: Path) -> None:
    listing = read(tmp_path, "\ufeff Path , LABEL ,Note\u00a0,ID\r\n0.jpg, cup ,x,a\r\n")
    (picture,) = listing.pictures
    assert (picture.id, picture.label, picture.attributes) == ("a", "cup", {"Note": "x"})


@pytest.mark.parametrize("name", ["class", "Category", "class name", "TARGET"])
def test_a_name_that_is_near_to_label_is_told(name: str, tmp_path: Path) -> None:
    listing = read(tmp_path, f"path,{name}\n0.jpg,cup\n")
    assert listing.pictures[0].attributes == {name: "cup"}
    assert listing.notes == [
        f"No column is called label: {name} is an attribute. If it is the label, rename it to label."
    ]
    assert not read(tmp_path, f"path,label,{name}\n0.jpg,mug,cup\n").notes


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(delimiter: str, tmp_path: Path) -> None:
    content = "path,label,note\n0.jpg,cup,x\n1.jpg,bowl,y\n".replace(",", delimiter)
    for text in (content, f"sep={delimiter}\n{content}"):
        listing = read(tmp_path, text)
        assert [(p.label, p.attributes["note"]) for p in listing.pictures] == [("cup", "x"), ("bowl", "y")]
        assert not listing.skipped


def test_labels_and_ids_that_look_the_same_are_the_same(tmp_path: Path) -> None:
    listing = read(
        tmp_path,
        "path,id,label,note\n0.jpg,cafe\u0301,cafe\u0301,e\u0301\n1.jpg,b,caf\u00e9\u200b,\ufeff\n"
        "2.jpg,caf\u00e9,x,\n3.jpg,c,\u00a0caf\u00e9\u00a0,\n4.jpg,d,\u200b,\n5.jpg,e,👩\u200d👧,\n",
    )
    assert [(p.id, p.label) for p in listing.pictures] == [
        ("caf\u00e9", "caf\u00e9"),
        ("b", "caf\u00e9"),
        ("c", "caf\u00e9"),
        ("d", None),
        ("e", "👩\u200d👧"),
    ]
    assert [p.attributes for p in listing.pictures] == [{"note": "\u00e9"}, {}, {}, {}, {}]
    assert [entry.reason for entry in listing.skipped] == ["an earlier row has the same picture or id: row 2"]
    assert listing.notes == ["Row 6 has a label of blanks only, and so no label."]


def test_labels_that_say_there_is_none_are_told(tmp_path: Path) -> None:
    listing = read(tmp_path, "path,label\n0.jpg,nan\n1.jpg,nan\n2.jpg,cup\n")
    assert listing.notes == ["2 rows have the label nan. If that means that there is none, leave the cell empty."]


@settings(deadline=None, max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["train", "Val", "valid", "VALIDATION", " test ", ""]), min_size=1, max_size=10))
def test_the_publisher_s_parts(tmp_path: Path, parts: list[str]) -> None:
    listing = read(tmp_path, "path,id,part\n" + "".join(f"0.jpg,{n},{part}\n" for n, part in enumerate(parts)))
    for picture, part in zip(listing.pictures, parts, strict=True):
        assert (picture.part or "").startswith(part.strip().lower())
        assert (picture.part is None) == (not part)
        assert "part" not in picture.attributes


def test_words_for_no_value_are_no_part(tmp_path: Path) -> None:
    parts = [picture.part for picture in read(tmp_path, "path,part\n0.jpg,train\n1.jpg,n/a\n2.jpg,-\n").pictures]
    assert parts == ["train", None, None]


def test_an_unknown_part_is_an_error_that_names_the_row(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"shop\.csv, row 3: the column part holds brake\..*rename it"):
        read(tmp_path, "path,part\n0.jpg,train\n1.jpg,brake\n")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(LABEL, CELL), min_size=1, max_size=5))
def test_whatever_a_csv_writer_writes_comes_back(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    with (tmp_path / "all.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [["path", "id", "label", "note"], *(("0.jpg", n, *row) for n, row in enumerate(rows))]
        )
    (tmp_path / "0.jpg").touch()
    listing = read_csv(tmp_path / "all.csv", tmp_path / "cache")
    assert len(listing.pictures) == len(rows)
    for picture, (label, note) in zip(listing.pictures, rows, strict=True):
        assert picture.label == (normal(label) or None)
        if normal(note).lower() not in MISSING:
            assert len(picture.attributes) == bool(normal(note))


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
        ("shop.csv, row 6", "an earlier row has the same picture or id: row 2"),
        ("shop.csv, row 7", "it cannot be looked up: File name too long"),
        ("shop.csv, row 8", "there is no such file"),
        (
            "shop.csv, row 9",
            "ftp: cannot be fetched, only http:// and https://; download it, and name the file in the column path",
        ),
        ("shop.csv, row 10", "it could not be fetched (InvalidURL)"),
    ]


def test_a_picture_knows_its_row(tmp_path: Path) -> None:
    pictures = read(tmp_path, "path,id\n0.jpg,a\n\n1.jpg,b\n").pictures
    assert [p.place for p in pictures] == ["shop.csv, row 2: 0.jpg", "shop.csv, row 3 (line 4): 1.jpg"]


def test_doubled_ids_keep_the_first_and_other_ids_keep_the_same_picture(tmp_path: Path) -> None:
    listing = read(tmp_path, "path,id\n0.jpg,a\n1.jpg,a\n0.jpg,b\n")
    assert [(picture.id, picture.path.name) for picture in listing.pictures] == [("a", "0.jpg"), ("b", "0.jpg")]
    assert [entry.reason for entry in listing.skipped] == ["an earlier row has the same picture or id: row 2"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty. It needs a first line with the names of its columns, such as path,label."),
        (b"\n\n", "is empty. It needs a first line with the names of its columns"),
        (b"# my list\npath,label\n0.jpg,cup\n", "Its first line looks like a comment: take it off."),
        (b"file,label\n0.jpg,cup\n", "needs a column path or url; its columns are file, label"),
        (b"Filename,label\n0.jpg,cup\n", "If Filename says where the pictures are, rename it to path."),
        (b"image link;label\n0.jpg,cup\n", "its columns are image link, label."),
        (b"0.jpg,cup\n1.jpg,cup\n", "Its first line is a picture already: put the names of the columns above it"),
        ("path,caf\u00e9,cafe\u0301\n0.jpg,1,2\n".encode(), "has the column caf\u00e9 more than once"),
        (b"path,Label,LABEL\n0.jpg,1,2\n", "has the column label more than once (Label and LABEL). Rename one"),
        (b'"path,label"\n"0.jpg,cup"\n', "Each line is in quotes as a whole: take them off."),
        (b"path,size,size\n0.jpg,1,2\n", "has the column size more than once"),
        (b"path, path \n0.jpg,1.jpg\n", "has the column path more than once"),
        (b"path\n", "can be used: it has no rows"),
        (b"path\nabsent.jpg\n", "can be used: there is no such file"),
        (b"path\nx.jpg\ny.jpg\n", "there is no such file (all 2 rows; the first is shop.csv, row 2: x.jpg)"),
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


def test_a_first_line_of_two_separators_is_told(tmp_path: Path) -> None:
    (tmp_path / "0.jpg").touch()
    (tmp_path / "table.csv").write_text("path,label;price\n0.jpg,cup;1\n")
    (note,) = read_csv(tmp_path / "table.csv", tmp_path / "cache").notes
    assert note == "The column label;price looks like several: its first line mixes separators."


@pytest.mark.parametrize("first", ['"sep=;"', '\ufeff"SEP=;"\r', "sep=;;;", "  \n\t\nsep=;"])
def test_the_separator_that_a_first_line_names_is_used(first: str, tmp_path: Path) -> None:
    listing = read(tmp_path, f"{first}\npath;label\n0.jpg;cup, small\n")
    assert [picture.label for picture in listing.pictures] == ["cup, small"]


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        ("My pictures\n\npath,label\n0.jpg,a\n", "Line 3 names the columns: take off what stands above it."),
        ("Shop;2026\nurl;label\nx;a\n", "Line 2 names the columns: take off what stands above it."),
        *(
            (f"path{by}label\n0.jpg{by}a\n", "Put a comma, a semicolon, a tab or | between")
            for by in " :^~\x01\x1f\uff1b"
        ),
    ],
)
def test_a_header_that_cannot_be_read_is_told_how_to_mend(content: str, advice: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as raised:
        read(tmp_path, content)
    assert advice in str(raised.value)


@pytest.mark.parametrize("text", ["inf", "-Infinity", "1e999", "12 kg", "$5"])
def test_a_column_of_what_looks_like_numbers_is_told_to_be_text(text: str, tmp_path: Path) -> None:
    listing = read(tmp_path, f"path,size\n0.jpg,{text}\n1.jpg,{text}\n")
    assert listing.pictures[0].attributes == {"size": text}
    assert [note for note in listing.notes if note.startswith("Column size is kept as text")]
