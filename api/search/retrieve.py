"""From a query vector to one page of hits: filter, thresholds, groups, pages; joined with the catalogue.

The catalogue is the truth: vectors whose items are gone are passed over, and made up for.
"""

import math
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from api.errors import Refusal
from api.schemas.search.request import MAX_OFFSET, Options
from api.search import grouping
from api.search.pagination import PageState, Place, mark_of
from api.serving.snapshot import Snapshot
from retrieval.catalogue import Item
from retrieval.clusters import Doubles, Vectors
from retrieval.errors import VectorMissing
from retrieval.filters import EVERYTHING, Filter
from retrieval.selection import Selection
from retrieval.vectors.base import Hits, Metric
from retrieval.vectors.blending import expand
from retrieval.vectors.fusion import search_fused

UNCALIBRATED = (
    "min_precision: the bundle served is not calibrated, so it cannot say how sure it is of a hit. Leave min_precision "
    "out; or train again with some pictures held out, which calibrates, and publish the new bundle."
)
UNSURE = "min_precision: by one metric, a hit can be sure or not, by fused ranks it cannot; choose cosine or euclidean."
GROWTH = 4
"""How many times more hits are asked for where too few of them are left."""


@dataclass(frozen=True, slots=True)
class Match:
    """One hit; with groups, the best of its own."""

    item: Item
    row: int
    """Where it is in the page's `hits`."""
    score: float
    place: Place
    more: int | None
    """Further items of its group; None without groups."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of all hits, in their order, and what is known of the rest."""

    query: Vectors
    """What was searched with in the end: the query, expanded if it was to be."""
    hits: Hits
    matches: list[Match]
    state: PageState
    """What has been shown, or passed over, up to its end."""
    further: bool
    """Whether there are more after them."""
    total: int | None
    """How many hits or groups there are in all, if that is known."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which items may be hits: what passes the filter, without these ids; `only` if there is a filter."""

    filter: Filter
    excluded_ids: tuple[str, ...]
    only: Selection | None


def find(
    snapshot: Snapshot,
    query: Vectors,
    options: Options,
    *,
    query_ids: Collection[str] = (),
    after: PageState | None = None,
) -> Page:
    """The page that begins after what was shown, or after `options.offset` hits, for a query float32 [d].

    `asked`: the items searched with, left out unless they are wanted. Raises Refusal.
    """
    within = reach(snapshot, options)
    scope = _scope(snapshot, options, query_ids)
    neighbours = _neighbours(snapshot, options) if after is None else 0
    if neighbours:
        query = _expanded(snapshot, query, options, scope, neighbours)
    state, skipped = (after, 0) if after else (PageState(), options.offset)
    count = skipped + options.k + 1  # one more tells whether there is a next page
    limit = (min(state.count, MAX_OFFSET) + count) * (1 if options.group_by is None else GROWTH)
    items: dict[str, Item | None] = {}
    group_count = cache(partial(_group_count, snapshot, options, scope))
    while True:
        hits, keys = _ranked(snapshot, query, options, limit, scope, within)
        matches = _alive(snapshot, hits, keys, options, items)
        every = len(hits) < limit
        if options.group_by is not None:
            matches = [matches[row] for row in grouping.best_rows((each.item for each in matches), options.group_by)]
        remaining = [each for each in matches if state.is_new(each.place, _mark(each, options))]
        if len(remaining) >= count or every:
            break
        if _is_complete(options, group_count, matches, keys):
            if hits.exact:
                every = True
                break
            if options.probes == "auto":  # to be sure of them takes more clusters, not more hits
                options = options.model_copy(update={"probes": "all"})
                continue
        limit *= GROWTH
    page = remaining[skipped : skipped + options.k]
    marks = [_mark(each, options) for each in remaining[: skipped + len(page)]]
    total = len(matches) if every and hits.exact else _total(snapshot, options, scope, group_count)
    if options.group_by is not None:
        page = _with_more(snapshot, page, options.group_by, scope)
    end = page[-1].place if page else state.place
    return Page(query, hits, page, state.advance(end, len(marks), marks), len(remaining) > skipped + options.k, total)


def reach(snapshot: Snapshot, options: Options) -> float:
    """The distance beyond which there are no hits, not quite exact. Raises Refusal if nothing can tell."""
    if options.metric == "fused":
        if options.min_precision is not None:
            raise Refusal("invalid_parameter", UNSURE)
        return math.inf
    within = math.inf
    if options.min_precision is not None:
        if snapshot.bundle.calibration is None:
            raise Refusal("invalid_parameter", UNCALIBRATED)
        sure = snapshot.bundle.calibration.curve(options.metric).reach(options.min_precision)
        within = -math.inf if sure is None else sure
    if options.min_score is not None:
        within = min(within, _distance(options.metric, options.min_score))
    return within


def score_of(metric: str, key: float) -> float:
    """What a hit is ranked by, larger is better, of its key: the cosine, 1 / (1 + distance), or the fused sum."""
    return 1 / (1 + key) if metric == "euclidean" else -key


