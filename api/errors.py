"""Every way in which the API says no: a closed set of codes, one table from exceptions to them, problem documents.

Answers are application/problem+json (RFC 9457) and never repeat what was sent. The messages of retrieval's exceptions
are for the log, as they may name files of this server or quote a picture's bytes.
"""

import logging
from collections.abc import Mapping
from typing import Literal

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from api.validation import describe
from retrieval import errors as retrieval
from retrieval.images import SUPPORTED

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def allowed_at(request: Request) -> str:
    """For the header Allow: a route that says no knows its own methods alone (RFC 9110, section 10.2.1)."""
    routes = request.app.router.routes
    methods = {
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    }
    if "GET" in methods:  # see web/middleware.py
        methods.add("HEAD")
    return ", ".join(method for method in METHODS if method in methods)


logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2
LOGGED = (503, 507)  # statuses whose reason is for whoever runs the server

Code = Literal[
    "unparseable",
    "key_missing",
    "key_unknown",
    "insufficient_scope",
    "cross_origin_refused",
    "not_found",
    "item_missing",
    "picture_missing",
    "bundle_missing",
    "report_missing",
    "cluster_missing",
    "dismissal_missing",
    "entry_missing",
    "method_not_allowed",
    "request_timeout",
    "item_exists",
    "idempotency_conflict",
    "cursor_expired",
    "precondition_failed",
    "too_many_bytes",
    "unsupported_format",
    "unsupported_body",
    "range_unsatisfiable",
    "broken_image",
    "too_many_pixels",
    "face_missing",
    "unsupported_by_model",
    "url_refused",
    "invalid_parameter",
    "rate_limited",
    "internal_error",
    "url_failed",
    "not_ready",
    "bundle_damaged",
    "picture_unavailable",
    "overloaded",
    "write_unavailable",
    "url_timeout",
    "storage_full",
]

# Each code's status, and what is said where there is no more to say.
PROBLEMS: dict[Code, tuple[int, str]] = {
    "unparseable": (400, "The request cannot be read; send a well-formed body, a form with a single file."),
    "key_missing": (401, "This needs a key; send it as Authorization: Bearer KEY."),
    "key_unknown": (401, "This server does not know the key; ask whoever runs it for another one."),
    "insufficient_scope": (403, "The key may not do this."),
    "cross_origin_refused": (
        403,
        "Another site's page sent this. LOOKALIKE_CORS_ORIGINS names those that may change something; behind a proxy, "
        "LOOKALIKE_API_PUBLIC_URL says by which address this server is reached.",
    ),
    "not_found": (404, "There is nothing at this address; /docs lists what there is."),
    "item_missing": (404, "There is no item of this id, or the model served does not know it yet."),
    "picture_missing": (404, "The item exists, but its picture is gone."),
    "bundle_missing": (404, "There is no bundle of this id; /bundles lists what there is."),
    "report_missing": (404, "The bundle has no such file in its report; /bundles says where a report begins."),
    "cluster_missing": (404, "The model served has no cluster of this number; /clusters lists them."),
    "dismissal_missing": (404, "There is no dismissal of this id; /duplicates/dismissed lists them."),
    "entry_missing": (404, "There is no such entry in the bin; GET /bin lists them."),
    "method_not_allowed": (405, "This address does not take this method; /docs lists what it takes."),
    "request_timeout": (408, "The body came too slowly, or stopped; send the request again."),
    "item_exists": (409, "There is an item of this id already."),
    "idempotency_conflict": (409, "This Idempotency-Key came with another request before; choose a new one."),
    "cursor_expired": (410, "The model that found this page is not loaded any more; search again from the start."),
    "precondition_failed": (412, "The item is not as If-Match says: it has changed meanwhile; read it again."),
    "too_many_bytes": (413, "The request is larger than this server accepts; send a smaller picture."),
    "unsupported_format": (415, f"Not a picture in a format known here; send {SUPPORTED}."),
    "unsupported_body": (415, "Not a kind of body known here; send multipart/form-data or application/json."),
    "range_unsatisfiable": (416, "The range begins beyond the end; Content-Range says where that is."),
    "broken_image": (422, "The picture is damaged or cut short; save it again, or send another."),
    "too_many_pixels": (422, "The picture has too many pixels; send a smaller copy."),
    "face_missing": (422, "No face was found in the picture; send one that shows a face upright and from the front."),
    "unsupported_by_model": (422, "The model served cannot do this."),
    "url_refused": (422, "This URL is not fetched; send the picture itself."),
    "invalid_parameter": (422, "A parameter is missing, unknown or out of range."),
    "rate_limited": (
        429,
        "Too many requests with this key to one process of the server; try again after the seconds of Retry-After.",
    ),
    "internal_error": (500, "This is a mistake of the server; its log says more under this request_id."),
    "url_failed": (502, "The URL could not be fetched; send the picture itself."),
    "not_ready": (503, "Nothing can be searched at the moment; /readyz says why."),
    "bundle_damaged": (503, "The files of this bundle are not as they were written; publish another one."),
    "picture_unavailable": (
        503,
        "The item exists, but the store of its picture does not answer. Searches go on; try again after the seconds of "
        "Retry-After.",
    ),
    "overloaded": (503, "Too many requests are waiting; try again shortly."),
    "write_unavailable": (
        503,
        "Nothing was written: another change is under way, or the server's storage does not take any. Searches go on; "
        "/readyz says what is wrong. Send the request again after the seconds of Retry-After.",
    ),
    "url_timeout": (504, "The URL took too long to fetch; send the picture itself."),
    "storage_full": (
        507,
        "Nothing was written: the server's disk is full. Searches go on. Ask whoever runs the server to free room on "
        "its disk, then send the request again.",
    ),
}

