"""Items that come, change and go one by one: against a dictionary, in listed order, and with replies remembered."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from retrieval.catalogue import Catalogue, Item, Order, Reply, changes
from retrieval.errors import CatalogueError, ItemMissing
from retrieval.filters import Filter, OneOf, Range
from tests.support.marks import examples

ORDERS: tuple[tuple[Literal["id", "label", "attribute"], str], ...] = (
    ("id", ""),
    ("label", ""),
    ("attribute", "a"),
    ("attribute", "b'\""),
)
EVERY_ORDER = [Order(by, name, descending) for by, name in ORDERS for descending in (False, True)]
VALUES = st.one_of(
    st.none(), st.integers(-3, 3), st.sampled_from([0.5, 2**53 + 1, -1e300]), st.booleans(), st.sampled_from("aBä花")
)


def item(id_: str, **changed: Any) -> Item:
    plain = Item(id_, f"images/{id_}.jpg", "0" * 64, "image/jpeg", 400, 533, None, {}, "api")
    return replace(plain, **changed)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with closing(Catalogue(f"sqlite:///{tmp_path / 'catalogue.sqlite'}")) as opened:
        yield opened


def fill(catalogue: Catalogue, *items: Item) -> set[str]:
    with catalogue.writing() as rows:
        return rows.insert(items)


names = st.sampled_from(["a", "b", "c/d", "ä 花", "x" * 128])
sizes = st.integers(0, 3)


class Writes(RuleBasedStateMachine):
    """A catalogue and a dictionary go through the same changes, trainers' among them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.catalogue = Catalogue(f"sqlite:///{self.folder.name}/catalogue.sqlite")
        self.expected: dict[str, Item] = {}

    def teardown(self) -> None:
        self.catalogue.close()
        self.folder.cleanup()

    @rule(rows=st.dictionaries(names, sizes))
    def insert(self, rows: dict[str, int]) -> None:
        items = [item(name, attributes={"size": size}, label=f"label {size}") for name, size in rows.items()]
        added = fill(self.catalogue, *items)
        assert added == rows.keys() - self.expected.keys()
        self.expected.update({each.id: each for each in items if each.id in added})

    @rule(rows=st.dictionaries(names, sizes))
    def train(self, rows: dict[str, int]) -> None:
        items = {name: item(name, width=1 + size, origin="source") for name, size in rows.items()}
        self.catalogue.replace_source(items.values())
        self.expected = {name: kept for name, kept in self.expected.items() if kept.origin == "api"} | items

    @rule(name=names, label=st.none() | st.just("new"))
    def describe(self, name: str, label: str | None) -> None:
        with self.catalogue.writing() as rows:
            if name not in self.expected:
                with pytest.raises(ItemMissing):
                    rows.get(name)
                return
            self.expected[name] = replace(rows.get(name), label=label, attributes={"b": True})
            rows.describe(self.expected[name])

    @rule(doomed=st.sets(names))
    def delete(self, doomed: set[str]) -> None:
        with self.catalogue.writing() as rows:
            gone = rows.delete(doomed)
        assert sorted(each.id for each in gone) == sorted(doomed & self.expected.keys())
        assert all(self.expected.pop(each.id) == each for each in gone)

    @rule(size=sizes)
    def delete_matching(self, size: int) -> None:
        filter_ = Filter(label=OneOf((f"label {size}", None)), attributes={"size": Range(gte=size)})
        expected = set(self.catalogue.matching(filter_))
        with self.catalogue.writing() as rows:
            gone = rows.delete_matching(filter_)
        assert {each.id for each in gone} == expected
        assert all(float(each.attributes["size"]) >= size for each in gone)
        for each in gone:
            del self.expected[each.id]

    @rule(name=names)
    def undone(self, name: str) -> None:
        with pytest.raises(RuntimeError), self.catalogue.writing() as rows:
            rows.delete([name])
            rows.insert([item("never")])
            raise RuntimeError

    @invariant()
    def holds_what_is_expected(self) -> None:
        assert {each.id: each for each in self.catalogue.items()} == self.expected


TestWrites = Writes.TestCase
TestWrites.settings = settings(max_examples=examples(25), stateful_step_count=20, deadline=None)


def rank(value: Any) -> tuple[bool, int, float, str]:
    """The order that Order promises of values, in Python's words."""
    kind = 1 if isinstance(value, str) else 2 if isinstance(value, bool) else 0
    return (value is None, kind, 0 if kind == 1 or value is None else value, value if kind == 1 else "")


