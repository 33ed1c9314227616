"""The API's settings: LOOKALIKE_* environment variables, read once and passed in."""

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from api.fetch.addresses import AT_ONCE as FETCHES
from api.security.keys import ApiKey
from api.setting_types import (
    DEFAULT_PORTS,
    BundleIds,
    DatabaseUrl,
    Endpoints,
    Folder,
    HostNames,
    ListenHost,
    Networks,
    Origins,
    PublicUrl,
    StorageUrl,
    VectorsUrl,
    key_list,
)
from retrieval.images import MAX_JPEG_PIXELS, MAX_PIXELS
from retrieval.remote import can_sign

NO_KEYS = (
    "LOOKALIKE_API_KEYS: the server would listen on {host}, where others can reach it, and has no keys; make one with "
    "`lookalike api key NAME --scope write` and set what it prints, or let everybody in with LOOKALIKE_KEYS=off"
)
NEITHER = "LOOKALIKE_KEYS: it is off, but LOOKALIKE_API_KEYS has keys; take one of the two away"
NAMED_TWICE = "LOOKALIKE_API_KEYS: two keys have the same name or the same sha256; each is for one"
NO_RATE = "LOOKALIKE_RATE_PER_MINUTE: it limits keys, and this server needs none; add keys, or leave it out"
NO_LINKS = (
    "LOOKALIKE_PICTURES_LINK_SECONDS: only a store such as S3 has signed addresses; set LOOKALIKE_PICTURES_URL to "
    "s3://bucket/prefix, or leave this out"
)
MAX_WORKERS, MAX_QUEUE = 512, 100_000
OLD_NAMES = {"LOOKALIKE_REMEMBERED": "query_cache_size"}
"""Names of earlier versions, which are still read, and what each is called now."""


