"""One search, from a picture or an item to the answer. Blocking: to be run in the pool."""

import math
from collections.abc import Collection, Sequence
from time import perf_counter

from api.bundles import report_of
from api.engine import Snapshot
from api.errors import Refusal
from api.schemas import Calibration, Hit, Milliseconds, Query, SearchAnswer, SearchForm, image_url, thumbnail_url
from retrieval import images
from retrieval.catalogue import Item
from retrieval.vectors.base import Hits, Vectors

UNCALIBRATED = (
    "min_precision: the bundle served is not calibrated, so it cannot say how sure it is of a hit. Leave min_precision "
    "out; or train again with some pictures held out, which calibrates, and publish the new bundle."
)


def search_picture(snapshot: Snapshot, data: bytes, form: SearchForm, *, started: float) -> SearchAnswer:
    """The items most like a picture. `started` is the perf_counter() at which the request came. Raises ImageError."""
    begun = perf_counter()
    within = reach(snapshot, form)
    info = images.inspect(data, max_pixels=snapshot.pixel_limit)
    prepared = snapshot.bundle.embedder.prepare(data)
    decoded = perf_counter()
    vector = snapshot.bundle.embedder.embed([prepared])[0]
    encoded = perf_counter()
    hits, items = nearest_items(snapshot, vector, form, within)
    found = perf_counter()
    spent = _milliseconds(
        decode=decoded - begun, encode=encoded - decoded, search=found - encoded, total=found - started
    )
    return _answer(snapshot, form, hits, items, spent, Query(width=info.width, height=info.height))


def search_item(snapshot: Snapshot, item_id: str, form: SearchForm, *, started: float) -> SearchAnswer:
    """The items most like an item, by its stored vector. Raises ItemMissing."""
    begun = perf_counter()
    within = reach(snapshot, form)
    item = snapshot.catalogue.get(item_id)
    hits, items = nearest_items(snapshot, snapshot.store.get(item.id), form, within, exclude=(item.id,))
    found = perf_counter()
    spent = _milliseconds(decode=0, encode=0, search=found - begun, total=found - started)
    return _answer(snapshot, form, hits, items, spent, None)


def reach(snapshot: Snapshot, form: SearchForm) -> float:
    """The distance at which hits are as probable as the form wants them. Raises Refusal if nothing can tell."""
    if form.min_precision is None:
        return math.inf
    if snapshot.bundle.calibration is None:
        raise Refusal("invalid_parameter", UNCALIBRATED)
    within = snapshot.bundle.calibration.curve(form.metric).reach(form.min_precision)
    return -math.inf if within is None else within


def nearest_items(
    snapshot: Snapshot, vector: Vectors, form: SearchForm, within: float, exclude: Collection[str] = ()
) -> tuple[Hits, dict[str, Item]]:
    """At least k hits within a distance whose item exists, or as many as there are, and these items by id.

    Among the hits may be others, deleted since: the catalogue is the truth.
    """
    wanted = form.k
    while True:
        hits = snapshot.store.search(
            vector, k=wanted, metric=form.metric, probes=form.probes, exclude=exclude, within=within
        )
        items = snapshot.catalogue.get_many(hits.ids)
        if len(items) >= form.k or len(hits) < wanted:
            return hits, items
        wanted *= 2


def _answer(
    snapshot: Snapshot,
    form: SearchForm,
    hits: Hits,
    items: dict[str, Item],
    milliseconds: Milliseconds,
    query: Query | None,
) -> SearchAnswer:
    living = [row for row, item_id in enumerate(hits.ids) if item_id in items][: form.k]
    calibration = snapshot.bundle.calibration
    sure: Sequence[float | None] = [None] * len(hits)
    if calibration is not None:
        sure = calibration.curve(form.metric).probability(hits.distances(form.metric)).tolist()
    return SearchAnswer(
        bundle=snapshot.bundle.manifest.id,
        report_url=report_of(snapshot.bundle.manifest),
        metric=form.metric,
        exact=hits.exact,
        clusters_opened=hits.clusters_opened,
        clusters_total=hits.clusters_total,
        items=len(snapshot.store),
        milliseconds=milliseconds,
        query=query,
        calibration=calibration and Calibration(meaning=calibration.meaning, pairs=calibration.pairs),
        hits=[_hit(hits, row, rank, items[hits.ids[row]], sure[row]) for rank, row in enumerate(living, start=1)],
    )


def _hit(hits: Hits, row: int, rank: int, item: Item, match_probability: float | None) -> Hit:
    return Hit(
        id=item.id,
        rank=rank,
        label=item.label,
        attributes=item.attributes,
        cosine=float(hits.cosine[row]),
        euclidean=float(hits.euclidean[row]),
        match_probability=match_probability,
        cluster=int(hits.clusters[row]),
        image_url=image_url(item.id),
        thumbnail_url=thumbnail_url(item.id),
    )


def _milliseconds(**seconds: float) -> Milliseconds:
    return Milliseconds(**{step: round(1000 * duration, 2) for step, duration in seconds.items()})
