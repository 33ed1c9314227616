"""From a request to the new items in it: one in a form or in JSON, or one in each line of a stream."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256

from starlette.requests import Request

from api.errors import Refusal
from api.fetch.client import Downloads
from api.items.prepare import NewItem
from api.items.replies import Answer, Ticket, remembered
from api.schemas.items.write import ItemBody, ItemForm, ReplacementBody, ReplacementForm
from api.web.bodies import read_json
from api.web.pictures import picture_bytes
from retrieval.catalogue import Catalogue

NDJSON = "application/x-ndjson"
_NDJSON_NAMES = re.compile(
    r"(application|text)/(x-)?(ndjson|ldjson|jsonl|json-?lines|json-stream)|application/stream\+json"
)
ONE_PICTURE = "Send exactly one of file, image_base64 and url."
LONG_LINE = "The line is longer than this server accepts; send a smaller picture."


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a stream: its number, the first being 1, and its content; None where that is too long."""

    number: int
    content: bytes | None


def is_ndjson(media_type: str) -> bool:
    """Whether clients call lines of JSON so: it was never registered, and has many names."""
    return _NDJSON_NAMES.fullmatch(media_type) is not None


def new_item(body: ItemBody, downloads: Downloads, key: str | None = None) -> NewItem:
    """Raises Refusal unless there is exactly one picture in it, or `downloads` has what its URL led to."""
    picture = picture_of(body, downloads)
    return NewItem(picture, body.id, body.label, body.attributes, ticket_of(body, picture, key))


def open_body(body: ItemBody, downloads: Downloads, catalogue: Catalogue, key: str | None) -> NewItem | Answer:
    """The new item in a body, or what the same request was answered before. Raises as `new_item` does."""
    if key is not None and body.url is not None and (answer := remembered(catalogue, ticket_of(body, b"", key))):
        return answer  # whatever the URL leads to by now
    return new_item(body, downloads, key)


def ticket_of(body: ItemBody, picture: bytes, key: str | None) -> Ticket | None:
    """The ticket of a request that came with a key.

    Where the picture is at a URL, that counts and not the file: it may lead nowhere by now, or to another picture, and
    the same request is still the same one.
    """
    if key is None:
        return None
    return Ticket.of(key, body.url or sha256(picture).hexdigest(), body.id, body.label, dict(body.attributes))


def picture_of(body: ItemBody | ReplacementBody, downloads: Downloads) -> bytes:
    """The file of the picture that was sent, or that its URL led to. Raises Refusal."""
    file = body.file if isinstance(body, ItemForm | ReplacementForm) else None
    if sum(field is not None for field in (file, body.image_base64, body.url)) != 1:
        raise Refusal("invalid_parameter", ONE_PICTURE)
    return picture_bytes(file, body.image_base64, body.url, downloads)


def read_line(line: Line) -> ItemBody | Refusal:
    """The body in a line, or why there is none."""
    if line.content is None:
        return Refusal("too_many_bytes", LONG_LINE)
    try:
        return read_json(ItemBody, line.content)
    except Refusal as error:
        return error


async def read_lines(request: Request, limit_bytes: int) -> AsyncIterator[Line]:
    """The lines that are not empty, as they come. Raises ClientDisconnect, and Refusal for a broken encoding."""
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
