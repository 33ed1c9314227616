"""Findings as lists of pictures: clusters with the picture that stands for each, best and worst queries, confusions."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from trainer.report.clusters import Cluster
from trainer.report.drawing.images import thumbnail
from trainer.report.model import Report
from trainer.report.searches import Confusion, Search, Searches

MAX_GROUPS = 24  # groups of a list that are shown; the CSV has all
MAX_CARDS = 12  # cards of a group that are shown

Mark = Literal["", "query", "match", "miss", "keep"]


@dataclass(frozen=True, slots=True)
class Card:
    """One picture. `picture` is a data: address, or None for an empty card."""

    picture: str | None
    title: str
    note: str = ""
    mark: Mark = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Pictures that belong together, with a line above them; `more` pictures are not shown."""

    title: str
    cards: Sequence[Card] = ()
    note: str = ""
    more: int = 0


@dataclass(frozen=True, slots=True)
class PictureList:
    """A list: its first groups, of `total`, and where the whole of it is.

    `how` says how to read it, `empty` what it means that there is nothing in it. Where `single`, every group is one
    picture, and they stand side by side. Where `counted`, its length stands beside the title.
    """

    id: str
    title: str
    how: str
    empty: str
    groups: Sequence[Group]
    total: int
    csv: str
    single: bool = False
    counted: bool = True

    @property
    def rest(self) -> str:
        """What is said of the CSV: the groups that are not shown are in it only."""
        more = self.total - len(self.groups)
        if not more:
            return "As a table:"
        return f"And {more:,} more in" if self.groups else f"All {more:,} in"


def card(path: Path, title: str | None, note: str = "", mark: Mark = "") -> Card:
    """A card with the picture's thumbnail."""
    return Card(thumbnail(path), title or "no label", note, mark)


def first(groups: Iterator[Group], most: int = MAX_GROUPS) -> list[Group]:
    """As many as are shown; thumbnails of the others are never made."""
    return list(islice(groups, most))


BEST, WORST = 8, 12  # queries that are shown
PAIRS = 12  # of labels that are confused

CLUSTERS, QUERIES, CONFUSIONS = "clusters.csv", "queries.csv", "confusions.csv"


def cluster_list(report: Report, clusters: Sequence[Cluster]) -> PictureList:
    """The largest clusters, by the picture nearest to their middle."""

    def groups() -> Iterator[Group]:
        for cluster in clusters:
            picture = report.pictures[cluster.medoid]
            agreed = f"{cluster.share:.0%} {cluster.label}" if cluster.label is not None else "no labels"
            pictures = f"{cluster.size:,} picture{'s' if cluster.size > 1 else ''}"
            yield Group("", [card(picture.path, pictures, f"cluster {cluster.number}: {agreed}")])

    return PictureList(
        "clusters",
        "Clusters",
        "Each picture is the one nearest to the middle of its cluster; below it, how many the cluster holds and the "
        "label that most of them have. One cluster much larger than the others makes searches slower than need be.",
        "There are no clusters.",
        first(groups()),
        len(clusters),
        CLUSTERS,
        single=True,
    )


def query_lists(report: Report, searches: Searches) -> list[PictureList]:
    """The best and the worst queries as contact sheets."""
    if not searches.searches:
        return []
    sample = f"{searches.query_count:,} pictures"
    if searches.query_count < searches.possible:
        sample = f"a random {searches.query_count:,} of {searches.possible:,} pictures"
    trained = (
        "which the encoder has not learned from"
        if report.held_out.any()
        else "all of which the encoder has learned from, so that they do better than new ones would"
    )
    how = (
        "The first picture was searched with, among all others; its first hits follow, with their cosine distance. "
        "A ✓ marks true matches, which have its label; AP is the average precision over the whole ranking. "
        f"Asked: {sample}, {trained}."
    )
    worst = searches.worst(WORST, report.labels)
    best = searches.best(BEST, report.labels)
    return [
        _query_list(report, "worst", "Worst queries", how, worst, len(searches.searches)),
        _query_list(report, "best", "Best queries", how, best, len(searches.searches)),
    ]


def _query_list(report: Report, name: str, title: str, how: str, searches: Sequence[Search], total: int) -> PictureList:
    def sheet(search: Search) -> Group:
        query = report.pictures[search.row]
        matches = f"{search.possible:,} true match{'es' if search.possible > 1 else ''} to find"
        cards = [card(query.path, query.label, "query", "query"), *_hits(report, search)]
        return Group(query.label or "", cards, f"AP {search.average_precision:.3f}, {matches}")

    empty = "No query went wrong: every true match came first."
    groups = [sheet(search) for search in searches]
    return PictureList(name, title, how, empty, groups, total, QUERIES, counted=False)


def _hits(report: Report, search: Search) -> Iterable[Card]:
    label = report.pictures[search.row].label
    for row, distance in zip(search.hits, search.distances, strict=True):
        picture = report.pictures[row]
        yield card(picture.path, picture.label, f"{distance:.3f}", "match" if picture.label == label else "miss")


def confusion_list(report: Report, confusions: Sequence[Confusion]) -> PictureList:
    """The pairs of labels that are mistaken for each other most, with what was asked beside what was found."""

    def groups() -> Iterator[Group]:
        for confusion in confusions:
            one, other = confusion.labels
            cards = [
                shown
                for row, hit in confusion.examples
                for shown in (
                    card(report.pictures[row].path, report.pictures[row].label, "query", "query"),
                    card(report.pictures[hit].path, report.pictures[hit].label, "hit", "miss"),
                )
            ]
            note = f"{confusion.wrong:,} of the {confusion.hit_count:,} first hits of queries of either"
            yield Group(f"{one} ↔ {other}", cards, note)

    return PictureList(
        "confusions",
        "Labels that are confused",
        "Pairs of labels of which one is found where the other is asked for, most often first; each query stands "
        "before a wrong hit of its. Pairs that look alike to you, too, may be one label, or some of theirs are wrong.",
        "No label was found where another was asked for.",
        first(groups(), PAIRS),
        len(confusions),
        CONFUSIONS,
    )
