"""What can be asked of the catalogue with words: items that have them, completions, and known words near a typo."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from pyroaring import BitMap64

from retrieval.catalogue.database import Database
from retrieval.catalogue.facts.counting import read_facts
from retrieval.catalogue.facts.ledger import batches
from retrieval.catalogue.facts.matching import Matcher, read_version
from retrieval.catalogue.facts.text.completions import Completion, complete, near
from retrieval.catalogue.facts.text.search import WordHits, WordPlace, WordSets, is_word, page_of
from retrieval.catalogue.item import Item
from retrieval.catalogue.table import ITEMS, NUMBERED
from retrieval.filters import EVERYTHING, Filter


class WordReader:
    """The part of `CatalogueReader` that reads words."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._matcher = Matcher()
        self._word_sets = WordSets()

    def find_words(
        self,
        words: Sequence[str],
        filter_: Filter = EVERYTHING,
        without: Collection[str] = (),
        *,
        limit: int,
        skip: int = 0,
        after: WordPlace | None = None,
    ) -> WordHits:
        """The items of `matching` that have all of these words (see words_of), or words that begin so.

        Those that have them whole come first; among them, those that came first.
        """
        with self._database.transaction() as connection:
            version = read_version(connection)
            every = self._word_sets.numbers(connection, words, version, whole=False)
            every = every - BitMap64(read_facts(connection, without))
            if filter_ != EVERYTHING:
                every &= self._matcher.numbers(connection, filter_, version)
            whole = self._word_sets.numbers(connection, words, version, whole=True) & every
            places = page_of(whole, every - whole, limit=limit, skip=skip, after=after)
            items: dict[int, Item] = {}
            query = NUMBERED.where(ITEMS.c.number.in_(sa.bindparam("numbers", expanding=True)))
            for batch in batches([number for _, number in places]):
                rows = connection.execute(query, {"numbers": batch})
                items.update((row.number, Item(*row[1:])) for row in rows)
        return WordHits([(items[place[1]], place) for place in places], len(every))

    def complete(self, words: Sequence[str], *, limit: int, labels_only: bool = False) -> list[Completion]:
        """Labels and values of attributes with words that begin like all of these; the most frequent ones first."""
        with self._database.transaction() as connection:
            return complete(connection, words, limit, labels_only=labels_only)

    def near_words(self, words: Sequence[str], *, limit: int) -> dict[str, list[str]]:
        """For each of these words that no item has, nor one that begins so: the words of values spelled nearly so."""
        with self._database.transaction() as connection:
            return {word: near(connection, word, limit) for word in words if not is_word(connection, word)}