# RFC 9110's names; those of Python's http.HTTPStatus differ between its versions.
TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    412: "Precondition Failed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    507: "Insufficient Storage",
}

# What retrieval's exceptions mean to a client: every leaf of its tree, and what it raises besides.
CODES: dict[type[retrieval.LookalikeError], Code] = {
    retrieval.UnsupportedFormat: "unsupported_format",
    retrieval.BrokenImage: "broken_image",
    retrieval.TooManyPixels: "too_many_pixels",
    retrieval.FaceMissing: "face_missing",
    retrieval.BundleMissing: "not_ready",
    retrieval.BundleDamaged: "not_ready",
    retrieval.BundleIncompatible: "not_ready",
    retrieval.CatalogueError: "not_ready",
    retrieval.ItemMissing: "item_missing",
    retrieval.DismissalMissing: "dismissal_missing",
    retrieval.PictureMissing: "picture_missing",
    retrieval.PictureUnavailable: "picture_unavailable",
    retrieval.VectorMissing: "item_missing",
    retrieval.VectorStoreError: "not_ready",
    retrieval.VectorsUnavailable: "not_ready",
    retrieval.StorageError: "write_unavailable",
    retrieval.StorageFull: "storage_full",
    retrieval.StorageBusy: "write_unavailable",
    retrieval.StorageUnavailable: "write_unavailable",
    retrieval.FolderNotWritable: "write_unavailable",
}

# Those whose message may be told: it holds limits and advice, and nothing of the server or of the picture.
TELLING = (retrieval.UnsupportedFormat, retrieval.TooManyPixels, retrieval.FaceMissing)

NO_SUCH_PATH = "There is nothing at this address; an item is at /item?id=ID, its picture at /item/image?id=ID."

# What FastAPI and Starlette raise, by status.
HTTP_CODES: dict[int, Code] = {
    400: "unparseable",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "too_many_bytes",
    503: "overloaded",
}


class Problem(BaseModel):
    """Why a request was not answered (RFC 9457)."""

    type: Literal["about:blank"] = "about:blank"
    title: str = Field(description="The status in words.")
    status: int
    code: Code = Field(description="The kind of problem, for programs.")
    detail: str = Field(description="What is wrong and how to mend it, for people.")
    request_id: str = Field(description="Names this request in the server's log.")


class Refusal(Exception):
    """Raised where the API itself refuses a request; `detail` as in `problem`."""

    def __init__(self, code: Code, detail: str | None = None, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.headers = headers


def problem(code: Code, request_id: str, detail: str | None = None) -> Problem:
    """The document for a code; `detail` in place of what is usually said."""
    status, usual = PROBLEMS[code]
    return Problem(title=TITLES[status], status=status, code=code, detail=detail or usual, request_id=request_id)


def problem_of(error: retrieval.LookalikeError | Refusal, request_id: str) -> Problem:
    """The document for what was raised; what whoever runs the server should see is logged."""
    if isinstance(error, Refusal):
        return problem(error.code, request_id, error.detail)
    refusal = refusal_of(error)
    document = problem(refusal.code, request_id, refusal.detail)
    if document.status in LOGGED:
        logger.error("request %s: %s", request_id, error)
    return document


def refusal_of(error: retrieval.LookalikeError) -> Refusal:
    """What a client is told of an exception of retrieval: its message as a sentence, where that may be told."""
    text = str(error)
    detail = f"{text[:1].upper()}{text[1:].removesuffix('.')}." if isinstance(error, TELLING) else None
    return Refusal(CODES[type(error)], detail)


def problem_response(
    code: Code, request_id: str, detail: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer for a code; a 503 says when to try again."""
    document = problem(code, request_id, detail)
    retry = {"Retry-After": str(RETRY_AFTER_SECONDS)} if document.status == 503 else {}
    return Response(document.model_dump_json(), document.status, {**(headers or {}), **retry}, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let the app answer these exceptions with problem documents."""

    @app.exception_handler(retrieval.LookalikeError)
    async def on_retrieval_error(request: Request, error: retrieval.LookalikeError) -> Response:
        refusal = refusal_of(error)
        if PROBLEMS[refusal.code][0] in LOGGED:
            logger.error("request %s: %s", request.state.request_id, error)
        return problem_response(refusal.code, request.state.request_id, refusal.detail)

    @app.exception_handler(Refusal)
    async def on_refusal(request: Request, refusal: Refusal) -> Response:
        return problem_response(refusal.code, request.state.request_id, refusal.detail, refusal.headers)

    @app.exception_handler(HTTPException)
    async def on_http_exception(request: Request, error: HTTPException) -> Response:
        headers = {"Allow": allowed_at(request)} if error.status_code == 405 else error.headers
        below_items = error.status_code == 404 and request.scope["path"].startswith("/items/")
        detail = NO_SUCH_PATH if below_items else None
        return problem_response(HTTP_CODES[error.status_code], request.state.request_id, detail, headers)

    @app.exception_handler(RequestValidationError)
    async def on_invalid_request(request: Request, error: RequestValidationError) -> Response:
        return problem_response("invalid_parameter", request.state.request_id, _complaints(error))


def _complaints(error: RequestValidationError) -> str:
    """What is wrong with which parameter."""
    names = {_parameter(entry["loc"]): entry for entry in error.errors()}
    return " ".join(describe([{**entry, "loc": ()}], None, at=name) for name, entry in names.items())  # type: ignore[typeddict-item]


def _parameter(loc: tuple[int | str, ...]) -> str:
    """The name of a query parameter, of a part of the path, or of a header."""
    where, name = str(loc[0]), str(loc[1] if len(loc) > 1 else loc[0])
    return "-".join(word.capitalize() for word in name.split("-")) if where == "header" else name
