"""The page's settings. Each is an environment variable: LOOKALIKE_ and the field's name in capitals."""

import json
import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
URL_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")


def split_list(value: Any) -> Any:
    """The entries of a text: separated by commas, or a JSON list. Values that are no text stay as they are.

    Raises ValueError for a text that begins like JSON and is none.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if re.match(r"\{|\[\s*[\"\]]", text):  # [::1] is an address
        try:
            entries = json.loads(text)
        except ValueError as error:
            raise ValueError(f"{text!r} is not a JSON list; separate the entries by commas instead") from error
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            raise ValueError(f"{text!r} is not a list of texts; separate the entries by commas")
        return entries
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def host_name(value: str) -> str:
    """A host as the Host header has it, in lower case, without its port. Raises ValueError for what can never match."""
    name = value.strip().lower().rstrip(".")
    if name == "*" or _is_address(name.strip("[]")):
        return name.strip("[]")
    if "://" in name or "/" in name:
        raise ValueError(f"{value!r} is not a host name; leave out the scheme and the path: search.example.com")
    if ":" in name:
        raise ValueError(f"{value!r} has a port; every port matches, so give the name alone: {name.partition(':')[0]}")
    if "*" in name:
        raise ValueError(f"{value!r} has a wildcard; list each name, or give * alone to accept every name")
    try:
        name = name.encode("idna").decode() if not name.isascii() else name
    except UnicodeError:
        name = ""
    if not HOST_NAME.fullmatch(name):
        raise ValueError(f"{value!r} is not a host name, such as search.example.com")
    return name


def listen_host(value: str) -> str:
    """An address or a name to listen on. Raises ValueError for a URL, a port or a wildcard."""
    name = host_name(value)
    if name == "*":
        raise ValueError("'*' is not an address; give 0.0.0.0 to listen on all of them")
    return name


def web_address(value: str) -> str:
    """An http(s) URL without the slash at its end, so that paths can be appended. Raises ValueError."""
    text = value.strip()
    parts = _split_url(text)
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{value!r} is not a URL that begins with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL must not contain a user name or a password")
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise ValueError(f"{value!r} must not have anything after its path: leave out ? and #")
    if not _is_address(parts.hostname):
        host_name(parts.hostname)
    return text.rstrip("/")


def public_address(value: str) -> str:
    """As `web_address`, with a path of plain segments only, as proxies must not rewrite it. Raises ValueError."""
    address = web_address(value)
    path = _split_url(address).path
    if not URL_PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
        raise ValueError(f"the path {path!r} may have letters, digits and . _ ~ - between single slashes only")
    return address


def network(value: Any) -> Any:
    """An address, or a range of addresses in CIDR notation. Raises ValueError."""
    if not isinstance(value, str):
        return value
    try:
        return ip_network(value.strip())
    except ValueError as error:
        hint = "is not an IP address or a range such as 10.0.0.0/8"
        if "host bits" in str(error):
            hint = f"has bits beyond its prefix; write {ip_network(value.strip(), strict=False)}"
        raise ValueError(f"{value!r} {hint}") from error


def sendable_key(value: SecretStr) -> SecretStr:
    """A key that can be sent in a header; one with a line break was usually copied with too much. Raises ValueError."""
    key = value.get_secret_value()
    if not (key.isascii() and key.isprintable()) or " " in key or not key:
        raise ValueError("a key has letters, digits and signs only, without spaces or line breaks")
    return value


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _split_url(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"{text!r} is not a URL: {error}") from error
    if any(sign.isspace() for sign in text):
        raise ValueError(f"{text!r} contains a space")
    return parts


HostNames = Annotated[tuple[Annotated[str, AfterValidator(host_name)], ...], NoDecode, BeforeValidator(split_list)]
Networks = Annotated[
    tuple[Annotated[IPv4Network | IPv6Network, BeforeValidator(network)], ...], NoDecode, BeforeValidator(split_list)
]


class Settings(BaseSettings):
    """Where the API is, where the page listens and under which address people open it, and how much it accepts."""

    model_config = SettingsConfigDict(env_prefix="LOOKALIKE_", env_ignore_empty=True, frozen=True)

    api_url: Annotated[str, AfterValidator(web_address)] = Field(
        default="http://127.0.0.1:8000", description="address of the API"
    )
    frontend_api_key: Annotated[SecretStr, AfterValidator(sendable_key)] | None = Field(
        default=None, description="key of the page, if the API asks for keys; it never leaves this server"
    )
    api_timeout_seconds: float = Field(
        default=20.0, gt=0, le=3600, allow_inf_nan=False, description="longest wait for an answer of the API"
    )
    ui_host: Annotated[str, AfterValidator(listen_host)] = Field(
        default="127.0.0.1", description="address to listen on; 0.0.0.0 for all"
    )
    ui_port: int = Field(default=5000, ge=1, le=65_535, description="port to listen on")
    ui_hosts: HostNames = Field(
        default=(),
        description="host names of the page, beside localhost, IP addresses and that of LOOKALIKE_PUBLIC_URL; "
        "separated by commas, * for all",
    )
    public_url: Annotated[str, AfterValidator(public_address)] | None = Field(
        default=None,
        description="address that people open behind a proxy, with its path: https://example.com/lookalike/",
    )
    trusted_proxies: Networks = Field(
        default=(),
        description="addresses of proxies whose X-Forwarded-* headers are used, separated by commas: 10.0.0.0/8",
    )
    upload_limit_bytes: int = Field(
        default=20_000_000, gt=0, description="largest picture, in bytes; use the same value for the API"
    )

    @property
    def public_path(self) -> str:
        """The path of the public address without a slash at its end: empty, or such as /lookalike."""
        return urlsplit(self.public_url).path if self.public_url else ""

    @property
    def host_names(self) -> frozenset[str]:
        """The host names that requests may have, beside localhost and IP addresses."""
        public = urlsplit(self.public_url).hostname if self.public_url else None
        return frozenset(self.ui_hosts) | ({host_name(public)} if public else set())
