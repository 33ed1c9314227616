"""Tables in JSON: each object becomes a picture or is skipped with its row; values are those that a CSV would have."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainer.errors import SourceError
from trainer.sources.base import Listing
from trainer.sources.table import read_csv

ROWS: list[dict[str, Any]] = [
    {"path": "0.jpg", "id": "a", "label": "Käse", "price": 3.5, "sold": True, "made": "2024-01-31"},
    {"path": "1.jpg", "id": "b", "price": None, "sold": False, "note": 'two\nlines, "quoted"'},
]
JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


def read(folder: Path, content: str | bytes, name: str = "shop.jsonl") -> Listing:
    for number in range(3):
        (folder / f"{number}.jpg").touch()
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_csv(folder / name, folder / "cache")


def in_lines(rows: list[Any]) -> str:
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


@pytest.mark.parametrize(
    "content",
    [
        in_lines(ROWS),
        in_lines(ROWS).replace("\n", "\r\n\r\n").encode("utf-8-sig"),
        in_lines(ROWS).encode("utf-16"),
        gzip.compress(in_lines(ROWS).encode(), mtime=0),
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
    ],
)
def test_lines_and_lists_of_objects(content: str | bytes, tmp_path: Path) -> None:
    listing = read(tmp_path, content)
    first, second = listing.pictures
    assert (first.id, first.path, first.label) == ("a", tmp_path / "0.jpg", "Käse")
    assert first.attributes == {"price": 3.5, "sold": True, "made": "2024-01-31"}
    assert (second.label, second.attributes) == (None, {"sold": False, "note": 'two\nlines, "quoted"'})
    assert not listing.skipped
    assert not listing.notes


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"path": "1.jpg"', "it is not JSON: Expecting ',' delimiter"),
        ('["1.jpg"]', "it is no object"),
        ('"1.jpg"', "it is no object"),
        ("null", "it is no object"),
        ('{"path": "1.jpg", "path": "2.jpg"}', "an object has a name twice"),
        ('{"path": "1.jpg", "x": ' + "[" * 100_000 + "]" * 100_000 + "}", "it is nested too deeply"),
        ('{"path": "1.jpg", "x": "\\ud83d"}', "half of a character"),
        ('{"path": "9.jpg"}', "there is no such file"),
        ('{"label": "cup"}', "it names no path and no URL"),
        ('{"path": ["1.jpg"]}', "there is no such file"),
    ],
)
def test_an_object_that_cannot_be_used_is_skipped_with_its_row(line: str, reason: str, tmp_path: Path) -> None:
    listing = read(tmp_path, f'{{"path": "0.jpg"}}\n{line}\n{{"path": "2.jpg"}}\n')
    assert [picture.path.name for picture in listing.pictures] == ["0.jpg", "2.jpg"]
    (skipped,) = listing.skipped
    assert skipped.place.startswith("shop.jsonl, row 2: ")
    assert reason in skipped.reason


def test_lists_and_objects_inside_are_kept_and_told(tmp_path: Path) -> None:
    listing = read(tmp_path, in_lines([{"path": "0.jpg", "tags": ["a", 1]}, {"path": "1.jpg", "tags": {"b": None}}]))
    assert [picture.attributes["tags"] for picture in listing.pictures] == ['["a", 1]', '{"b": null}']
    assert listing.notes == ["Column tags holds lists or objects, the first in row 1: they are kept as text in JSON."]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{\n "path": "0.jpg"\n}', "neither a list of objects nor an object in each line. Make one of it"),
        ('{"path": {"0": "0.jpg"}}', "neither a list of objects nor an object in each line"),
        ("[]", "neither a list of objects nor an object in each line"),
        ("[1, 2]", "neither a list of objects nor an object in each line"),
        ('[{"path": "0.jpg"}', "cannot be read as JSON: Expecting"),
        ('{"file_name": "0.jpg"}', "rename it to path"),
        ('{"path": "0.jpg", " Path": "1.jpg"}', "has the column path more than once"),
    ],
)
def test_json_that_is_no_table_is_refused(content: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as raised:
        read(tmp_path, content)
    assert words in str(raised.value)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(JSON_VALUE | st.dictionaries(st.sampled_from(["label", "id", "x", "y"]), JSON_VALUE), max_size=6))
def test_no_row_is_lost(tmp_path: Path, entries: list[Any]) -> None:
    rows = [{"path": "0.jpg", "id": "first"}, *entries]
    for content in (in_lines(rows), json.dumps(rows)):
        listing = read(tmp_path, content)
        assert len(listing.pictures) + len(listing.skipped) == len(rows)
