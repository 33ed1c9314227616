"""When an item came into the catalogue: kept as it is by every later write, ordered by, and chosen by."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from retrieval.catalogue import Catalogue, Item, Order
from retrieval.catalogue.facts.listing import section_of
from retrieval.filters import EVERYTHING, Filter, Period

GOLDEN = Path(__file__).parents[2] / "golden" / "artifacts-4c0cb74"
START = datetime(2026, 11, 24, 18, 5, 42, 73_215, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def catalogue(url: str) -> Iterator[Catalogue]:
    with closing(Catalogue(url)) as opened:
        yield opened


def item(id_: str, seconds: int = 0, **changes: Any) -> Item:
    plain = Item(id_, f"images/{id_}.jpg", "0" * 64, "image/jpeg", 400, 533, None, {}, "source", START)
    return replace(plain, created=START + seconds * SECOND, **changes)


def created(catalogue: Catalogue) -> dict[str, datetime]:
    return {each.id: each.created for each in catalogue.items()}


def test_a_moment_comes_back_to_the_microsecond_in_utc(catalogue: Catalogue) -> None:
    tokyo = START.astimezone(timezone(timedelta(hours=9)))
    early = datetime(1, 1, 1, tzinfo=UTC)
    late = datetime.max.replace(tzinfo=UTC)
    with catalogue.writing() as rows:
        rows.insert(
            [replace(item(name), created=moment) for name, moment in {"a": tokyo, "b": early, "c": late}.items()]
        )
    assert created(catalogue) == {"a": START, "b": early, "c": late}
    assert created(catalogue)["a"].tzinfo == UTC


def test_an_item_that_is_not_given_a_time_comes_now() -> None:
    before = datetime.now(UTC)
    new = Item("a", "images/a.jpg", "0" * 64, "image/jpeg", 8, 8, None, {}, "api")
    assert before <= new.created <= datetime.now(UTC)


def test_every_later_write_keeps_it(catalogue: Catalogue) -> None:
    catalogue.replace_source([item("a"), item("b", 1)])
    catalogue.replace_source([item("a", 5, label="amphora"), item("b", 6), item("c", 7)])
    catalogue.add_source([item("c", 8)])
    with catalogue.writing() as rows:
        assert rows.insert([item("a", 9)]) == set()
        rows.describe(item("b", 9, label="bowl"))
    assert created(catalogue) == {"a": START, "b": START + SECOND, "c": START + 7 * SECOND}
    assert catalogue.get("a").label == "amphora"


def test_an_item_that_comes_back_is_new(catalogue: Catalogue) -> None:
    catalogue.replace_source([item("a")])
    with catalogue.writing() as rows:
        assert [each.created for each in rows.delete(["a"])] == [START]
        rows.insert([item("a", 3)])
    assert created(catalogue) == {"a": START + 3 * SECOND}


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [1, 3, 100])
def test_pages_in_the_order_in_which_items_came(catalogue: Catalogue, descending: bool, limit: int) -> None:
    items = [item(f"{(7 * number) % 10}", number // 3) for number in range(10)]
    catalogue.replace_source(items)
    order = Order("created", descending=descending)
    result: list[Item] = []
    place = None
    while rows := catalogue.listed(EVERYTHING, order, limit=limit, after=place):
        result += [each for each, _ in rows]
        place = rows[-1][1]
        assert order.fits(list(place))
    assert result == sorted(items, key=lambda each: (each.created, each.id), reverse=descending)


@pytest.mark.parametrize("descending", [False, True])
def test_a_page_is_read_from_the_index(tmp_path: Path, descending: bool) -> None:
    """So that the last page costs what the first one does."""
    Catalogue(f"sqlite:///{tmp_path / 'catalogue.sqlite'}").close()
    statement = section_of(Order("created", descending=descending), "sqlite").statement((5, "a"), 10)
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'catalogue.sqlite'}")
    with engine.connect() as connection:
        compiled = str(statement.compile(engine, compile_kwargs={"literal_binds": True}))
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}").all())
    engine.dispose()
    assert "SEARCH items USING COVERING INDEX items_created ((created,id)" in plan
    assert "B-TREE" not in plan  # nothing is sorted


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, "abcd"),
        (1, None, "bcd"),
        (None, 1, "a"),
        (1, 3, "bc"),
        (2, 2, ""),
        (9, None, ""),
    ],
)
def test_a_period_has_its_start_and_not_its_end(
    catalogue: Catalogue, start: int | None, end: int | None, expected: str
) -> None:
    catalogue.replace_source([item(name, seconds) for seconds, name in enumerate("abcd")])
    bounds = [None if seconds is None else START + seconds * SECOND for seconds in (start, end)]
    filter_ = Filter(created=Period(*bounds))
    assert "".join(catalogue.matching(filter_)) == expected
    assert catalogue.count_matching(filter_) == len(expected)
    with catalogue.writing() as rows:
        assert len(rows.delete_matching(filter_)) == len(expected)


def test_items_from_before_have_the_time_of_their_files(tmp_path: Path) -> None:
    artifacts = shutil.copytree(GOLDEN, tmp_path / "artifacts")
    with closing(Catalogue(f"sqlite:///{artifacts / 'catalogue.sqlite'}")) as catalogue:
        items = list(catalogue.items())
    assert items
    for each in items:
        written = (artifacts / each.location).stat().st_mtime_ns // 1000
        assert (each.created - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) == written


def test_items_from_before_whose_files_tell_nothing_have_the_time_of_the_upgrade(tmp_path: Path) -> None:
    artifacts = shutil.copytree(GOLDEN, tmp_path / "artifacts")
    lost, future = sorted((artifacts / "pottery").glob("*/*.jpg"))[:2]
    lost.unlink()
    os.utime(future, (2**33, 2**33))
    before = datetime.now(UTC)
    with closing(Catalogue(f"sqlite:///{artifacts / 'catalogue.sqlite'}")) as catalogue:
        times = {artifacts / each.location: each.created for each in catalogue.items()}
    for path in (lost, future):
        assert before <= times[path] <= datetime.now(UTC)


def test_a_reply_from_before_says_when_its_item_came(tmp_path: Path) -> None:
    artifacts = shutil.copytree(GOLDEN, tmp_path / "artifacts")
    with closing(Catalogue(f"sqlite:///{artifacts / 'catalogue.sqlite'}")) as catalogue:
        reply = catalogue.reply("order-1")
        moment = catalogue.get("added/amphora 1").created
    assert reply is not None
    assert f'"created":"{moment.isoformat().replace("+00:00", "Z")}"' in reply.body
