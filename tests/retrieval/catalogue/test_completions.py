"""What completes a text: also the frequent labels that stand far behind in the alphabet, and labels alone."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from retrieval.catalogue import Catalogue, Completion, Item
from retrieval.catalogue.facts.text import completions


@pytest.fixture
def catalogue(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalogue]:
    monkeypatch.setattr(completions, "MAX_READ", 20)
    with closing(Catalogue(url)) as opened:
        yield opened


def item(number: int, label: str | None, **attributes: str) -> Item:
    return Item(f"{number}", "images/a.jpg", "0" * 64, "image/jpeg", 8, 8, label, attributes, "source")


def test_frequent_labels_are_looked_at_however_many_values_begin_so(catalogue: Catalogue) -> None:
    many = [item(number, f"pot {number:03}", colour=f"pale {number:03}") for number in range(60)]
    frequent = [item(100 + number, "potter's wheel") for number in range(5)]
    catalogue.replace_source([*many, *frequent])
    assert catalogue.complete(["po"], limit=2)[0] == Completion(None, "potter's wheel", 5)
    only = catalogue.complete(["p"], limit=50, labels_only=True)
    assert only[0] == Completion(None, "potter's wheel", 5)
    assert {each.attribute for each in only} == {None}
    assert {each.attribute for each in catalogue.complete(["pale"], limit=50)} == {"colour"}
