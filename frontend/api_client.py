"""The API behind plain calls: the only file that speaks HTTP to it. Every failure is one of four exceptions.

ApiError
├── ApiDown       no connection, or it broke
├── ApiSlow       no answer within the timeout
├── ApiGarbled    an answer that is not in the contract
└── ApiRefused    the API says what is wrong, in a problem document
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Annotated, TypeVar
from urllib.parse import quote

import requests
from pydantic import Field, ValidationError
from requests.adapters import HTTPAdapter

from frontend.answers import Answer, Item, Metric, Problem, Sample, SearchAnswer, Unready

JSON_LIMIT_BYTES = 8_000_000  # 100 hits with long attributes stay far below
CHUNK_BYTES = 64 * 1024
CONNECT_SECONDS = 3.0
POOL_SIZE = 32
PASSED_HEADERS = ("Content-Type", "Content-Length", "ETag", "Last-Modified", "Cache-Control")

AnswerT = TypeVar("AnswerT", bound=Answer)
FormField = tuple[str | None, str | bytes]  # file name (None for a plain field), content


class ApiError(Exception):
    """The API gave no answer that can be shown. The message is for the log, not for the page."""


class ApiDown(ApiError):
    """There is no connection to the API, or it broke."""


class ApiSlow(ApiError):
    """The API did not answer in time."""


class ApiGarbled(ApiError):
    """Something answered, but not as the API's contract says."""


class ApiRefused(ApiError):
    """The API said no, and why."""

    def __init__(self, problem: Problem, retry_after_seconds: int | None = None) -> None:
        super().__init__(f"{problem.status} {problem.code or ''}: {problem.title}. {problem.detail}")
        self.problem = problem
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True)
class SearchOptions:
    """How many matches, and by which measure."""

    k: Annotated[int, Field(ge=1, le=100)] = 20
    metric: Metric = "cosine"


