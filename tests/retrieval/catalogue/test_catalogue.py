"""The catalogue: what is written is read back, and replacements are whole, even to a reader meanwhile."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval import catalogue as module
from retrieval.catalogue import Catalogue, Item
from retrieval.errors import CatalogueError, ItemMissing
from tests.support.marks import examples


def item(id_: str, **changes: Any) -> Item:
    plain = Item(id_, f"images/{id_}.jpg", "0" * 64, "image/jpeg", 400, 533, None, {}, "source")
    return replace(plain, **changes)


def url_of(file: Path) -> str:
    return f"sqlite:///{file}"


def as_api_items(file: Path, ids: set[str]) -> None:
    """What the API adds later."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executemany("UPDATE items SET origin = 'api' WHERE id = ?", [(id_,) for id_ in ids])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.sqlite"


@pytest.fixture
def catalogue(url: str) -> Iterator[Catalogue]:
    opened = Catalogue(url)
    yield opened
    opened.close()


ATTRIBUTES = {"shape": "bauchig 🏺", "height": 31, "weight": 1.0, "chipped": False, "größe": ""}
RICH = item("Vase 1/ä-花", location="/some where/花.png", label="Vase mit Ö 🏺", attributes=ATTRIBUTES)


def test_items_come_back_as_they_were_written(catalogue: Catalogue) -> None:
    catalogue.replace_source([RICH, item("b")])
    assert catalogue.get(RICH.id) == RICH
    types = [type(value) for value in catalogue.get(RICH.id).attributes.values()]
    assert types == [str, int, float, bool, str]
    assert catalogue.get("b") == item("b")


def test_an_empty_catalogue_answers(catalogue: Catalogue) -> None:
    assert (catalogue.count(), catalogue.ids(), list(catalogue.items()), catalogue.labels()) == (
        0,
        [],
        [],
        {},
    )


@pytest.mark.parametrize("id_", ["absent", "", "x" * 129, "\0", "\ud800"])
def test_an_absent_or_impossible_id_is_missing(catalogue: Catalogue, id_: str) -> None:
    with pytest.raises(ItemMissing):
        catalogue.get(id_)
    assert catalogue.get_many([id_]) == {}


def test_get_many_takes_any_number_of_ids_and_leaves_out_absent_ones(catalogue: Catalogue) -> None:
    written = {f"{n:05}": item(f"{n:05}") for n in range(3 * module.BATCH + 1)}
    catalogue.replace_source(written.values())
    assert catalogue.get_many([*written, "absent", "00001", *map(str, range(40_000))]) == written
    assert catalogue.get_many([]) == {}


def test_ids_and_items_are_in_the_same_order_of_code_points(catalogue: Catalogue) -> None:
    ids = ["b", "B", "a", "ä", "_", "10", "9", "花", *(f"n{n}" for n in range(2 * module.BATCH))]
    catalogue.replace_source(item(id_) for id_ in ids)
    assert catalogue.ids() == sorted(ids)
    assert [entry.id for entry in catalogue.items()] == sorted(ids)
    assert catalogue.count() == len(ids)


def test_labels_are_counted(catalogue: Catalogue) -> None:
    labels = ["vase", "bowl", None, "vase", ""]
    catalogue.replace_source(item(str(n), label=label) for n, label in enumerate(labels))
    assert catalogue.labels() == {"": 1, "bowl": 1, "vase": 2}
    catalogue.replace_source([item("twice", label="earlier"), item("twice", label="later")])
    assert catalogue.labels() == {"later": 1}


Step = tuple[dict[str, int], set[str]]  # the source's items (id: width), ids that the API then adds
some_id = st.sampled_from("abcdefgh")


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(st.tuples(st.dictionaries(some_id, st.integers(0, 3)), st.sets(some_id)), max_size=6))
def test_replacements_do_to_the_catalogue_what_they_do_to_a_dict(steps: list[Step]) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "catalogue.sqlite"
        catalogue = Catalogue(url_of(file))
        expected: dict[str, Item] = {}
        for sources, added_by_api in steps:
            written = [item(id_, width=width) for id_, width in sources.items()]
            kept = {id_: old for id_, old in expected.items() if old.origin == "api"}
            expected = kept | {new.id: new for new in written}
            for _ in range(2):  # the same again changes nothing
                catalogue.replace_source(written)
                assert {entry.id: entry for entry in catalogue.items()} == expected
            as_api_items(file, added_by_api)
            for id_ in added_by_api & expected.keys():
                expected[id_] = replace(expected[id_], origin="api")
        catalogue.close()


