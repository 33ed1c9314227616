"""What there is besides a search: many at once, why two pictures are alike, faces, and what there is to filter by."""

from time import perf_counter
from typing import Annotated

from fastapi import APIRouter, Query, Request

from api.deps import FetcherDep, PoolDep, ServedDep, SnapshotDep, StateDep
from api.openapi.bodies import body_of, filter_parameter, form_body, json_body
from api.openapi.problems import problems
from api.routes.search import PROBLEMS
from api.schemas.explore import (
    BatchAnswer,
    ExplainAnswer,
    FacesAnswer,
    FacetAnswer,
    FacetsAnswer,
    LabelsAnswer,
    ValueCount,
)
from api.schemas.fields import Whole
from api.schemas.search.answer import SearchAnswer
from api.schemas.search.request import BatchBody, ExplainBody, ExplainForm, PictureBody, PictureForm, SearchBody
from api.schemas.search.words import SearchText, SuggestAnswer
from api.search import explain, faces, service, words
from api.security.keys import Read
from api.serving.snapshot import Snapshot
from api.web.bodies import read_either, read_queries
from api.web.parameters import read_filter
from retrieval.filters import Filter

BODY_PROBLEMS = ("unparseable", "too_many_bytes", "unsupported_body", *PROBLEMS)

router = APIRouter(tags=["search"], dependencies=[Read])


@router.post(
    "/search/batch",
    operation_id="search_batch",
    summary="Up to 64 searches at once, their pictures encoded together",
    responses=problems(
        "unparseable", "too_many_bytes", "unsupported_body", "invalid_parameter", "not_ready", "overloaded"
    ),
    openapi_extra={"requestBody": json_body(BatchBody)},
)
async def post_batch(
    request: Request, state: StateDep, served: ServedDep, fetcher: FetcherDep, pool: PoolDep
) -> BatchAnswer:
    """Each query is a JSON body of `/search`; each is answered, or refused, for itself and in this order."""
    started = perf_counter()
    queries = await read_queries(request)
    downloads = await fetcher.fetch_all(
        url for query in queries if isinstance(query, SearchBody) for url in query.urls()
    )
    answers = await pool.run(
        service.search_all, served, queries, downloads, request_id=request.state.request_id, started=started
    )
    for answer in answers:
        if isinstance(answer, SearchAnswer):
            state.metrics.searched(answer, alone=False)
    return BatchAnswer(answers=answers)


@router.post(
    "/explain/file",
    operation_id="explain_by_file",
    summary="As POST /explain, by a form: for generated clients",
    responses=problems(*BODY_PROBLEMS, "unsupported_by_model"),
    openapi_extra={"requestBody": form_body(ExplainForm)},
)
@router.post(
    "/explain",
    operation_id="explain",
    summary="Which parts of a picture and of an item make up their similarity",
    responses=problems(*BODY_PROBLEMS, "unsupported_by_model"),
    openapi_extra={"requestBody": body_of(ExplainForm, ExplainBody)},
)
async def post_explain(request: Request, served: ServedDep, fetcher: FetcherDep, pool: PoolDep) -> ExplainAnswer:
    """Send exactly one of `file`, `image_base64`, `url` and `id`, and the `item` to compare with.

    An exact split: the cells of either map sum to the cosine.
    """
    body = await read_either(request, ExplainForm, ExplainBody)
    downloads = await fetcher.fetch_all(body.urls())
    return await pool.run(explain.explain, served.of(body.bundle), body, downloads)


@router.post(
    "/faces/file",
    operation_id="find_faces_by_file",
    summary="As POST /faces, by a form: for generated clients",
    responses=problems(*BODY_PROBLEMS, "unsupported_by_model"),
    openapi_extra={"requestBody": form_body(PictureForm)},
)
@router.post(
    "/faces",
    operation_id="find_faces",
    summary="The faces of a picture, largest first",
    responses=problems(*BODY_PROBLEMS, "unsupported_by_model"),
    openapi_extra={"requestBody": body_of(PictureForm, PictureBody)},
)
async def post_faces(request: Request, served: ServedDep, fetcher: FetcherDep, pool: PoolDep) -> FacesAnswer:
    """Send exactly one of `file`, `image_base64`, `url` and `id`. A search takes a face by its number, as `face`."""
    body = await read_either(request, PictureForm, PictureBody)
    downloads = await fetcher.fetch_all(body.urls())
    return await pool.run(faces.find_faces, served.of(body.bundle), body, downloads)


@router.get(
    "/suggest",
    operation_id="suggest",
    summary="Labels and values of attributes that complete a text, with how many items have them",
    responses=problems("invalid_parameter", "not_ready", "overloaded"),
)
async def get_suggest(
    snapshot: SnapshotDep,
    pool: PoolDep,
    text: Annotated[SearchText, Query()],
    limit: Annotated[int, Query(ge=1, le=50), Whole] = 10,
    labels_only: Annotated[bool, Query(description="Labels alone, no values of attributes.")] = False,
) -> SuggestAnswer:
    """Values with words that begin like all words of `text`, those that most items have first: of the 2,000 most
    frequent labels, and of the first 2,000 values that begin so. Where there is none, `near_words` tells which known
    words are near."""
    return await pool.run(words.suggest, snapshot, text, limit, labels_only=labels_only)


@router.get(
    "/labels",
    operation_id="list_labels",
    summary="How many items have each label, under a filter; most frequent first",
    responses=problems("invalid_parameter", "not_ready", "overloaded"),
    openapi_extra={"parameters": [filter_parameter()]},
)
async def get_labels(
    request: Request, snapshot: SnapshotDep, pool: PoolDep, limit: Annotated[int, Query(ge=1, le=10_000), Whole] = 1000
) -> LabelsAnswer:
    filter_ = read_filter(request)
    return await pool.run(_labels, snapshot, filter_, limit)


@router.get(
    "/facets",
    operation_id="list_facets",
    summary="Each attribute's most frequent values with how many items have them, under a filter",
    responses=problems("invalid_parameter", "not_ready", "overloaded"),
    openapi_extra={"parameters": [filter_parameter()]},
)
async def get_facets(
    request: Request, snapshot: SnapshotDep, pool: PoolDep, limit: Annotated[int, Query(ge=1, le=1000), Whole] = 20
) -> FacetsAnswer:
    """`limit`: values of each attribute. The smallest and the largest number are of all its values."""
    filter_ = read_filter(request)
    return await pool.run(_facets, snapshot, filter_, limit)


def _labels(snapshot: Snapshot, filter_: Filter, limit: int) -> LabelsAnswer:
    label_counts = sorted(snapshot.catalogue.labels(filter_).items(), key=lambda pair: (-pair[1], pair[0]))
    labels = [ValueCount(value=label, count=count) for label, count in label_counts[:limit]]
    return LabelsAnswer(labels=labels, distinct=len(label_counts))


def _facets(snapshot: Snapshot, filter_: Filter, limit: int) -> FacetsAnswer:
    return FacetsAnswer(
        facets=[
            FacetAnswer(
                attribute=facet.name,
                values=[ValueCount(value=value, count=count) for value, count in facet.values if value is not None],
                distinct=facet.distinct,
                least=facet.least,
                most=facet.most,
            )
            for facet in snapshot.catalogue.facets(filter_, limit=limit)
        ]
    )
