"""Headers of requests that change something: a key under which they may be sent again, and the version they are for."""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Header, Request

from api.errors import Refusal
from retrieval.catalogue import Item

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=128,
        pattern=r"^[!-~]([ -~]*[!-~])?$",
        description="Chosen by you, once for each change: the same request sent again with it, as after a lost answer, "
        "is answered as the first time and changes nothing. Remembered for a week.",
        examples=["order-4711/picture-2"],
    ),
]
IfMatch = Annotated[
    str | None,
    Header(description="The ETag of the item as you know it; 412, and nothing changes, if it is another one by now."),
]
CONDITIONS = ("If-None-Match", "If-Modified-Since", "If-Unmodified-Since")
OTHERS = ("Content-Range", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
"""A picture sent in parts, and another method than the one that is sent: whoever sends them means another change."""
UNSUPPORTED = (*CONDITIONS, *OTHERS)
CONTINUE = "100-continue"
NOT_HONOURED = "{name}: it is not honoured here; leave it out. Nothing was changed."


@dataclass(frozen=True, slots=True)
class Precondition:
    """What an item must be for a change to happen; None: anything."""

    if_match: str | None = None

    def check(self, item: Item) -> None:
        """Raises Refusal (precondition_failed) for another version of the item (RFC 9110, section 13.1.1)."""
        if self.if_match is None or self.if_match.strip() == "*":
            return
        # Proxies that compress make a tag a weak one, which is no other version here.
        tags = {tag.strip().removeprefix("W/") for tag in self.if_match.split(",")}
        if etag_of(item) not in tags:
            raise Refusal("precondition_failed")


ANY = Precondition()


def etag_of(item: Item) -> str:
    """Another one for every other picture, label or attributes that an item has."""
    return f'"{digest_of(item.id, item.sha256, item.label, dict(item.attributes))[:32]}"'


def digest_of(*content: object) -> str:
    """The SHA-256 of what JSON can hold."""
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


async def get_precondition(request: Request, if_match: IfMatch = None) -> Precondition:
    """Raises Refusal for a condition of another kind, which must not be passed over."""
    _refuse(request, UNSUPPORTED)
    return Precondition(if_match)


async def check_unconditional(request: Request) -> None:
    """Raises Refusal for a condition: it would be of many items, or of none."""
    _refuse(request, ("If-Match", *UNSUPPORTED))


async def check_plain(request: Request) -> None:
    """Raises Refusal for a condition, and for a key: what is done twice here is done once."""
    _refuse(request, ("Idempotency-Key", "If-Match", *UNSUPPORTED))


PreconditionDep = Annotated[Precondition, Depends(get_precondition)]
Unconditional = Depends(check_unconditional)
Plain = Depends(check_plain)


def _refuse(request: Request, names: tuple[str, ...]) -> None:
    for name in names:
        if name in request.headers:
            raise Refusal("invalid_parameter", NOT_HONOURED.format(name=name))
    if request.headers.get("expect", CONTINUE).lower() != CONTINUE:
        raise Refusal("invalid_parameter", NOT_HONOURED.format(name="Expect"))
