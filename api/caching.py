"""Not sending again what a client has: ETag and If-None-Match."""

from typing import Annotated

from fastapi import Header

IfNoneMatch = Annotated[str | None, Header(description="An ETag that the client has; 304 if it is still good.")]


def is_known(etag: str, if_none_match: str | None) -> bool:
    """Whether the client has this version already (RFC 9110, section 13.1.2)."""
    known = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return etag in known or known == ["*"]