def test_a_replacement_that_fails_half_way_leaves_the_old_items(catalogue: Catalogue) -> None:
    def breaking_off() -> Iterator[Item]:
        yield from (item(f"new {n}") for n in range(2 * module.BATCH))
        raise RuntimeError("the source is gone")

    catalogue.replace_source([item("old")])
    with pytest.raises(RuntimeError, match="the source is gone"):
        catalogue.replace_source(breaking_off())
    assert catalogue.ids() == ["old"]


def test_items_outlive_the_process(file: Path) -> None:
    for before, after in ([], [RICH]), ([RICH], []):
        catalogue = Catalogue(url_of(file))
        assert list(catalogue.items()) == before
        catalogue.replace_source(after)
        catalogue.close()


WRITER = """
import itertools, sys
from dataclasses import replace
from retrieval.catalogue import Catalogue
catalogue = Catalogue(sys.argv[1])
items = list(catalogue.items())
for generation in itertools.count(1):
    start = generation % 2 * 700
    catalogue.replace_source(replace(i, width=generation) for i in items[start : start + 1300])
"""


def test_readers_never_see_two_replacements_mixed(catalogue: Catalogue, url: str) -> None:
    ids = [f"{n:04}" for n in range(2000)]
    catalogue.replace_source(item(id_, width=0) for id_ in ids)

    def generation_of(items: list[Item]) -> int:
        (generation,) = {each.width for each in items}
        start = generation % 2 * 700
        assert sorted(each.id for each in items) == (ids[start : start + 1300] if generation else ids)
        return generation

    def read(many: bool) -> None:
        generations: set[int] = set()
        while len(generations) < 5:
            assert writer.poll() is None
            generations.add(generation_of([*catalogue.get_many(ids).values()] if many else [*catalogue.items()]))

    root = Path(module.__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", WRITER, url], cwd=root) as writer:
        try:
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(read, [True, False, True, False]))
        finally:
            writer.kill()
    generation_of([*catalogue.items()])  # killed in the midst of a replacement, perhaps


def test_many_may_create_and_replace_at_once(file: Path) -> None:
    def publish(n: int) -> None:
        catalogue = Catalogue(url_of(file))
        catalogue.replace_source(item(str(i), width=n) for i in range(700))
        catalogue.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(publish, range(16)))
    catalogue = Catalogue(url_of(file))
    assert [entry.width for entry in catalogue.items()] == [catalogue.get("0").width] * 700
    catalogue.close()


def test_opening_waits_while_another_writes_to_the_new_file(file: Path) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(Catalogue, url_of(file))
        time.sleep(0.2)
        other.execute("COMMIT")
        opening.result().close()
    other.close()


@pytest.mark.parametrize("id_", ["", "x" * 129, "a\nb", "a\0", "\ud800"])
def test_ids_are_printable_and_short(id_: str) -> None:
    with pytest.raises(CatalogueError, match="1 to 128 printable characters"):
        item(id_)


@pytest.mark.parametrize(
    "changes",
    [{"attributes": {"weight": float("nan")}}, {"label": "\udcff"}, {"attributes": {"a": object()}}],
)
def test_what_a_database_cannot_hold_is_refused_with_the_items_name(
    catalogue: Catalogue, changes: dict[str, object]
) -> None:
    with pytest.raises(CatalogueError, match="item 'vase 7' cannot be stored"):
        catalogue.replace_source([item("fine"), item("vase 7", **changes)])
    assert catalogue.count() == 0


def test_a_file_that_is_no_database_is_named(file: Path) -> None:
    file.write_bytes(b"these are no items" * 100)
    with pytest.raises(CatalogueError, match=rf"{file}.* not a database"):
        Catalogue(url_of(file))


def test_a_table_of_another_kind_is_named(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE items (id TEXT, price REAL)")
    with pytest.raises(CatalogueError, match=rf"{file}.* id, price, .* location"):
        Catalogue(url_of(file))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("catalogue.sqlite", "cannot be used"),
        ("mysql://host/items", "cannot be kept in mysql; name a sqlite or postgresql URL"),
        ("sqlite:////no/such/folder/catalogue.sqlite", "unable to open database file"),
        ("postgresql+nosuchdriver://user:secret@host/items", "cannot be used"),
    ],
)
def test_a_database_that_cannot_be_reached_is_explained(url: str, message: str) -> None:
    with pytest.raises(CatalogueError, match=message) as raised:
        Catalogue(url)
    assert "secret" not in str(raised.value)
