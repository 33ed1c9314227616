"""Facts, counts and remembered sets of items stay what the items say, whatever is written, and in which order."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from retrieval.catalogue import Catalogue, Item, Order, source
from retrieval.catalogue.copies import CatalogueFile
from retrieval.catalogue.facts import ledger
from retrieval.catalogue.facts.listing import section_of
from retrieval.errors import CatalogueError
from retrieval.filters import Filter, OneOf, Range, Value
from tests.retrieval.test_filters import NAMES, filters, keyed, passes, texts, values
from tests.support.marks import examples

names = st.sampled_from(["a", "b", "c/d", "ä 花", "e"])
descriptions = st.tuples(st.none() | texts, st.dictionaries(st.sampled_from(NAMES), values, max_size=3))
rows = st.dictionaries(names, descriptions, max_size=4)


def item(id_: str, **changed: Any) -> Item:
    plain = Item(id_, f"images/{id_}.jpg", "0" * 64, "image/jpeg", 400, 533, None, {}, "api")
    return replace(plain, **changed)


class Derived(RuleBasedStateMachine):
    """A catalogue that remembers sets of items from one change to the next, beside a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.catalogue = Catalogue(f"sqlite:///{self.folder.name}/catalogue.sqlite")
        self.expected: dict[str, Item] = {}

    def teardown(self) -> None:
        self.catalogue.check()
        self.catalogue.close()
        self.folder.cleanup()

    @rule(new=rows)
    def insert(self, new: dict[str, tuple[str | None, dict[str, Any]]]) -> None:
        with self.catalogue.writing() as changes:
            items = [item(name, label=label, attributes=held) for name, (label, held) in new.items()]
            added = changes.insert(items)
        self.expected.update({each.id: each for each in items if each.id in added})

    @rule(new=rows, digest=st.sampled_from("01"))
    def train(self, new: dict[str, tuple[str | None, dict[str, Any]]], digest: str) -> None:
        items = [
            item(name, label=label, attributes=held, origin="source", sha256=64 * digest)
            for name, (label, held) in new.items()
        ]
        self.catalogue.add_source(items[:1])
        self.catalogue.replace_source(items)
        self.expected = {name: kept for name, kept in self.expected.items() if kept.origin == "api"}
        self.expected |= {each.id: each for each in items}

    @rule(name=names, description=descriptions)
    def describe(self, name: str, description: tuple[str | None, dict[str, Any]]) -> None:
        if name in self.expected:
            self.expected[name] = replace(self.expected[name], label=description[0], attributes=description[1])
            with self.catalogue.writing() as changes:
                changes.describe(self.expected[name])

    @rule(doomed=st.sets(names, max_size=2))
    def delete(self, doomed: set[str]) -> None:
        with self.catalogue.writing() as changes:
            changes.delete(doomed)
        for name in doomed & self.expected.keys():
            del self.expected[name]

    @rule(name=names, description=descriptions)
    def exchange(self, name: str, description: tuple[str | None, dict[str, Any]]) -> None:
        """Another picture in place of one, in one transaction."""
        if name in self.expected:
            self.expected[name] = item(name, label=description[0], attributes=description[1], sha256="f" * 64)
            with self.catalogue.writing() as changes:
                changes.delete([name])
                changes.insert([self.expected[name]])

    @rule(filter_=filters, name=st.sampled_from([None, *NAMES]))
    def ask(self, filter_: Filter, name: str | None) -> None:
        wanted = sorted(each.id for each in self.expected.values() if passes(filter_, each.label, each.attributes))
        assert self.catalogue.matching(filter_) == wanted
        assert self.catalogue.select(filter_) is self.catalogue.select(filter_)
        for condition in (Filter(), filter_):
            items = [each for each in self.expected.values() if passes(condition, each.label, each.attributes)]
            own = Counter(keyed(each.label if name is None else each.attributes.get(name)) for each in items)
            assert self.catalogue.count_values(name, condition) == len(own)
            choice: list[Value | None] = ["a", 1, True, 0.5, None]
            values_by_key = {keyed(value): value for value in choice if name or not value or value == "a"}
            tallied = self.catalogue.tally(name, list(values_by_key.values()), condition)
            assert {keyed(value): count for value, count in tallied} == {
                key: own[key] for key in values_by_key if own[key]
            }

    @invariant()
    def all_are_counted(self) -> None:
        assert self.catalogue.count() == len(self.expected)


TestDerived = Derived.TestCase
TestDerived.settings = settings(max_examples=examples(15), stateful_step_count=20, deadline=None)


