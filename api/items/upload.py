"""From a request to the new items in it: one in a form or in JSON, or one in each line of a stream."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256

from starlette.requests import Request

from api.errors import Refusal
from api.fetch.client import Downloads
from api.items.prepare import NewItem
from api.schemas.item_request import ItemBody, ItemForm
from api.web.bodies import media_type_of, read_json
from api.web.pictures import picture_bytes

NDJSON = "application/x-ndjson"
ONE_PICTURE = "Send exactly one of file, image_base64 and url."
NO_LINES = f"Send {NDJSON}: a JSON object in each line."
LONG_LINE = "The line is longer than this server accepts; send a smaller picture."


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a stream: its number, the first being 1, and its content; None where that is too long."""

    number: int
    content: bytes | None


def new_item(body: ItemBody, downloads: Downloads) -> NewItem:
    """Raises Refusal unless there is exactly one picture in it, or `fetched` has what its URL led to."""
    return NewItem(picture_of(body, downloads), body.id, body.label, body.attributes)


def picture_of(body: ItemBody, downloads: Downloads) -> bytes:
    """The file of the picture that was sent, or that its URL led to. Raises Refusal."""
    file = body.file if isinstance(body, ItemForm) else None
    if sum(field is not None for field in (file, body.image_base64, body.url)) != 1:
        raise Refusal("invalid_parameter", ONE_PICTURE)
    return picture_bytes(file, body.image_base64, body.url, downloads)


def fingerprint(body: ItemBody, picture: str) -> str:
    """The SHA-256 of all that was sent, in whichever way that was; `picture`: its URL, or the SHA-256 of its file."""
    content = [picture, body.id, body.label, dict(body.attributes)]
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_line(line: Line) -> ItemBody | Refusal:
    """The body in a line, or why there is none."""
    if line.content is None:
        return Refusal("too_many_bytes", LONG_LINE)
    try:
        return read_json(ItemBody, line.content)
    except Refusal as error:
        return error


async def read_lines(request: Request, limit_bytes: int) -> AsyncIterator[Line]:
    """The lines that are not empty, as they come. Raises Refusal for another kind of body, and ClientDisconnect."""
    if media_type_of(request) != NDJSON:
        raise Refusal("unsupported_body", NO_LINES)
    number, waiting, too_long = 1, bytearray(), False
    async for part in request.stream():
        *ended, rest = part.split(b"\n")
        for piece in ended:
            too_long = too_long or len(waiting) + len(piece) > limit_bytes
            waiting += b"" if too_long else piece
            if too_long or waiting.strip():
                yield Line(number, None if too_long else bytes(waiting))
            number, waiting, too_long = number + 1, bytearray(), False
        too_long = too_long or len(waiting) + len(rest) > limit_bytes
        waiting = bytearray() if too_long else waiting + rest
    if too_long or waiting.strip():
        yield Line(number, None if too_long else bytes(waiting))