class Settings(BaseSettings):
    """What is served, where, and how much of it at a time."""

    model_config = SettingsConfigDict(env_prefix="LOOKALIKE_", env_ignore_empty=True, frozen=True)

    artifacts: Folder = Field(default=Path("artifacts"), description="folder that the trainer publishes into")
    catalogue_url: DatabaseUrl | None = Field(
        default=None, description="database of the items, if it is not the one in the artifacts folder"
    )
    pictures_url: StorageUrl | None = Field(
        default=None,
        description="where pictures are kept, if not in the artifacts folder: s3://bucket/prefix, file:///folder",
    )
    pictures_link_seconds: int = Field(
        default=0,
        ge=0,
        le=604_800,
        description="lead clients to pictures by signed addresses that are good for so long; 0: send them from here",
    )
    vectors_url: VectorsUrl | None = Field(
        default=None,
        description="where the vectors are, if not in the artifacts folder: postgresql://user@host:port/name of a "
        "database with the extension pgvector, or milvus://host:port, beside items in PostgreSQL",
    )
    artifacts_url: StorageUrl | None = Field(
        default=None,
        description="store that bundles are fetched from into the artifacts folder: s3://bucket/prefix, file:///folder",
    )
    api_host: ListenHost = Field(default="127.0.0.1", description="address to listen on; 0.0.0.0 for all")
    api_port: int = Field(default=8000, ge=1, le=65_535, description="port to listen on")
    api_public_url: PublicUrl | None = Field(
        default=None,
        description="address by which browsers and clients reach the API behind a proxy, with its path: "
        "https://example.com/lookalike/api",
    )
    trusted_proxies: Networks = Field(
        default=(),
        description="addresses of proxies whose Forwarded and X-Forwarded-* headers are used, separated by commas: "
        "10.0.0.0/8",
    )
    keep_alive_seconds: int = Field(
        default=75,
        ge=1,
        le=3600,
        description="how long an idle connection stays open; longer than the proxy's own, which is 60 in nginx",
    )
    header_seconds: float = Field(
        default=20, gt=0, le=600, description="how long the head of a request may take to come"
    )
    body_seconds: float = Field(
        default=30, gt=0, le=3600, description="longest pause while a body comes, which also must not come too slowly"
    )
    keys: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="whether requests need a key: on, off, or auto, which is on unless the server listens on loopback "
        "and has no keys",
    )
    api_keys: Annotated[tuple[ApiKey, ...], NoDecode, BeforeValidator(key_list)] = Field(
        default=(), description="the keys, as `lookalike api key NAME` prints them: a JSON list"
    )
    rate_per_minute: int = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="requests a minute of each key, counted for all servers together where items are in PostgreSQL, "
        "else by each process for itself; 0: no limit",
    )
    cors_origins: Origins = Field(
        default=(),
        description="origins whose pages may call the API from a browser, separated by commas; * for all",
    )
    hosts: HostNames = Field(
        default=(),
        description="names with a dot by which the API may be reached where it needs no keys, beside addresses, "
        "localhost and the public one; separated by commas, * for any",
    )
    upload_limit_bytes: int = Field(default=20_000_000, gt=0, description="largest request body, in bytes")
    uploads_limit_bytes: int = Field(
        default=1_000_000_000, gt=0, description="what all bodies that are on their way may take together, in bytes"
    )
    pixel_limit: int = Field(
        default=MAX_JPEG_PIXELS,
        gt=0,
        le=MAX_JPEG_PIXELS,
        description=f"largest picture, in pixels; for formats other than JPEG never more than {MAX_PIXELS:,}",
    )
    fetch_urls: bool = Field(default=True, description="whether queries may name a picture by its URL")
    fetch_seconds: float = Field(default=10, gt=0, le=300, description="longest wait for the URLs of one request")
    fetch_allowed: Endpoints = Field(
        default=(),
        description="where URLs may lead although it is not public: address:port, separated by commas",
    )
    fetch_share: int = Field(
        default=FETCHES // 2,
        ge=1,
        le=FETCHES,
        description=f"of {FETCHES} URLs under way, how many one client may have: a key, or an address without keys",
    )
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=1,
        le=MAX_WORKERS,
        description="threads that decode, encode and search; as many as there are cores unless given",
    )
    queue: int = Field(
        default=64, ge=0, le=MAX_QUEUE, description="requests that may wait for a worker; one more is refused"
    )
    queue_seconds: float = Field(
        default=5,
        gt=0,
        le=600,
        description="how long a request waits for a worker; one that would probably wait more than half of it is "
        "refused at once",
    )
    write_workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=1,
        le=MAX_WORKERS,
        description="threads that add, change and delete items, beside those of searches; as many as there are cores "
        "unless given",
    )
    write_queue: int = Field(
        default=64, ge=0, le=MAX_QUEUE, description="changes that may wait for a thread; one more is refused"
    )
    write_seconds: float = Field(
        default=5,
        gt=0,
        le=600,
        description="how long a change waits for a thread, for other changes, and for a locked database, each",
    )
    bin_days: int = Field(
        default=30,
        ge=0,
        le=3650,
        description="days that deleted items stay in the bin, with their pictures; 0: deleted items are gone at once",
    )
    bundles: Literal["all"] | BundleIds = Field(
        default=(),
        description="bundles to keep loaded beside the live one, so that searches may name them: their ids, separated "
        "by commas, or all",
    )
    keep_seconds: int | None = Field(
        default=None,
        ge=0,
        le=86_400,
        description="how long a bundle that was live stays loaded, so that searches may still name it; 60 where items "
        "are in PostgreSQL, else 0, unless it is set",
    )
    query_cache_size: int = Field(
        default=4096, ge=0, description="query pictures whose vectors are kept in memory, for each bundle; 0: none"
    )
    batching: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="whether pictures of searches at the same time go through the encoder together: on, off, or auto, "
        "which is on for an encoder that is measured to be faster so when it is loaded",
    )
    log_format: Literal["plain", "json"] = Field(
        default="plain", description="plain: lines for people; json: an object a line, and one for each request"
    )
    onnx_threads: int = Field(default=0, ge=0, le=1024, description="threads in one run of the encoder; 0: every core")

    @property
    def keys_needed(self) -> bool:
        """Whether requests need a key."""
        if self.keys == "auto":
            return bool(self.api_keys) or not _is_loopback(self.api_host)
        return self.keys == "on"

    @property
    def public_path(self) -> str:
        """The path of the public address without a slash at its end: empty, or such as /lookalike/api."""
        return urlsplit(self.api_public_url).path if self.api_public_url else ""

    @property
    def public_origin(self) -> str | None:
        """The origin of the public address, as browsers send it."""
        if self.api_public_url is None:
            return None
        parts = urlsplit(self.api_public_url)
        return f"{parts.scheme}://{parts.netloc.removesuffix(f':{DEFAULT_PORTS[parts.scheme]}')}"

    @property
    def host_names(self) -> tuple[str, ...]:
        """Names by which the API may be reached where it needs no keys."""
        public = urlsplit(self.api_public_url).hostname if self.api_public_url else None
        return (*self.hosts, public) if public else self.hosts

    @model_validator(mode="before")
    @classmethod
    def _read_old_names(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: os.environ[old] for old, name in OLD_NAMES.items() if old in os.environ} | values

    @model_validator(mode="after")
    def _keys_are_there(self) -> Self:
        if self.keys_needed and not self.api_keys:
            raise ValueError(NO_KEYS.format(host=self.api_host))
        if self.keys == "off" and self.api_keys:
            raise ValueError(NEITHER)
        if self.pictures_link_seconds and not (self.pictures_url and can_sign(self.pictures_url)):
            raise ValueError(NO_LINKS)
        if self.rate_per_minute and not self.keys_needed:
            raise ValueError(NO_RATE)
        if any(
            len({getattr(key, field) for key in self.api_keys}) < len(self.api_keys) for field in ("name", "sha256")
        ):
            raise ValueError(NAMED_TWICE)
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
