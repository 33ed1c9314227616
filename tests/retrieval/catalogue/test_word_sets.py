"""What a search for words remembers is brought forward by the items that have changed: the same as found anew."""

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from retrieval.catalogue import Catalogue, Item
from retrieval.catalogue.facts.text import search


@pytest.fixture
def catalogue(url: str) -> Iterator[Catalogue]:
    with closing(Catalogue(url)) as opened:
        yield opened


def item(number: int, label: str) -> Item:
    return Item(f"{number}", "images/a.jpg", "0" * 64, "image/jpeg", 8, 8, label, {}, "api")


@pytest.mark.parametrize("seed", range(3))
def test_after_any_change_hits_are_those_that_a_new_reader_finds(
    catalogue: Catalogue, url: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)  # noqa: S311 - it chooses what is changed
    labels = ["pot blue", "potter", "blue jug", "jug", "bl pot"]
    with catalogue.writing() as rows:
        rows.insert([item(number, rng.choice(labels)) for number in range(40)])
    queries = [["pot"], ["bl"], ["jug", "blue"], ["potter"]]
    for words in queries:
        catalogue.find_words(words, limit=100)
    with monkeypatch.context() as patched:
        patched.setattr(search, "find_numbers", None)  # nothing is looked for anew
        for _change in range(12):
            with catalogue.writing() as rows:
                number = rng.randrange(50)
                if rng.random() < 0.3:
                    rows.delete([f"{number}"])
                elif not rows.insert([item(number, rng.choice(labels))]):
                    rows.describe(replace(rows.get(f"{number}"), label=rng.choice(labels)))
            remembered = [catalogue.find_words(words, limit=100) for words in queries]
    with closing(Catalogue(url)) as other:
        assert remembered == [other.find_words(words, limit=100) for words in queries]
        catalogue.check()