@pytest.fixture(params=[False, True], ids=["noted", "anew"])
def limited(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to write what is derived, and to follow it."""
    if request.param:
        monkeypatch.setattr(source, "MAX_NOTED", 2)
        monkeypatch.setattr(ledger, "MAX_JOURNALED", 2)
        monkeypatch.setattr(ledger, "KEPT_VERSIONS", 3)


@pytest.fixture
def catalogue(url: str) -> Iterator[Catalogue]:
    with closing(Catalogue(url)) as opened:
        yield opened


LONG = "long " * 300


@pytest.mark.usefixtures("limited")
def test_many_changes_are_followed_as_well_as_few(catalogue: Catalogue) -> None:
    cheap, long = Filter(attributes={"price": Range(lt=3)}), Filter(attributes={LONG: OneOf((LONG + "a",))})
    for step in range(12):
        items = [
            item(f"{number}", attributes={"price": (number + step) % 7, LONG: LONG + "ab"[number % 2]}, origin="source")
            for number in range(step % 5, 12)
        ]
        catalogue.replace_source(items)
        with catalogue.writing() as changes:
            changes.insert([item(f"own {step}", attributes={"price": step / 2})])
            changes.delete([f"own {step - 3}"])
        catalogue.check()
        everything = list(catalogue.items())
        for filter_, name in ((cheap, "price"), (long, LONG)):
            wanted = [each for each in everything if passes(filter_, each.label, each.attributes)]
            assert catalogue.matching(filter_) == [each.id for each in wanted]
            assert catalogue.count_values(name, filter_) == len({each.attributes[name] for each in wanted})
    facets = {facet.name: facet for facet in catalogue.facets(limit=5)}
    assert facets.keys() == {"price", LONG}
    assert {value for value, _ in facets[LONG].values} == {LONG + "a", LONG + "b"}


def test_another_process_is_followed(url: str) -> None:
    with closing(Catalogue(url)) as one, closing(Catalogue(url)) as other:
        red = Filter(attributes={"colour": OneOf(("red",))})
        assert one.matching(red) == []
        for number in range(3):
            with other.writing() as changes:
                changes.insert([item(f"{number}", attributes={"colour": "red"})])
            assert one.matching(red) == [f"{each}" for each in range(number + 1)]
            assert one.facets(red, limit=1)[0].values == (("red", number + 1),)


def test_writers_at_once_count_exactly(url: str) -> None:
    Catalogue(url).close()

    def write(writer: int) -> None:
        with closing(Catalogue(url)) as own:
            for turn in range(12):
                with own.writing() as changes:
                    changes.insert([item(f"{writer} {turn}", label=f"{turn % 3}", attributes={"n": turn % 2})])
                if turn % 3 == 2:
                    with own.writing() as changes:
                        changes.delete([f"{writer} {turn - 1}", f"{(writer + 1) % 4} {turn - 2}"])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    with closing(Catalogue(url)) as catalogue:
        catalogue.check()
        labels = Counter(each.label for each in catalogue.items())
        assert catalogue.labels() == labels
        assert catalogue.count() == labels.total()


@pytest.mark.parametrize("table", ["facts", "counts", "names"])
def test_what_is_not_derived_from_the_items_is_told(url: str, table: str) -> None:
    with closing(Catalogue(url)) as catalogue:
        with catalogue.writing() as changes:
            changes.insert([item("a", label="vase", attributes={"price": 3.5})])
        catalogue.check()
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.text(f"DELETE FROM {table} WHERE name = 'price'"))  # noqa: S608
        engine.dispose()
        with pytest.raises(CatalogueError, match=f"1 rows of the table {table} are missing"):
            catalogue.check()


@pytest.mark.parametrize("table", ["words", "completions", "spellings"])
def test_words_that_are_not_those_of_the_items_are_told(url: str, table: str) -> None:
    with closing(Catalogue(url)) as catalogue:
        with catalogue.writing() as changes:
            changes.insert([item("a", label="vase")])
        catalogue.check()
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608
        engine.dispose()
        with pytest.raises(CatalogueError, match=f"rows of the table {table} are missing"):
            catalogue.check()


def test_items_have_numbers_that_are_never_given_again(catalogue: Catalogue) -> None:
    all_numbers: set[int] = set()
    for _ in range(3):
        with catalogue.writing() as changes:
            changes.insert([item("a"), item("b")])
        numbers = set(catalogue.select(Filter()).numbers)
        assert len(numbers) == 2
        assert not numbers & all_numbers
        all_numbers |= numbers
        with catalogue.writing() as changes:
            changes.delete(["a", "b"])
    catalogue.replace_source([item("a", origin="source")])
    (first,) = catalogue.select(Filter()).numbers
    catalogue.replace_source([item("a", origin="source", label="other")])
    assert set(catalogue.select(Filter()).numbers) == {first}
    catalogue.replace_source([item("a", origin="source", sha256="f" * 64)])
    (second,) = catalogue.select(Filter()).numbers
    assert second > max(first, *all_numbers)


def test_what_a_backup_leaves_out_is_not_counted(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.sqlite"
    with closing(Catalogue(f"sqlite:///{file}")) as catalogue:
        catalogue.replace_source([item("a", label="vase"), item("b", label="bowl")])
    copy = CatalogueFile(file).copy(tmp_path / "copy.sqlite")
    copy.delete(copy.items()[:1])
    with closing(Catalogue(f"sqlite:///{copy.path}")) as restored:
        assert (restored.count(), restored.labels()) == (1, {"bowl": 1})
        restored.check()


def test_a_page_asks_the_index(tmp_path: Path) -> None:
    """Whatever is ordered by: so that the last page costs what the first one does."""
    Catalogue(f"sqlite:///{tmp_path / 'catalogue.sqlite'}").close()
    places: list[tuple[Order, tuple[Any, ...]]] = [
        (Order("label"), ("vase", "a")),
        (Order("attribute", "price", descending=True), (0, 3.5, "", "a")),
        (Order(), ("a",)),
    ]
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'catalogue.sqlite'}")
    with engine.connect() as connection:
        for order, place in places:
            statement = section_of(order, "sqlite").statement(place, 10)
            compiled = str(statement.compile(engine, compile_kwargs={"literal_binds": True}))
            plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}").all())
            assert "SEARCH" in plan, plan
            assert "B-TREE" not in plan, plan
    engine.dispose()