@settings(max_examples=examples(30), deadline=None)
@given(
    rows=st.dictionaries(
        names | st.text("ab", min_size=1, max_size=3),
        st.tuples(VALUES, VALUES, st.sampled_from(["", "l", None])),
        max_size=12,
    ),
    order=st.sampled_from(EVERY_ORDER),
    limit=st.integers(1, 5),
)
def test_pages_of_a_list_are_the_sorted_items(rows: dict[str, tuple[Any, ...]], order: Order, limit: int) -> None:
    with TemporaryDirectory() as folder, closing(Catalogue(f"sqlite:///{folder}/catalogue.sqlite")) as catalogue:
        items = []
        for name, (first, second, label) in rows.items():
            held = {key: value for key, value in (("a", first), ("b'\"", second)) if value is not None}
            items.append(item(name, attributes=held, label=label))
        fill(catalogue, *items)
        result: list[Item] = []
        after = None
        while page := catalogue.listed(order=order, limit=limit, after=after):
            assert all(order.fits(place) and order.fits(list(place)) for _, place in page)
            result += [each for each, _ in page]
            after = page[-1][1]
        assert [each.id for each in result] == [each.id for each in expected_order(items, order)]


def expected_order(items: list[Item], order: Order) -> list[Item]:
    def value(each: Item) -> object:
        return None if order.by == "id" else each.label if order.by == "label" else each.attributes.get(order.name)

    ranked = sorted(items, key=lambda each: (rank(value(each))[1:], each.id), reverse=order.descending)
    return ranked if order.by == "id" else sorted(ranked, key=lambda each: value(each) is None)


def test_a_page_goes_on_where_it_ended_though_items_come_and_go(catalogue: Catalogue) -> None:
    fill(catalogue, *(item(f"{n:02}") for n in range(0, 20, 2)))
    first = catalogue.listed(limit=4)
    with catalogue.writing() as rows:
        rows.delete([each.id for each, _ in first])
        rows.insert([item("01"), item("07")])
    second = catalogue.listed(limit=3, after=first[-1][1])
    assert [each.id for each, _ in second] == ["07", "08", "10"]


@pytest.mark.parametrize("place", [None, [], ["a", "b"], [1], ["\0"], [True, 0, 2**70, "a", "b"]])
def test_what_is_no_place_in_an_order_is_told(place: object) -> None:
    assert not any(order.fits(place) for order in EVERY_ORDER)


def test_a_reply_is_remembered_with_the_row_or_not_at_all(catalogue: Catalogue) -> None:
    reply = Reply("key 1", "f" * 64, 201, '{"id": "花"}')
    with pytest.raises(RuntimeError), catalogue.writing() as rows:
        assert rows.remember(reply)
        raise RuntimeError
    assert catalogue.reply("key 1") is None
    with catalogue.writing() as rows:
        assert rows.remember(reply)
    with catalogue.writing() as rows:
        assert not rows.remember(replace(reply, status=200))
    assert catalogue.reply("key 1") == reply


def test_replies_are_forgotten_after_a_week(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000_000_000.0]
    monkeypatch.setattr("retrieval.catalogue.changes.time.time", lambda: now[0])
    for key, later in (("old", 0), ("new", changes.KEPT_SECONDS), ("newest", 2)):
        now[0] += later
        with catalogue.writing() as rows:
            assert rows.remember(Reply(key, "f" * 64, 201, "{}"))
    assert catalogue.reply("old") is None
    assert catalogue.reply("new") is not None


def test_files_and_ids_of_no_item_are_told(catalogue: Catalogue) -> None:
    fill(catalogue, *(item(str(n)) for n in range(1200)))
    with catalogue.writing() as rows:
        assert rows.unnamed([f"images/{n}.jpg" for n in range(1, 1300)]) == {
            f"images/{n}.jpg" for n in range(1200, 1300)
        }
        assert rows.absent([*map(str, range(1300)), "\ud800"[:0]]) == {*map(str, range(1200, 1300)), ""}


def test_what_no_database_holds_is_refused_and_undone(catalogue: Catalogue) -> None:
    with pytest.raises(CatalogueError, match="cannot be stored"):
        fill(catalogue, item("fine"), item("b", attributes={"a": float("nan")}))
    assert catalogue.count() == 0


def test_writers_of_two_processes_wait_for_each_other(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'catalogue.sqlite'}"
    Catalogue(url).close()

    def count_up(_: int) -> None:
        with closing(Catalogue(url)) as own:
            for _ in range(20):
                with own.writing() as rows:
                    result = rows.get("counter")
                    rows.describe(replace(result, attributes={"n": int(result.attributes["n"]) + 1}))

    with closing(Catalogue(url)) as catalogue:
        fill(catalogue, item("counter", attributes={"n": 0}))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(count_up, range(4)))
        assert catalogue.get("counter").attributes == {"n": 80}
