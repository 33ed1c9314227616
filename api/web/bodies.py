"""From a request to what it asks: JSON bodies, multipart forms and links, checked against one set of shapes."""

import base64
import binascii
import json
from collections.abc import Iterable
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.requests import Request

from api.errors import Refusal
from api.fetch.client import Downloads
from api.schemas.filters import FilterBody
from api.schemas.search_request import JSON_FIELDS, SearchBody, SearchForm, SearchLink
from retrieval.filters import Filter

FIELD_LENGTH = 65_536
"""Characters of a field of a form that is neither a file nor a picture."""
PICTURE_FIELD = "image_base64"
"""May be as long as a file, which only the limit of the whole request bounds."""
MAX_FIELDS = 256
"""Enough for every list to come as a part for each of its members, and then to be told how it should come."""

Shape = TypeVar("Shape", bound=BaseModel)
Other = TypeVar("Other", bound=BaseModel)


class FilterLink(BaseModel):
    """A query string that has a filter, among other things."""

    filter: FilterBody = FilterBody()


async def read_search(request: Request) -> SearchBody:
    """The search in a body: SearchForm or SearchBody. Raises Refusal, RequestValidationError, HTTPException."""
    return await read_either(request, SearchForm, SearchBody)


async def read_either(request: Request, form: type[Shape], body: type[Other]) -> Shape | Other:
    """A form of one shape, or a JSON body of the other. Raises as `read_search` does."""
    kind = media_type_of(request)
    if kind == "multipart/form-data":
        return await _read_form(request, form)
    if kind == "application/json":
        return read_json(body, await request.body())
    if not kind and not await request.body():
        raise Refusal("invalid_parameter", "Send a picture or an id, as multipart/form-data or application/json.")
    raise Refusal("unsupported_body")


def media_type_of(request: Request) -> str:
    """What kind of body it says that it has, in lower case and without parameters; empty where it does not say."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_link(request: Request) -> SearchLink:
    """The search in a query string. Raises RequestValidationError."""
    return _checked(SearchLink, _fields(request.query_params.multi_items()), "query")


async def read_json_body(request: Request, shape: type[Shape]) -> Shape:
    """A JSON body of a shape. Raises Refusal, RequestValidationError, HTTPException."""
    if media_type_of(request) != "application/json":
        raise Refusal("unsupported_body", "Send application/json.")
    return read_json(shape, await request.body())


def read_filter(request: Request) -> Filter:
    """The filter in a query string; without one, everything. Raises Refusal, RequestValidationError."""
    fields = _fields(pair for pair in request.query_params.multi_items() if pair[0] == "filter")
    return _checked(FilterLink, fields, "query").filter.to_filter()


def read_json(shape: type[Shape], body: bytes) -> Shape:
    """A JSON body of a shape. Raises Refusal (unparseable) or RequestValidationError."""
    try:
        return shape.model_validate_json(body, strict=True)
    except ValidationError as error:
        if any(entry["type"] == "json_invalid" for entry in error.errors(include_input=False)):
            raise Refusal("unparseable", "The body is not well-formed JSON.") from error
        raise _invalid(error, "body") from error


def picture_bytes(
    file: bytes | None, image_base64: str | None, url: str | None, downloads: Downloads, name: str = "image_base64"
) -> bytes:
    """The picture that came along in one of these ways, or that a URL led to; `name`: of the field in Base64.

    Raises Refusal.
    """
    if file is not None:
        return file
    return downloads[url] if url is not None else decode_base64(image_base64 or "", name)


def decode_base64(text: str, name: str) -> bytes:
    """The bytes of a Base64 text. Raises Refusal."""
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise Refusal("invalid_parameter", f"{name}: not well-formed Base64.") from error


async def _read_form(request: Request, shape: type[Shape]) -> Shape:
    longest = request.state.app.upload_limit_bytes
    async with request.form(max_files=1, max_fields=MAX_FIELDS, max_part_size=longest) as form:
        pairs = [(name, value) for name, value in form.multi_items() if value != ""]
        files = {name: await value.read() for name, value in pairs if isinstance(value, UploadFile)}
        if set(files) - {"file"}:
            raise Refusal("invalid_parameter", "file: only this field may be a file.")
        texts = [(name, value) for name, value in pairs if isinstance(value, str)]
    if any(len(text) > FIELD_LENGTH and name != PICTURE_FIELD for name, text in texts):
        raise Refusal("unparseable", f"A field of a form other than {PICTURE_FIELD} is too long.")
    if any(name == "file" for name, _ in texts):
        raise Refusal("invalid_parameter", "file: send it as a file, that is, with a file name.")
    return _checked(shape, _fields(texts) | files, "body")


def _fields(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Each field once; an empty one counts as not given, as /docs sends them."""
    fields: dict[str, Any] = {}
    for name, text in pairs:
        if text == "":
            continue
        if name in fields:
            raise Refusal("invalid_parameter", "A field is given twice; send each once.")
        fields[name] = _parsed(name, text) if name in JSON_FIELDS else text
    return fields


def _parsed(name: str, text: str) -> Any:
    try:
        parsed = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Refusal("invalid_parameter", f"{name}: send it as well-formed JSON.") from error
    if parsed is None:
        raise Refusal("invalid_parameter", f"{name}: null says nothing; leave it out.")
    return parsed


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _checked(shape: type[Shape], fields: dict[str, Any], where: str) -> Shape:
    try:
        return shape.model_validate(fields)
    except ValidationError as error:
        raise _invalid(error, where) from error


def _invalid(error: ValidationError, where: str) -> RequestValidationError:
    entries = error.errors(include_url=False, include_context=False, include_input=False)
    return RequestValidationError([{**entry, "loc": (where, *entry["loc"])} for entry in entries])
