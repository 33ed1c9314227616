"""Dismissals in both kinds of databases: kept with the pictures that were meant, listed, undone, and migrated."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from retrieval.catalogue import Catalogue, Dismissals, Item, Member
from retrieval.errors import DismissalMissing, ItemMissing
from tests.retrieval.catalogue.test_migrations import connected, restore

PLAIN = Item("x", "images/x.jpg", "", "image/jpeg", 8, 8, None, {}, "api")


@pytest.fixture
def catalogue(url: str) -> Iterator[Catalogue]:
    with closing(Catalogue(url)) as opened:
        with opened.writing() as rows:
            rows.insert([replace(PLAIN, id=id_, sha256=id_ * 64) for id_ in "abcde"])
        yield opened


@pytest.fixture
def dismissals(url: str, catalogue: Catalogue) -> Iterator[Dismissals]:
    with closing(Dismissals(url)) as opened:
        yield opened


def test_what_was_meant_is_kept_once_with_its_pictures_and_its_time(dismissals: Dismissals, url: str) -> None:
    before = datetime.now(UTC)
    assert (dismissals.all(), dismissals.listed(offset=0, limit=9)) == ([], ([], 0))
    name = dismissals.dismiss(["b", "a"])
    assert dismissals.dismiss(["a", "b", "a"]) == name
    other = dismissals.dismiss(["b", "c", "d"])
    with closing(Dismissals(url)) as again:
        listed, total = again.listed(offset=0, limit=9)
        assert sorted(again.all(), key=str) == sorted(listed, key=str)
    assert ([each.id for each in listed], total) == ([other, name], 2)
    assert listed[1].members == (Member("a", "a" * 64), Member("b", "b" * 64))
    assert before <= listed[1].created <= listed[0].created <= datetime.now(UTC)
    assert [each.id for each in dismissals.listed(offset=1, limit=1)[0]] == [name]


def test_the_same_ids_with_another_picture_are_another_dismissal(catalogue: Catalogue, dismissals: Dismissals) -> None:
    name = dismissals.dismiss(["a", "b"])
    with catalogue.writing() as rows:
        rows.delete(["a"])
        rows.insert([replace(PLAIN, id="a", sha256="f" * 64)])
    assert dismissals.dismiss(["a", "b"]) != name
    assert dismissals.listed(offset=0, limit=9)[1] == 2


def test_undone_is_gone_and_seen_by_the_version(dismissals: Dismissals) -> None:
    versions = [dismissals.version()]
    name = dismissals.dismiss(["a", "b"])
    versions.append(dismissals.version())
    other = dismissals.dismiss(["c", "d"])
    versions.append(dismissals.version())
    dismissals.undo(name)
    versions.append(dismissals.version())
    assert len(set(versions)) == 4
    assert [each.id for each in dismissals.all()] == [other]
    with pytest.raises(DismissalMissing):
        dismissals.undo(name)


def test_what_is_no_item_is_refused_whole(dismissals: Dismissals) -> None:
    with pytest.raises(ItemMissing):
        dismissals.dismiss(["a", "nowhere"])
    assert dismissals.all() == []


def test_dismissals_of_0_1_0_are_of_the_pictures_that_their_items_have(url: str) -> None:
    restore("4c0cb74", url)
    with connected(url) as connection:
        before = connection.exec_driver_sql("SELECT dismissal, item FROM dismissals ORDER BY item").all()
        gone = str(before[0].item)
        connection.exec_driver_sql(f"INSERT INTO dismissals VALUES ('old', 'never was'), ('old', '{gone}')")  # noqa: S608
    with closing(Catalogue(url)) as catalogue, closing(Dismissals(url)) as dismissals:
        by_id = {each.id: each for each in dismissals.all()}
        assert [(before[0].dismissal, member.id) for member in by_id[before[0].dismissal].members] == [
            tuple(row) for row in before
        ]
        for member in by_id[before[0].dismissal].members:
            assert catalogue.get(member.id).sha256 == member.sha256
        assert [member.id for member in by_id["old"].members] == [gone]
        assert by_id["old"].created <= datetime.now(UTC)
