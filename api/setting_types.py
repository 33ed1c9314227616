"""What settings may hold: each value is checked against what it can ever match, and the message says what to write.

Every function raises ValueError, whose message begins with the value.
"""

import json
import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from api.fetch.addresses import read_endpoint
from retrieval.remote import storage_url
from retrieval.vectors.address import vectors_url

HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
URL_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")
DATABASE_URL = re.compile(r"(sqlite|postgresql)(\+\w+)?://(.*)", re.DOTALL)
BUNDLE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]*")
DEFAULT_PORTS = {"http": 80, "https": 443}

Network = IPv4Network | IPv6Network


def split_list(value: Any) -> Any:
    """The entries of a text: separated by commas, or a JSON list. What is no text stays as it is."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if re.match(r"\{|\[\s*[\"\]{]", text):  # [::1]:80 is no JSON
        try:
            return json.loads(text)
        except ValueError as error:
            raise ValueError(
                f"{_short(text)} is not well-formed JSON; separate the entries by commas instead"
            ) from error
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def origin(value: str) -> str:
    """An origin as browsers send it, scheme://host and a port that is not the scheme's own; or * for all."""
    text = value.strip().lower()
    if text == "*":
        return text
    if text == "null":
        raise ValueError("'null' is the origin of local files and of every sandboxed page; name a site instead")
    parts = _split_url(text)
    if not SCHEME.fullmatch(parts.scheme) or not parts.netloc:
        advice = "https://" + text.strip("/")
        raise ValueError(f"{value!r} has no scheme; write {advice!r}")
    if "*" in parts.netloc:
        raise ValueError(f"{value!r} has a wildcard; list each origin, or give * alone for all of them")
    if parts.username is not None:
        raise ValueError("an origin has no user name and no password")
    host = parts.hostname or ""
    if not is_address(host):
        host = host_name(host)
    bare = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}"
    if parts.port is not None and parts.port != DEFAULT_PORTS.get(parts.scheme):
        bare += f":{parts.port}"
    if text != bare:
        raise ValueError(f"{value!r} is not how browsers send an origin; write {bare!r}")
    return bare


def host_name(value: str) -> str:
    """A name as the Host header has it, in lower case, without its port; or * for any."""
    name = value.strip().lower()
    if name == "*" or is_address(name.strip("[]")):
        return name.strip("[]")
    if "://" in name or "/" in name:
        host = urlsplit(name if "://" in name else f"//{name}").hostname or "search.example.com"
        raise ValueError(f"{value!r} is not a host name; leave out scheme and path: {host!r}")
    if ":" in name:
        raise ValueError(f"{value!r} has a port; every port matches, so write the name: {name.partition(':')[0]!r}")
    if "*" in name:
        raise ValueError(f"{value!r} has a wildcard; list each name, or give * alone for every name")
    try:
        encoded = name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        encoded = ""
    if not HOST_NAME.fullmatch(encoded):
        raise ValueError(f"{value!r} is not a host name, such as search.example.com")
    return encoded


def listen_host(value: str) -> str:
    """An address or a name to listen on."""
    text = value.strip()
    if ":" in text and not is_address(text.strip("[]")) and "://" not in text:
        raise ValueError(f"{value!r} has a port; set it as LOOKALIKE_API_PORT, and write {text.rpartition(':')[0]!r}")
    name = host_name(text)
    if name == "*":
        raise ValueError("'*' is not an address; write 0.0.0.0 to listen on all of them")
    return name


def public_url(value: str) -> str:
    """An http(s) URL without the slash at its end, its path of plain segments, as proxies may not rewrite it."""
    text = value.strip()
    parts = _split_url(text)
    if parts.scheme.lower() not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"{value!r} is not a URL that begins with https:// or http://")
    if parts.username is not None:
        raise ValueError("a public URL must not have a user name or a password")
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise ValueError(f"{value!r} must end with its path; leave out ? and #")
    if not is_address(parts.hostname):
        host_name(parts.hostname)
    path = parts.path.rstrip("/")
    if not URL_PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
        raise ValueError(f"{value!r}: its path may have letters, digits and . _ ~ - between single slashes only")
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{path}"


