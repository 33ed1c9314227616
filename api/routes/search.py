"""POST and GET /search."""

from time import perf_counter

from fastapi import APIRouter, Request, Response

from api.deps import FetcherDep, PoolDep, ServedDep, StateDep
from api.errors import Code
from api.openapi.bodies import body_of, form_body, link_parameters
from api.openapi.problems import problems
from api.schemas.search.answer import Milliseconds, SearchAnswer
from api.schemas.search.request import EXAMPLES, SearchBody, SearchForm
from api.search import service
from api.security.keys import Read
from api.state import AppState
from api.web.bodies import read_search
from api.web.parameters import read_link

router = APIRouter(tags=["search"], dependencies=[Read])

PROBLEMS: tuple[Code, ...] = (
    "item_missing",
    "picture_missing",
    "bundle_missing",
    "unsupported_format",
    "broken_image",
    "too_many_pixels",
    "face_missing",
    "url_refused",
    "invalid_parameter",
    "url_failed",
    "not_ready",
    "picture_unavailable",
    "overloaded",
    "url_timeout",
)


POST_PROBLEMS: tuple[Code, ...] = ("unparseable", "too_many_bytes", "unsupported_body", "cursor_expired", *PROBLEMS)


@router.post(
    "/search/file",
    operation_id="search_by_file",
    summary="As POST /search, by a form: for generated clients, which may send only one kind of body",
    responses=problems(*POST_PROBLEMS),
    openapi_extra={"requestBody": form_body(SearchForm)},
)
@router.post(
    "/search",
    operation_id="search",
    summary="Find the items most like a picture, an item, or several of them; or those that have some words",
    responses=problems(*POST_PROBLEMS),
    openapi_extra={"requestBody": body_of(SearchForm, SearchBody, EXAMPLES)},
)
async def post_search(
    request: Request, response: Response, state: StateDep, served: ServedDep, fetcher: FetcherDep, pool: PoolDep
) -> SearchAnswer:
    """Send exactly one of `file`, `image_base64`, `url`, `id`, `items`, `text` and `cursor`. An item is searched with
    by its vector; a cursor, the `next_cursor` of an answer, brings the next page of that search.

    Where faces are compared, a picture is searched with by its largest face, unless `face` names another one.
    """
    started = perf_counter()
    body = await read_search(request)
    downloads = await fetcher.fetch_all(body.urls())
    answer = await pool.run(service.search, served, body, downloads, started=started)
    _record(state, response, answer)
    return answer


@router.get(
    "/search",
    operation_id="search_link",
    summary="A search with an item, a URL or words as a link, and the further pages of any search",
    responses=problems("cursor_expired", *PROBLEMS),
    openapi_extra={"parameters": link_parameters()},
)
async def get_search(
    request: Request, response: Response, state: StateDep, served: ServedDep, fetcher: FetcherDep, pool: PoolDep
) -> SearchAnswer:
    """Name exactly one of `id`, `url`, `text` and `cursor`. Links with a cursor come as `next` with each answer."""
    started = perf_counter()
    link = await read_link(request)
    downloads = await fetcher.fetch_all(() if link.url is None else (link.url,))
    answer = await pool.run(service.search_link, served, link, downloads, started=started)
    _record(state, response, answer)
    return answer


def _record(state: AppState, response: Response, answer: SearchAnswer) -> None:
    """Tell the client and the metrics where the time went."""
    response.headers["Server-Timing"] = server_timing(answer.milliseconds)
    state.metrics.searched(answer, alone=True)
    state.stats.searched(answer)


def server_timing(milliseconds: Milliseconds) -> str:
    """The steps as browsers show them (W3C Server Timing)."""
    return ", ".join(f"{step};dur={duration}" for step, duration in milliseconds.model_dump().items())
