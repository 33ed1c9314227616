"""From a request to its content: JSON bodies and multipart forms, checked against one set of shapes."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.requests import Request

from api import validation
from api.errors import Refusal
from api.schemas.fields import FILE_FIELDS
from api.schemas.search.request import JSON_FIELDS, LIST_FIELDS, BatchEnvelope, SearchBody, SearchForm
from api.web.json_text import decode_utf8, parse_json

FIELD_LENGTH = 65_536
"""Characters of a field of a form that is neither a file nor a picture."""
PICTURE_FIELDS = ("image_base64", "other_image_base64")
"""May be as long as a file, which only the limit of the whole request bounds."""
MAX_FIELDS = 512
"""Enough for every list to come as a part for each of its members."""
NOTHING_SENT = "Send a picture or an id, as multipart/form-data or application/json."
NULL = "null says nothing; leave it out"

Shape = TypeVar("Shape", bound=BaseModel)
Other = TypeVar("Other", bound=BaseModel)


async def read_search(request: Request) -> SearchBody:
    """The search in a body: SearchForm or SearchBody. Raises Refusal, HTTPException."""
    return await read_either(request, SearchForm, SearchBody)


async def read_either(request: Request, form: type[Shape], body: type[Other]) -> Shape | Other:
    """A form of one shape, or a JSON body of the other. Raises as `read_search` does."""
    kind = media_type_of(request)
    if kind == "multipart/form-data":
        return await _read_form(request, form)
    if kind == "application/json":
        return read_json(body, await request.body())
    if not kind and not await request.body():
        raise Refusal("invalid_parameter", NOTHING_SENT)
    raise Refusal("unsupported_body")


def media_type_of(request: Request) -> str:
    """What kind of body it says that it has, in lower case and without parameters; empty where it does not say."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_json_body(request: Request, shape: type[Shape]) -> Shape:
    """A JSON body of a shape. Raises Refusal, HTTPException."""
    if media_type_of(request) != "application/json":
        raise Refusal("unsupported_body", "Send application/json.")
    return read_json(shape, await request.body())


async def read_queries(request: Request) -> list[SearchBody | Refusal]:
    """The searches of a batch, or for each what is wrong with it. Raises as `read_json_body` does."""
    envelope = await read_json_body(request, BatchEnvelope)
    queries: list[SearchBody | Refusal] = []
    for number, query in enumerate(envelope.queries):
        try:
            queries.append(checked(SearchBody, query, strict=True, at=f"queries[{number}]"))
        except Refusal as refusal:
            queries.append(refusal)
    return queries


async def read_limited(request: Request, limit_bytes: int) -> bytes:
    """The body of a route whose bodies are not limited elsewhere. Raises Refusal (too_many_bytes), ClientDisconnect."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit_bytes:
            raise Refusal("too_many_bytes")
    return bytes(body)


def read_json(shape: type[Shape], body: bytes) -> Shape:
    """A JSON body of a shape. Raises Refusal: unparseable, invalid_parameter."""
    try:
        data = parse_json(decode_utf8(body))
    except ValueError as error:
        raise Refusal("unparseable", f"The body is {error}.") from error
    return checked(shape, data, strict=True)


def checked(shape: type[Shape], data: object, *, strict: bool = False, at: str = "") -> Shape:
    """The data in its shape; `at` is its place in the request. Raises Refusal (invalid_parameter)."""
    try:
        return shape.model_validate(data, strict=strict)
    except ValidationError as error:
        entries = error.errors(include_url=False, include_input=False)
        raise Refusal("invalid_parameter", sentence(validation.describe(entries, data, shape, at))) from error


def sentence(text: str) -> str:
    """A text that begins with a word of ours begins with a capital letter; a field's name stays as it is."""
    return text[:1].upper() + text[1:] if text.startswith(("a ", "the ")) or text[:1].isdigit() else text


def fields_of(pairs: Iterable[tuple[str, str]], shape: type[BaseModel]) -> dict[str, Any]:
    """The fields of a form or a link, JSON texts parsed; an empty one counts as not sent. Raises Refusal."""
    fields: dict[str, Any] = {}
    for name, text in pairs:
        if text == "":
            continue
        if name in fields and name not in LIST_FIELDS:
            subject = f"{name}: it" if name in shape.model_fields else "A field"
            raise Refusal("invalid_parameter", f"{subject} is sent twice; send each field once.")
        value = _value(name, text)
        fields[name] = [*fields[name], *value] if name in fields else value
    return fields


async def _read_form(request: Request, shape: type[Shape]) -> Shape:
    longest = request.state.app.upload_limit_bytes
    max_files = max(1, sum(name in shape.model_fields for name in FILE_FIELDS))
    async with request.form(max_files=max_files, max_fields=MAX_FIELDS, max_part_size=longest) as form:
        pairs = [(name, value) for name, value in form.multi_items() if value != ""]
        files = {name: await value.read() for name, value in pairs if isinstance(value, UploadFile)}
        texts = [(name, value) for name, value in pairs if isinstance(value, str)]
    _check_parts(files, texts, shape)
    return checked(shape, fields_of(texts, shape) | files)


def _check_parts(files: Mapping[str, bytes], texts: Iterable[tuple[str, str]], shape: type[BaseModel]) -> None:
    file_fields = [name for name in FILE_FIELDS if name in shape.model_fields] or ["file"]
    if set(files).difference(file_fields):
        which = "only this field" if len(file_fields) == 1 else "only these fields"
        raise Refusal("invalid_parameter", f"{' and '.join(file_fields)}: {which} may be a file.")
    if any(len(text) > FIELD_LENGTH and name not in PICTURE_FIELDS for name, text in texts):
        raise Refusal("unparseable", f"A field of a form other than {PICTURE_FIELDS[0]} is too long.")
    for name, _ in texts:
        if name in FILE_FIELDS and name in shape.model_fields:
            raise Refusal("invalid_parameter", f"{name}: send it as a file, that is, with a file name.")


def _value(name: str, text: str) -> Any:
    if name in LIST_FIELDS:
        return _entries(name, text)
    return _parsed(name, text) if name in JSON_FIELDS else text


def _entries(name: str, text: str) -> list[Any]:
    """A list, or one of its entries: clients send either a JSON list, or a part for each entry."""
    if re.match(r"\s*[\[{\"\ufeff]", text) or name != "exclude":
        value = _parsed(name, text)
        return value if isinstance(value, list) else [value]
    return [text]


def _parsed(name: str, text: str) -> Any:
    try:
        value = parse_json(text)
    except ValueError as error:
        raise Refusal("invalid_parameter", f"{name}: send it as JSON; this is {error}.") from error
    if value is None:
        raise Refusal("invalid_parameter", f"{name}: {NULL}.")
    return value