def network(value: Any) -> Any:
    """An address, or a range of addresses in CIDR notation."""
    if not isinstance(value, str):
        return value
    try:
        return ip_network(value.strip())
    except ValueError as error:
        if "host bits" in str(error):
            wider = ip_network(value.strip(), strict=False)
            raise ValueError(f"{value!r} has bits beyond its prefix; write {str(wider)!r}") from error
        raise ValueError(f"{value!r} is not an IP address, or a range such as 10.0.0.0/8") from error


def database_url(value: str) -> str:
    """The URL of a database in which a catalogue can be kept."""
    matched = DATABASE_URL.fullmatch(value.strip())
    if matched is None:
        old = value.strip().startswith("postgres://")
        advice = "write postgresql://" if old else "begin it with sqlite:/// or postgresql://"
        raise ValueError(f"it is not the URL of a database that can hold the items; {advice}")
    kind, _, place = matched.groups()
    if kind == "sqlite" and (not place.startswith("/") or place[1:].partition("?")[0] in {"", ":memory:"}):
        raise ValueError("it names no file; write sqlite:///relative/path.sqlite or sqlite:////absolute/path.sqlite")
    return value.strip()


def folder(value: Path) -> Path:
    """A folder, whether or not it is there yet; ~ stands for the home folder."""
    try:
        path = value.expanduser()
    except RuntimeError as error:
        raise ValueError(f"{str(value)!r} names a home folder that is not known") from error
    if path.exists() and not path.is_dir():
        raise ValueError(f"{str(value)!r} is a file, not a folder")
    return path


def bundle_id(value: str) -> str:
    """The id of a bundle: the name of its folder."""
    if not BUNDLE_ID.fullmatch(value):
        raise ValueError(f"{value!r} is not the id of a bundle; `lookalike bundles` lists them")
    return value


def endpoint(value: str) -> str:
    """An address and a port, such as 10.1.2.3:8080."""
    try:
        read_endpoint(value)
    except ValueError as error:
        raise ValueError(f"{value!r} is not an address and a port, such as 10.1.2.3:8080 or [fd00::1]:8080") from error
    return value


def key_list(value: Any) -> Any:
    """The entries of a JSON list of keys; what is no text stays as it is."""
    if not isinstance(value, str):
        return value
    try:
        entries = json.loads(value)
    except ValueError:
        entries = None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("it is not a JSON list of keys; set what `lookalike api key NAME` prints, not the key itself")
    return entries


def is_address(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


Origins = Annotated[tuple[Annotated[str, AfterValidator(origin)], ...], NoDecode, BeforeValidator(split_list)]
HostNames = Annotated[tuple[Annotated[str, AfterValidator(host_name)], ...], NoDecode, BeforeValidator(split_list)]
Endpoints = Annotated[tuple[Annotated[str, AfterValidator(endpoint)], ...], NoDecode, BeforeValidator(split_list)]
BundleIds = Annotated[tuple[Annotated[str, AfterValidator(bundle_id)], ...], NoDecode, BeforeValidator(split_list)]
Networks = Annotated[tuple[Annotated[Network, BeforeValidator(network)], ...], NoDecode, BeforeValidator(split_list)]
ListenHost = Annotated[str, AfterValidator(listen_host)]
PublicUrl = Annotated[str, AfterValidator(public_url)]
StorageUrl = Annotated[str, AfterValidator(storage_url)]
DatabaseUrl = Annotated[str, AfterValidator(database_url)]
VectorsUrl = Annotated[str, AfterValidator(vectors_url)]
Folder = Annotated[Path, AfterValidator(folder)]


def _split_url(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"{text!r} is not a URL: {error}") from error
    if any(sign.isspace() for sign in text):
        raise ValueError(f"{text!r} contains a space")
    return parts


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