def _distance(metric: Metric, score: float) -> float:
    """A distance that is at least that of every hit of this score, and hardly more."""
    if metric == "cosine":
        return 1 - score + 1e-12
    if score > 1:
        return -math.inf
    return math.inf if score <= 0 else (1 / score - 1) * (1 + 1e-12) + 1e-12


def _scope(snapshot: Snapshot, options: Options, query_ids: Collection[str]) -> Scope:
    excluded_ids = tuple({*options.exclude, *(() if options.include_query else query_ids)})
    if options.filter is None:
        return Scope(EVERYTHING, excluded_ids, None)
    filter_ = options.filter.to_filter()
    return Scope(filter_, excluded_ids, snapshot.catalogue.select(filter_))


def _ranked(
    snapshot: Snapshot, query: Vectors, options: Options, k: int, scope: Scope, within: float
) -> tuple[Hits, Doubles]:
    """Hits and what they are ranked by, smaller first: -cosine, the distance, or the negative fused sum."""
    store, probes = snapshot.store, options.probes
    if options.metric == "fused":
        hits, scores = search_fused(store, query, k=k, probes=probes, exclude=scope.excluded_ids, only=scope.only)
        return hits, -scores
    hits = store.search(
        query,
        k=k,
        metric=options.metric,
        probes=probes,
        exclude=scope.excluded_ids,
        only=scope.only,
        within=within,
    )
    return hits, (-hits.cosine if options.metric == "cosine" else hits.euclidean).astype(np.float64)


def _neighbours(snapshot: Snapshot, options: Options) -> int:
    """How many items a query is moved towards: as the request says, or else the bundle; a cursor's has been moved."""
    expansion = snapshot.bundle.manifest.expansion
    return options.expand if expansion is None or "expand" in options.model_fields_set else expansion.neighbours


def _expanded(snapshot: Snapshot, query: Vectors, options: Options, scope: Scope, neighbours: int) -> Vectors:
    """The query moved towards its nearest items, so many of them."""
    limit = neighbours
    while True:
        first, _ = _ranked(snapshot, query, options, limit, scope, math.inf)
        alive = snapshot.catalogue.get_many(first.ids)
        nearest = [item_id for item_id in first.ids if item_id in alive][:neighbours]
        if len(nearest) == neighbours or len(first) < limit:
            break
        limit *= GROWTH
    vectors = []
    for item_id in nearest:
        with suppress(VectorMissing):  # deleted since
            vectors.append(snapshot.store.get(item_id))
    return expand(query, np.stack(vectors)) if vectors else query


def _alive(
    snapshot: Snapshot, hits: Hits, keys: Doubles, options: Options, items: dict[str, Item | None]
) -> list[Match]:
    """The hits whose items exist and whose scores reach what is wanted. `items`: those that were read, and are now."""
    new_ids = [item_id for item_id in hits.ids if item_id not in items]
    items.update(dict.fromkeys(new_ids) | snapshot.catalogue.get_many(new_ids))
    matches = []
    for row, (item_id, key) in enumerate(zip(hits.ids, keys.tolist(), strict=True)):
        score, item = score_of(options.metric, key), items[item_id]
        if item is not None and (options.min_score is None or score >= options.min_score):
            matches.append(Match(item, row, score, (key, item_id), None))
    return matches


def _is_complete(options: Options, group_count: Callable[[], int], matches: Sequence[Match], keys: Doubles) -> bool:
    """Whether no further hit would add to those found: they score too little, or are of groups that are there."""
    if options.metric == "fused" and options.min_score is not None and float(-keys[-1]) < options.min_score:
        return True
    if options.group_by is None:
        return False
    items = [each.item for each in matches]
    return grouping.are_all(items, options.group_by, group_count)


def _mark(match: Match, options: Options) -> bytes | None:
    """What tells a hit, or its group, from all others, where its place may change; None where it cannot."""
    if options.group_by is not None:
        return mark_of(grouping.key_of(match.item, options.group_by))
    return mark_of(match.item.id) if options.metric == "fused" else None


def _with_more(snapshot: Snapshot, page: Sequence[Match], group_by: str, scope: Scope) -> list[Match]:
    items = [each.item for each in page]
    more = grouping.others(snapshot.catalogue, items, group_by, scope.filter, scope.excluded_ids)
    return [Match(each.item, each.row, each.score, each.place, rest) for each, rest in zip(page, more, strict=True)]


def _total(snapshot: Snapshot, options: Options, scope: Scope, group_count: Callable[[], int]) -> int | None:
    """How many there are in all. A threshold can only be counted by finding everything within it."""
    if options.min_score is not None or options.min_precision is not None:
        return None
    if options.group_by is not None:
        return group_count()
    return snapshot.catalogue.count_matching(scope.filter, scope.excluded_ids)


def _group_count(snapshot: Snapshot, options: Options, scope: Scope) -> int:
    """How many groups there are in all; none without groups."""
    if options.group_by is None:
        return 0
    return grouping.count(snapshot.catalogue, options.group_by, scope.filter, scope.excluded_ids)