@dataclass(frozen=True)
class File:
    """A picture or a file of a report on its way through: status 200, or 304 (not modified) without any bytes."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]
    close: Callable[[], None]  # gives the connection back, also when nobody took the bytes


class ApiClient:
    """One API, reached through a pool of connections; safe to share between threads, as it keeps no cookies.

    Proxies and credentials of the environment are not used and redirects are not followed: the page
    talks to the configured address and to nothing else.
    """

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["Accept-Encoding"] = "identity"  # pictures pass through byte by byte
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=POOL_SIZE))

    def search_picture(self, picture: bytes, options: SearchOptions) -> SearchAnswer:
        """The items most like an uploaded picture. Its name stays here: the API looks at the bytes."""
        return self._search({"file": ("picture", picture)}, options)

    def search_item(self, item_id: str, options: SearchOptions) -> SearchAnswer:
        """The items most like one of the catalogue."""
        return self._search({"id": (None, _possible(item_id))}, options)

    def item(self, item_id: str) -> Item:
        """One item of the catalogue."""
        return self._read(Item, self._send("GET", _item_path(item_id)))

    def sample(self, limit: int) -> Sample:
        """Some items of the catalogue, always the same ones."""
        return self._read(Sample, self._send("GET", f"/items?limit={limit}"))

    def thumbnail(self, item_id: str, size: int, if_none_match: str | None) -> File:
        """An item's picture, at most `size` pixels wide and high."""
        return self._picture(f"{_item_path(item_id)}/thumbnail?size={size}", if_none_match)

    def image(self, item_id: str, if_none_match: str | None) -> File:
        """An item's picture as it is in the catalogue."""
        return self._picture(f"{_item_path(item_id)}/image", if_none_match)

    def report(self, bundle_id: str, name: str, if_none_match: str | None) -> File:
        """A file of a bundle's report, whatever it is: it must not be shown as one of this page's own."""
        if {bundle_id, name} & {".", ".."}:  # as in `_possible`
            raise ApiRefused(Problem(title="There is no such report", status=404, code="report_missing"))
        return self._file(f"/bundles/{quote(bundle_id, safe='')}/report/{quote(name, safe='')}", if_none_match)

    def why_not_ready(self) -> str | None:
        """What keeps the API from searching; None when nothing does."""
        response = self._send("GET", "/readyz")
        body = self._body(response)
        return None if response.status_code == 200 else _parsed(Unready, response, body).detail

    def _search(self, query: dict[str, FormField], options: SearchOptions) -> SearchAnswer:
        fields: dict[str, FormField] = {"k": (None, str(options.k)), "metric": (None, options.metric)}
        return self._read(SearchAnswer, self._send("POST", "/search", form=query | fields))

    def _send(
        self,
        method: str,
        path: str,
        *,
        form: Mapping[str, FormField] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        with _failures_named():
            return self._session.request(
                method,
                self._url + path,
                files=form,  # `files` even for plain fields: the contract is multipart/form-data
                headers=headers,
                timeout=(min(CONNECT_SECONDS, self._timeout_seconds), self._timeout_seconds),
                allow_redirects=False,
                stream=True,
            )

    def _read(self, shape: type[AnswerT], response: requests.Response) -> AnswerT:
        body = self._body(response)
        if response.status_code != 200:
            raise _refusal(response, body)
        return _parsed(shape, response, body)

    def _body(self, response: requests.Response) -> bytes:
        """The whole body, unless it is larger than any answer in the contract."""
        body = bytearray()
        with response, _failures_named():
            for chunk in response.iter_content(CHUNK_BYTES):
                body += chunk
                if len(body) > JSON_LIMIT_BYTES:
                    raise ApiGarbled(f"{response.url} sent more than {JSON_LIMIT_BYTES} bytes")
        return bytes(body)

    def _picture(self, path: str, if_none_match: str | None) -> File:
        file = self._file(path, if_none_match)
        media_type = file.headers.get("Content-Type", "")
        if file.status == 200 and not _is_photograph(media_type):
            file.close()
            raise ApiGarbled(f"{path} is {media_type!r}, not a picture")
        return file

    def _file(self, path: str, if_none_match: str | None) -> File:
        conditions = {"If-None-Match": if_none_match} if if_none_match else None
        response = self._send("GET", path, headers=conditions)
        if response.status_code not in (200, 304):
            raise _refusal(response, self._body(response))
        headers = {name: response.headers[name] for name in PASSED_HEADERS if name in response.headers}
        return File(response.status_code, headers, _chunks(response), response.close)


def _item_path(item_id: str) -> str:
    """The item's path, with everything escaped."""
    return f"/items/{quote(_possible(item_id), safe='')}"


def _possible(item_id: str) -> str:
    """The id, if an item can have it. In a path `.` and `..` cannot be escaped, and would lead out of /items."""
    if 1 <= len(item_id) <= 128 and item_id.isprintable() and item_id not in {".", ".."}:
        return item_id
    raise ApiRefused(Problem(title="There is no such picture", status=404))


def _parsed(shape: type[AnswerT], response: requests.Response, body: bytes) -> AnswerT:
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        raise ApiGarbled(f"{response.url} is not a {shape.__name__}: {error.errors()[:3]}") from error


def _is_photograph(media_type: str) -> bool:
    """Pixels only: an SVG is a document that can carry scripts."""
    return media_type.startswith("image/") and not media_type.startswith("image/svg")


def _chunks(response: requests.Response) -> Iterator[bytes]:
    with response, _failures_named():
        yield from response.iter_content(CHUNK_BYTES)


def _refusal(response: requests.Response, body: bytes) -> ApiError:
    """What an answer other than 200 means."""
    retry_after = response.headers.get("Retry-After", "")
    seconds = int(retry_after) if retry_after.isascii() and retry_after.isdigit() else None
    try:
        return ApiRefused(Problem.model_validate_json(body), seconds)
    except ValidationError:
        if response.status_code == 503:  # a load balancer in front of the API says it in its own words
            return ApiRefused(Problem(title="Not available", status=503), seconds)
        return ApiGarbled(f"{response.url} answered {response.status_code} without a problem document")


@contextmanager
def _failures_named() -> Iterator[None]:
    try:
        yield
    except requests.Timeout as error:
        raise ApiSlow(str(error)) from error
    except requests.RequestException as error:
        raise ApiDown(str(error)) from error
