"""The query string: every parameter of it is known to its route, and sent once."""

from collections import Counter

from fastapi import Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import Refusal
from api.schemas.filters import FilterBody
from api.schemas.health import TOLERANT
from api.schemas.search.request import LIST_FIELDS, SearchLink
from api.validation import nearest, unknown_name
from api.web.bodies import checked, fields_of, sentence
from retrieval.filters import Filter

FILTERS = ' A filter is one JSON text, such as filter={"label": "amphora"}.'
FILTER_NAMES = ("filter", *FilterBody.model_fields)


class FilterLink(BaseModel):
    """A query string that has a filter, among other things."""

    filter: FilterBody = FilterBody()


async def check_parameters(request: Request) -> None:
    """Raises Refusal for a parameter that the route does not know, or that is sent more than once."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or route.operation_id in TOLERANT:
        return
    names = _parameters(route)
    for name, times in Counter(name for name, _ in request.query_params.multi_items()).items():
        if name not in names:
            hint = FILTERS if "filter" in names and nearest(name, FILTER_NAMES) else ""
            raise Refusal("invalid_parameter", f"{sentence(unknown_name(name, names, 'parameter'))}.{hint}")
        if times > 1 and name not in LIST_FIELDS:
            raise Refusal("invalid_parameter", f"{name}: it is sent {times} times; send it once.")


KnownParameters = Depends(check_parameters)


def refuse_all(app: FastAPI) -> None:
    """Let those routes that FastAPI does not check take no parameters: its own document, and the files of its page."""
    for route in app.routes:
        if isinstance(route, Route | Mount) and not isinstance(route, APIRoute):
            route.app = _WithoutParameters(route.app)


class _WithoutParameters:
    """An ASGI application that reads no query string."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for name in QueryParams(scope.get("query_string", b"")):
            raise Refusal("invalid_parameter", f"{sentence(unknown_name(name, (), 'parameter'))}.")
        await self._app(scope, receive, send)


async def read_link(request: Request) -> SearchLink:
    """The search in a query string. Raises Refusal."""
    return checked(SearchLink, fields_of(request.query_params.multi_items(), SearchLink))


def read_filter(request: Request) -> Filter:
    """The filter in a query string; without one, everything. Raises Refusal."""
    pairs = [pair for pair in request.query_params.multi_items() if pair[0] == "filter"]
    return checked(FilterLink, fields_of(pairs, FilterLink)).filter.to_filter()


def _parameters(route: APIRoute) -> tuple[str, ...]:
    """The names of a route's query parameters: those that FastAPI reads, and those that are read here."""
    own = _names(route.dependant)
    extra = (route.openapi_extra or {}).get("parameters", [])
    return tuple(sorted({*own, *(each["name"] for each in extra if each["in"] == "query")}))


def _names(dependant: Dependant) -> list[str]:
    inner = [name for each in dependant.dependencies for name in _names(each)]
    return [*(field.alias for field in dependant.query_params), *inner]
