"""Who may ask what: API keys with a scope, and how fast each may ask.

The settings hold no key, only the SHA-256 of each. A plain hash is enough, as a key is 256 random bits that nobody can
guess, and not a password. Without keys (on loopback, or switched off by name) everybody may do everything.
"""

import asyncio
import json
import math
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address, ip_network
from time import monotonic
from typing import Annotated, Literal, get_args

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from pydantic import BaseModel, ConfigDict, Field

from api.errors import Refusal
from api.security.origins import is_foreign, is_known_host

Scope = Literal["read", "write", "admin"]
"""Each may do what those before it may."""

RANKS: dict[str, int] = {scope: rank for rank, scope in enumerate(get_args(Scope))}
PREFIX = "lookalike_"  # by which a key that got lost somewhere is recognised
UNKNOWN_HOST = (
    "This server needs no key, so it answers to no name that it does not know. Use its IP address, or let whoever "
    "runs it list the name in LOOKALIKE_HOSTS, or set LOOKALIKE_API_PUBLIC_URL to the address that clients use."
)
SCHEME = "key"  # its name in the OpenAPI document


class ApiKey(BaseModel):
    """One key as the settings tell of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[\w.@-]+$", max_length=100, description="Whose it is; for people.")]
    scope: Scope
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="Of the key, in hexadecimal.")]
    rate_per_minute: Annotated[int, Field(ge=0)] | None = None
    """In place of what all keys have; 0: no limit."""


Take = Callable[[str, int], float | None]
"""Counts a request of a key, of this name and rate a minute, for all servers, or says in how many seconds it may send
one; None where that cannot be counted. Blocking."""


class Keys:
    """The keys that are accepted, and how fast each has been asking. Not for several threads: the event loop asks."""

    def __init__(
        self,
        keys: Sequence[ApiKey],
        *,
        needed: bool,
        rate_per_minute: int,
        clock: Callable[[], float] = monotonic,
        take: Take | None = None,
    ) -> None:
        """`take`: for servers that share a database; without it, or while it cannot count, each counts for itself."""
        self._keys = tuple(keys)
        self._take = take
        self.needed = needed
        rates = [rate_per_minute if key.rate_per_minute is None else key.rate_per_minute for key in keys]
        self._buckets = [Bucket(rate, clock()) if rate else None for rate in rates]
        self._clock = clock

    def check(self, key: str | None, scope: Scope) -> str | None:
        """Whose key it is, counted by this server alone; None where none is needed.

        Raises Refusal: key_missing, key_unknown, insufficient_scope or rate_limited.
        """
        if not self.needed:
            return None
        place = self._known(key)
        bucket = self._buckets[place]
        return self._let_in(place, scope, bucket.take(self._clock()) if bucket else 0.0)

    async def admit(self, key: str | None, scope: Scope) -> str | None:
        """As `check`, and counted for all servers together, where they can."""
        if not self.needed:
            return None
        place = self._known(key)
        bucket = self._buckets[place]
        if bucket is None or self._take is None:
            return self.check(key, scope)
        wait = await asyncio.to_thread(self._take, self._keys[place].name, bucket.rate_per_minute)
        return self._let_in(place, scope, bucket.take(self._clock()) if wait is None else wait)

    def _known(self, key: str | None) -> int:
        """The place of a key. Raises Refusal."""
        if key is None:
            raise Refusal("key_missing", headers={"WWW-Authenticate": "Bearer"})
        place = self._find(key)
        if place is None:
            raise Refusal("key_unknown", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        return place

    def _let_in(self, place: int, scope: Scope, wait: float) -> str:
        """The name of a key that may ask now, and for this. Raises Refusal."""
        if wait:
            raise Refusal("rate_limited", headers={"Retry-After": str(math.ceil(wait))})
        if RANKS[self._keys[place].scope] < RANKS[scope]:
            raise Refusal("insufficient_scope", f"This needs a key of the scope {scope}.")
        return self._keys[place].name

    def _find(self, key: str) -> int | None:
        """Looks at every key to its end, so that the time tells nothing of how near a guess was."""
        digest = digest_of(key)
        match = None
        for place, entry in enumerate(self._keys):
            if secrets.compare_digest(entry.sha256, digest):
                match = place
        return match


@dataclass(slots=True)
class Bucket:
    """A token bucket: a minute's requests at once, and then as many as flow in."""

    rate_per_minute: int
    since: float
    """When it was last looked at, in seconds of some clock."""
    spent: float = 0.0

    def take(self, now: float) -> float:
        """Take one, or say in how many seconds there is one."""
        self.spent = max(0.0, self.spent - (now - self.since) * self.rate_per_minute / 60)
        self.since = now
        if self.spent + 1 > self.rate_per_minute:
            return (self.spent + 1 - self.rate_per_minute) * 60 / self.rate_per_minute
        self.spent += 1
        return 0.0


@dataclass(frozen=True, slots=True)
class Access:
    """Who may send requests: the keys, and the hosts and origins by which browsers may reach this server."""

    keys: Keys
    hosts: tuple[str, ...]
    cors_origins: tuple[str, ...]
    public_origin: str | None = None
    """Of the address by which browsers reach this server behind a proxy."""


def digest_of(key: str) -> str:
    """What the settings hold of a key."""
    return sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def new_key() -> str:
    """A key that nobody can guess."""
    return PREFIX + secrets.token_urlsafe(32)


def setting_for(name: str, scope: Scope, key: str) -> str:
    """The line that lets the server accept this key. Raises ValidationError for a name that no key may have."""
    entry = ApiKey(name=name, scope=scope, sha256=digest_of(key))
    return f"LOOKALIKE_API_KEYS='{json.dumps([entry.model_dump(exclude_unset=True)])}'"


_BEARER = HTTPBearer(
    scheme_name=SCHEME,
    auto_error=False,
    description="A key, as `lookalike api key` makes it. None is needed where the server listens on loopback only and "
    "has no keys in its settings. `read` may search and look, `write` may also change items, `admin` everything.",
)


async def authorise(
    request: Request,
    scopes: SecurityScopes,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
) -> None:
    """Raises Refusal unless the request comes with a key of this scope, and from no other site's page."""
    access: Access = request.state.app.access
    keys = access.keys
    if not keys.needed and not is_known_host(request.headers.get("Host", ""), access.hosts):
        raise Refusal("cross_origin_refused", UNKNOWN_HOST)
    for scope in get_args(Scope):
        if scope in scopes.scopes:
            name = await keys.admit(credentials.credentials if credentials else None, scope)
            request.state.key_name = name
            request.state.client = None if name is None else f"key {name}"
            if scope != "read" and is_foreign(request, access.cors_origins, access.public_origin):
                raise Refusal("cross_origin_refused")


def key_name(request: Request) -> str | None:
    """The name of the key that a request came with; None where none is needed."""
    name: str | None = getattr(request.state, "key_name", None)
    return name


def client_of(request: Request) -> str:
    """Who sends a request, for shares of what many use: the key's name, or the address; an IPv6 network of a /64."""
    name: str | None = getattr(request.state, "client", None)
    if name is not None or request.client is None:
        return name or ""
    try:
        address = ip_address(request.client.host)
    except ValueError:
        return request.client.host
    return str(address if address.version == 4 else ip_network((int(address), 64), strict=False))


# For a route's `dependencies`: the OpenAPI document then tells of the key and of what is refused without it.
Read = Security(authorise, scopes=["read"])
Write = Security(authorise, scopes=["write"])
Admin = Security(authorise, scopes=["admin"])
