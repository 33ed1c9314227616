"""One search, from what is asked to the answer. Blocking: to be run in the pool."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter

from api.errors import Problem, Refusal, problem_of
from api.fetch.client import NOTHING, Downloads
from api.schemas.search.answer import Calibration, Hit, Milliseconds, SearchAnswer, item_fields
from api.schemas.search.request import Options, SearchBody, SearchLink
from api.search import grouping, retrieve, words
from api.search.pagination import Cursor, PageState, search_link_at
from api.search.query import ONE_QUERY, QueryInput, Source, encode, pictures_sent, prepare
from api.search.retrieve import Page
from api.serving.bundles import report_of
from api.serving.snapshot import Served, Snapshot
from retrieval.clusters import Vectors
from retrieval.errors import LookalikeError

ONE_LINK = "Name exactly one of id, url, text and cursor; a picture is sent with POST."
ALONE = "A cursor says what is searched with; leave out file, image_base64, url, id, items and text."
ANOTHER = "bundle: not the one that the cursor's search asked; follow the link `next` as it is."
ONE_WAY = "A cursor says what is searched with and where to go on; leave out crop, face, offset and expand."


@dataclass(frozen=True, slots=True)
class Search:
    """One search, or a further page of one: its pictures are read, and not yet encoded."""

    snapshot: Snapshot
    options: Options
    query_input: QueryInput
    cursor: Cursor | None
    seconds: float
    """That it took to read the pictures."""


def search(served: Served, body: SearchBody, downloads: Downloads = NOTHING, *, started: float) -> SearchAnswer:
    """The items most like what is asked. `started` is the perf_counter() at which the request came.

    `downloads` has what the URLs of `body` led to. A further page is of the bundle that its search asked, as long as
    that is loaded, whatever is live by now.

    Raises Refusal, ImageError, ItemMissing.
    """
    opened = _open(served, body, downloads, started)
    if isinstance(opened, SearchAnswer):
        return opened
    began = perf_counter()
    pictures = opened.query_input.pictures
    query = opened.query_input.vector(encode(opened.snapshot, pictures))
    encoded = perf_counter() if pictures else began
    spent = {"decode": opened.seconds if pictures else 0, "encode": encoded - began}
    return answer(opened, query, spent, since=encoded, started=started)


def search_link(served: Served, link: SearchLink, downloads: Downloads = NOTHING, *, started: float) -> SearchAnswer:
    """As `search`, with an item, the picture at a URL, words, or a cursor."""
    if sum(field is not None for field in (link.id, link.url, link.text, link.cursor)) != 1:
        raise Refusal("invalid_parameter", ONE_LINK)
    return search(served, link.body(), downloads, started=started)


def _open(served: Served, body: SearchBody, downloads: Downloads, started: float) -> Search | SearchAnswer:
    """Read what is asked; a search with words is answered at once. Raises as `search` does."""
    began = perf_counter()
    if (begin := words.cursor_of(body)) is not None:
        if pictures_sent(body) + (body.cursor is not None) != 1:
            raise Refusal("invalid_parameter", ALONE if body.cursor is not None else ONE_QUERY)
        if body.cursor is not None and body.offset:
            raise Refusal("invalid_parameter", ONE_WAY)
        return words.search(served, body, begin, started=started)
    if body.cursor is not None:
        return _further(served, body, body.cursor)
    snapshot = served.of(body.bundle)
    retrieve.reach(snapshot, body)  # refuses what cannot be answered before any picture is decoded
    query_input = prepare(snapshot, body, downloads)
    return Search(snapshot, body, query_input, None, perf_counter() - began)


def _further(served: Served, body: SearchBody, text: str) -> Search:
    """The further page of a search that a cursor stands for. Raises Refusal."""
    if pictures_sent(body):
        raise Refusal("invalid_parameter", ALONE)
    if body.crop is not None or body.face is not None or body.offset or body.expand:
        raise Refusal("invalid_parameter", ONE_WAY)
    cursor = Cursor.read(text)
    if body.bundle not in (None, cursor.bundle):
        raise Refusal("invalid_parameter", ANOTHER)
    snapshot = served.get(cursor.bundle)
    if snapshot is None:
        raise Refusal("cursor_expired")
    cursor.check(dims=snapshot.bundle.clusters.dims, metric=body.metric)
    return Search(snapshot, body, QueryInput((Source(1, stored=cursor.query),), cursor.query_ids, None), cursor, 0)


def answer(opened: Search, query: Vectors, spent: dict[str, float], *, since: float, started: float) -> SearchAnswer:
    """Search with a vector and say what was found. `spent`: seconds by step so far, up to `since`."""
    snapshot, options, query_input, cursor = opened.snapshot, opened.options, opened.query_input, opened.cursor
    page = retrieve.find(
        snapshot, query, options, query_ids=query_input.query_ids, after=cursor.state if cursor else None
    )
    before = cursor.state.count if cursor else options.offset
    searched = perf_counter()
    calibration = snapshot.bundle.calibration
    ends = partial(Cursor, snapshot.id, options.metric, page.query, query_ids=query_input.query_ids)
    next_cursor = ends(state=page.state).text() if page.further else None
    return SearchAnswer(
        bundle=snapshot.id,
        report_url=report_of(snapshot.bundle.manifest),
        metric=options.metric,
        exact=page.hits.exact,
        recall_estimate=page.hits.recall_estimate,
        clusters_opened=page.hits.clusters_opened,
        clusters_total=page.hits.clusters_total,
        items=len(snapshot.store),
        total=page.total,
        offset=before,
        next=search_link_at(options, next_cursor) if next_cursor else None,
        next_cursor=next_cursor,
        link=search_link_at(options, ends(state=PageState()).text()),
        milliseconds=Milliseconds.of(
            **{"decode": 0, "encode": 0} | spent, search=searched - since, total=searched - started
        ),
        query=query_input.sent,
        calibration=calibration and Calibration(meaning=calibration.meaning, pairs=calibration.pairs),
        hits=_hits(snapshot, options, page, before),
    )


def _hits(snapshot: Snapshot, options: Options, page: Page, before: int) -> list[Hit]:
    hits, calibration = page.hits, snapshot.bundle.calibration
    sure: Sequence[float | None] = [None] * len(hits)
    if calibration is not None and options.metric != "fused":
        sure = calibration.curve(options.metric).probability(hits.distances(options.metric)).tolist()
    return [
        Hit(
            **item_fields(match.item),
            rank=rank,
            score=match.score,
            cosine=float(hits.cosine[match.row]),
            euclidean=float(hits.euclidean[match.row]),
            match_probability=sure[match.row],
            cluster=int(hits.clusters[match.row]),
            group=options.group_by and grouping.value_of(match.item, options.group_by),
            more=match.more,
        )
        for rank, match in enumerate(page.matches, start=before + 1)
    ]


def search_all(
    served: Served,
    queries: Sequence[SearchBody | Refusal],
    downloads: Downloads = NOTHING,
    *,
    request_id: str,
    started: float,
) -> list[SearchAnswer | Problem]:
    """An answer, or why there is none, for each query in its order; none of them stops the others."""
    entries = [_prepare(served, query, downloads, request_id, started) for query in queries]
    batch = [each for each in entries if isinstance(each, Search)]
    began = perf_counter()
    vectors = {snapshot: iter(_encoded(snapshot, batch)) for snapshot in served.snapshots}
    each_takes = (perf_counter() - began) / max(1, sum(len(each.query_input.pictures) for each in batch))
    answers: list[SearchAnswer | Problem] = []
    for each in entries:
        if isinstance(each, Problem | SearchAnswer):
            answers.append(each)
            continue
        own = [next(vectors[each.snapshot]) for _ in each.query_input.pictures]
        spent = {"decode": each.seconds if own else 0, "encode": each_takes * len(own)}
        answers.append(_answer(each, own, spent, request_id, started))
    return answers


def _prepare(
    served: Served, body: SearchBody | Refusal, downloads: Downloads, request_id: str, started: float
) -> Search | SearchAnswer | Problem:
    """What is asked, the answer where it needs no vector, or why it cannot be."""
    try:
        if isinstance(body, Refusal):
            raise body
        return _open(served, body, downloads, started)
    except (Refusal, LookalikeError) as error:
        return problem_of(error, request_id)


def _encoded(snapshot: Snapshot, queries: Sequence[Search]) -> list[Vectors]:
    """The vectors of all pictures that this snapshot is asked with, in order."""
    pictures = [picture for each in queries if each.snapshot is snapshot for picture in each.query_input.pictures]
    return encode(snapshot, pictures)


def _answer(
    opened: Search, vectors: list[Vectors], spent: dict[str, float], request_id: str, started: float
) -> SearchAnswer | Problem:
    try:
        query = opened.query_input.vector(vectors)
        return answer(opened, query, spent, since=perf_counter(), started=started)
    except (Refusal, LookalikeError) as error:
        return problem_of(error, request_id)
