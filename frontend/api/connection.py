"""HTTP connection to the API; the only file that uses requests. Every failure is one of four exceptions.

ApiError
├── ApiUnreachable       no connection, or it broke
├── ApiTimeout       no answer within the timeout
├── ApiInvalidAnswer    an answer that is not in the contract
└── ApiRefused    the API says what is wrong, in a problem document
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar

import requests
from pydantic import ValidationError
from requests.adapters import HTTPAdapter

from frontend.api.models import ApiModel, Problem

JSON_LIMIT_BYTES = 8_000_000  # 100 hits with long attributes, or two heat maps, stay far below
CHUNK_BYTES = 64 * 1024
CONNECT_SECONDS = 3.0
POOL_SIZE = 32
PASSED_HEADERS = ("Content-Type", "Content-Length", "ETag", "Last-Modified", "Cache-Control")

ModelT = TypeVar("ModelT", bound=ApiModel)
FormField = tuple[str | None, str | bytes]  # file name (None for a plain field), content


class ApiError(Exception):
    """A request to the API failed. The message is for the log, not for the page."""


class ApiUnreachable(ApiError):
    """The API cannot be reached, or the connection broke."""


class ApiTimeout(ApiError):
    """The API did not answer in time."""


class ApiInvalidAnswer(ApiError):
    """The answer does not follow the API's contract."""


class ApiRefused(ApiError):
    """The API refused the request, with a problem document."""

    def __init__(self, problem: Problem, retry_after_seconds: int | None = None) -> None:
        super().__init__(f"{problem.status} {problem.code or ''}: {problem.title}. {problem.detail}")
        self.problem = problem
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True)
class File:
    """A file that is passed on: status 200, or 304 (not modified) without bytes."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]
    close: Callable[[], None]  # gives the connection back, also when nobody took the bytes


class Connection:
    """A pool of connections to one API; safe to share between threads, as it keeps no cookies.

    Proxies and credentials of the environment are not used and redirects are not followed: the page
    talks to the configured address and to nothing else. `key` is sent with every request.
    """

    def __init__(self, url: str, *, timeout_seconds: float, key: str | None = None) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["Accept-Encoding"] = "identity"  # pictures pass through byte by byte
        if key is not None:
            self._session.headers["Authorization"] = f"Bearer {key}"
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=POOL_SIZE))

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, FormField] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a request. The body of the response is not read yet. Raises ApiUnreachable, ApiTimeout."""
        with _translate_errors():
            return self._session.request(
                method,
                self._url + path,
                params=params,
                files=form,  # `files` even for plain fields: the contract is multipart/form-data
                json=json,
                headers=headers,
                timeout=(min(CONNECT_SECONDS, self._timeout_seconds), self._timeout_seconds),
                allow_redirects=False,
                stream=True,
            )

    def read(self, shape: type[ModelT], response: requests.Response) -> ModelT:
        """The body of a response as a model. Raises ApiError."""
        return parse_model(shape, response, self.done(response))

    def done(self, response: requests.Response) -> bytes:
        """The body of a successful response. Raises ApiError."""
        body = self.body(response)
        if not 200 <= response.status_code < 300:
            raise _error_for(response, body)
        return body

    def body(self, response: requests.Response) -> bytes:
        """The whole body, up to JSON_LIMIT_BYTES. Raises ApiError."""
        body = bytearray()
        with response, _translate_errors():
            for chunk in response.iter_content(CHUNK_BYTES):
                body += chunk
                if len(body) > JSON_LIMIT_BYTES:
                    raise ApiInvalidAnswer(f"{response.url} sent more than {JSON_LIMIT_BYTES} bytes")
        return bytes(body)

    def file(self, path: str, if_none_match: str | None) -> File:
        """A file; its bytes are not read yet. Raises ApiError."""
        conditions = {"If-None-Match": if_none_match} if if_none_match else None
        response = self.send("GET", path, headers=conditions)
        if response.status_code not in (200, 304):
            raise _error_for(response, self.body(response))
        headers = {name: response.headers[name] for name in PASSED_HEADERS if name in response.headers}
        return File(response.status_code, headers, _chunks(response), response.close)


def parse_model(shape: type[ModelT], response: requests.Response, body: bytes) -> ModelT:
    """A body as a model. Raises ApiInvalidAnswer."""
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        raise ApiInvalidAnswer(f"{response.url} is not a {shape.__name__}: {error.errors()[:3]}") from error


def _chunks(response: requests.Response) -> Iterator[bytes]:
    with response, _translate_errors():
        yield from response.iter_content(CHUNK_BYTES)


def _error_for(response: requests.Response, body: bytes) -> ApiError:
    """The exception for a response that is no success."""
    retry_after = response.headers.get("Retry-After", "")
    seconds = int(retry_after) if retry_after.isascii() and retry_after.isdigit() else None
    try:
        return ApiRefused(Problem.model_validate_json(body), seconds)
    except ValidationError:
        if response.status_code == 503:  # a load balancer in front of the API says it in its own words
            return ApiRefused(Problem(title="Not available", status=503), seconds)
        return ApiInvalidAnswer(f"{response.url} answered {response.status_code} without a problem document")


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except requests.Timeout as error:
        raise ApiTimeout(str(error)) from error
    except requests.RequestException as error:
        raise ApiUnreachable(str(error)) from error
