"""Pictures whole, in part or not at all: ETag, Range and If-Range (RFC 9110, sections 13 and 14).

Starlette's FileResponse does that for files, not for what is in memory, and refuses in plain text.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Response

from api.errors import Refusal

IfNoneMatch = Annotated[str | None, Header(description="An ETag that the client has; 304 if it is still good.")]


def is_known(etag: str, if_none_match: str | None) -> bool:
    """Whether the client has this version already (RFC 9110, section 13.1.2)."""
    tags = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return etag in tags or tags == ["*"]


# Asked for again each time, as another picture may come under the same id; and not for shared caches, as a key says who
# may see it.
CACHE_CONTROL = "private, no-cache"

RangeHeader = Annotated[
    str | None,
    Header(alias="Range", description="The part that is wanted, such as bytes=0-999.", examples=["bytes=0-999"]),
]
IfRange = Annotated[str | None, Header(description="An ETag; if it is not good any more, all of it is sent.")]

_ONE = re.compile(r"bytes[ \t]*=[ \t]*(\d*)-(\d*)[ \t]*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Conditions:
    """The headers that say whether a picture is sent, and which part of it."""

    if_none_match: str | None
    range: str | None
    if_range: str | None

    def response(self, etag: str, media_type: str, read: Callable[[], bytes]) -> Response:
        """304 where the client has it; else all of what is read (200), or the one range of it that is wanted (206).

        Several ranges, and what is no range, are answered with all of it, as the RFC allows. Raises Refusal
        (range_unsatisfiable), and what `read` raises.
        """
        headers = {"ETag": etag, "Cache-Control": CACHE_CONTROL, "Accept-Ranges": "bytes"}
        if is_known(etag, self.if_none_match):
            return Response(status_code=304, headers=headers)
        data = read()
        part = _part(self.range, len(data)) if self.if_range in (None, etag) else None
        if part is None:
            return Response(data, headers=headers, media_type=media_type)
        start, end = part
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
        return Response(data[start:end], 206, headers, media_type)


async def conditions_of(
    if_none_match: IfNoneMatch = None, range_: RangeHeader = None, if_range: IfRange = None
) -> Conditions:
    return Conditions(if_none_match, range_, if_range)


ConditionsDep = Annotated[Conditions, Depends(conditions_of)]


def _part(range_header: str | None, size: int) -> tuple[int, int] | None:
    """Where the wanted range begins and ends (exclusive); None for all."""
    matched = _ONE.fullmatch(range_header or "")
    if matched is None or len(matched[1]) > 18 or len(matched[2]) > 18:
        return None
    first, last = matched.groups()
    if first:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    elif last:
        start, end = max(0, size - int(last)), size
    else:
        return None
    if start >= end:
        raise Refusal("range_unsatisfiable", headers={"Content-Range": f"bytes */{size}"})
    return start, end
