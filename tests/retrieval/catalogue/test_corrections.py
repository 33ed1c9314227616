"""What people corrected stays when the source is read again, unless the source says something else by now."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from retrieval.catalogue import Catalogue, Corrected, Description, Item
from retrieval.catalogue.facts.rebuild import rebuild
from tests.retrieval.catalogue.test_migrations import connected


@pytest.fixture
def catalogue(url: str) -> Iterator[Catalogue]:
    with closing(Catalogue(url)) as opened:
        yield opened


def item(id_: str, label: str | None = "cup", **attributes: Any) -> Item:
    return Item(id_, f"images/{id_}.jpg", "0" * 64, "image/jpeg", 8, 8, label, attributes, "source")


def correct(catalogue: Catalogue, id_: str, label: str | None, **attributes: Any) -> None:
    with catalogue.writing() as rows:
        before = rows.get(id_)
        after = replace(before, label=label, attributes=attributes)
        rows.describe(after)
        rows.history.add(before, after, "ada")


def known(catalogue: Catalogue, id_: str) -> tuple[str | None, dict[str, Any]]:
    stored_item = catalogue.get(id_)
    catalogue.check()
    return stored_item.label, dict(stored_item.attributes)


def test_a_correction_outlives_run_after_run(catalogue: Catalogue) -> None:
    catalogue.replace_source([item("a", price=1), item("b", price=1)])
    correct(catalogue, "a", "jug", price=1)
    for _ in range(3):
        catalogue.replace_source([item("a", price=1), item("b", price=1)])
        assert known(catalogue, "a") == ("jug", {"price": 1})
        assert known(catalogue, "b") == ("cup", {"price": 1})
    assert catalogue.corrections.all() == {
        "a": Corrected(Description("cup", {"price": 1}), Description("jug", {"price": 1}))
    }


def test_the_source_wins_in_what_it_says_anew_and_in_nothing_else(catalogue: Catalogue) -> None:
    catalogue.replace_source([item("a", price=1, colour="red", old=True)])
    correct(catalogue, "a", "jug", price=2, mine="yes")
    catalogue.replace_source([item("a", price=9, colour="red", old=True, fresh=4)])
    assert known(catalogue, "a") == ("jug", {"price": 9, "fresh": 4, "mine": "yes"})
    catalogue.replace_source([item("a", "vase", price=9, colour="red", old=True, fresh=4)])
    assert known(catalogue, "a") == ("vase", {"price": 9, "fresh": 4, "mine": "yes"})
    catalogue.replace_source([item("a", price=9, colour="red", old=True, fresh=4)])
    assert known(catalogue, "a")[0] == "cup"  # the old correction does not come back


def test_a_label_taken_away_stays_away_and_an_undone_one_is_the_sources_again(catalogue: Catalogue) -> None:
    catalogue.replace_source([item("a"), item("b")])
    correct(catalogue, "a", None)
    correct(catalogue, "b", "jug")
    correct(catalogue, "b", "cup")
    catalogue.replace_source([item("a"), item("b")])
    assert known(catalogue, "a") == (None, {})
    assert set(catalogue.corrections.all()) == {"a"}
    catalogue.replace_source([item("a"), item("b", "vase")])
    assert known(catalogue, "b") == ("vase", {})


def test_what_was_deleted_comes_back_as_the_source_has_it(catalogue: Catalogue) -> None:
    catalogue.replace_source([item("a")])
    correct(catalogue, "a", "jug")
    with catalogue.writing() as rows:
        rows.delete(["a"])
    catalogue.replace_source([item("a")])
    assert known(catalogue, "a") == ("cup", {})
    catalogue.replace_source([item("a")])
    assert known(catalogue, "a") == ("cup", {})


def test_many_items_and_items_named_twice(catalogue: Catalogue) -> None:
    items = [item(f"{n:05}") for n in range(1_200)]
    catalogue.replace_source(items)
    for number in (0, 499, 500, 1_199):
        correct(catalogue, f"{number:05}", "jug")
    catalogue.replace_source([*items, *items[:3]])
    assert catalogue.labels() == {"cup": 1_196, "jug": 4}
    catalogue.check()


DESCRIPTIONS = st.builds(
    Description,
    st.sampled_from([None, "cup", "jug"]),
    st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["x", "y", 1.5]), max_size=3),
)


@given(DESCRIPTIONS, DESCRIPTIONS, DESCRIPTIONS)
def test_each_part_is_the_sources_where_that_changed_and_the_persons_elsewhere(
    before: Description, person: Description, after: Description
) -> None:
    merged = Corrected(before, person).over(after)
    assert merged.label == (person.label if after.label == before.label else after.label)
    for name in "abc":
        same = after.attributes.get(name) == before.attributes.get(name)
        assert merged.attributes.get(name) == (person if same else after).attributes.get(name)


LATER_TABLES = ("corrections", "releases", "jobs", "leases", "replicas", "rates")  # of the migrations from 0010 on


def test_a_catalogue_of_before_takes_what_the_source_said_from_its_history(url: str) -> None:
    with closing(Catalogue(url)) as catalogue:
        catalogue.replace_source([item("run between", price=1), item("chain"), item("same")])
        correct(catalogue, "run between", "jug", price=1)
        correct(catalogue, "chain", "jug")
        correct(catalogue, "chain", "vase")
        correct(catalogue, "same", "jug")
        correct(catalogue, "same", "cup")
    with connected(url) as connection:  # as it was: a run has overwritten one correction
        for table in LATER_TABLES:
            connection.execute(sa.text(f"DROP TABLE {table}"))
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0009'"))
        connection.execute(sa.text("UPDATE items SET label = 'cup' WHERE id = 'run between'"))
        rebuild(connection)
    with closing(Catalogue(url)) as catalogue:
        assert catalogue.corrections.all() == {"chain": Corrected(Description("cup", {}), Description("vase", {}))}
        catalogue.replace_source([item("run between", price=1), item("chain"), item("same")])
        assert known(catalogue, "chain") == ("vase", {})
        assert known(catalogue, "run between") == ("cup", {"price": 1})
