"""Taking a query URL apart, once and strictly: whatever two parsers might read differently is refused."""

import re
from ipaddress import ip_address
from urllib.parse import quote, urljoin, urlsplit

import httpcore2
import idna

from api.errors import Refusal

NO_URL = "url: not an http or https URL as it is usually written, without a user name."

PORTS = {"http": 80, "https": 443}
AMBIGUOUS = frozenset(' \\"<>^`{|}')  # browsers and libraries disagree on these
PLAIN_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")  # underscores, too, which some names have and IDNA has not
NUMERIC = re.compile(r"(?:.*\.)?(?:0x[0-9a-f]*|[0-9]+)\.?")
UNESCAPED = "/%:@!$&'()*+,;=~?-._[]"


def parse(url: str) -> httpcore2.URL:
    """The parts of an http or https URL, its host in ASCII. Raises Refusal for what is not quite one."""
    try:
        if not url.isprintable() or AMBIGUOUS & set(url):
            raise ValueError("characters that parsers disagree on")
        parts = urlsplit(url)
        if parts.scheme not in PORTS or "@" in parts.netloc or not parts.hostname:
            raise ValueError("not what is fetched")
        host = parts.hostname
        if not PLAIN_HOST.fullmatch(host):
            host = idna.encode(host, uts46=True).decode()
        if is_disguised(host):
            raise ValueError("an address in disguise")
        port = PORTS[parts.scheme] if parts.port is None else parts.port
    except ValueError as error:  # idna's and urllib's own errors are among them
        raise Refusal("url_refused", NO_URL) from error
    target = quote(parts.path or "/", safe=UNESCAPED)
    if parts.query:
        target += "?" + quote(parts.query, safe=UNESCAPED)
    return httpcore2.URL(scheme=parts.scheme, host=host, port=port, target=target)


def joined(url: str, location: bytes) -> str:
    """Where a redirect leads. Raises Refusal."""
    try:
        return urljoin(url, location.decode("utf-8"))
    except ValueError as error:
        raise Refusal("url_refused", NO_URL) from error


def is_disguised(host: str) -> bool:
    """Whether a host is an address, but not as it is usually written: 0x7f.1, 2130706433, 127.1, fe80::1%eth0.

    Every host that ends in a number is an address (WHATWG URL, section 3.5).
    """
    try:
        return str(ip_address(host)) != host and ":" not in host
    except ValueError:
        return ":" in host or NUMERIC.fullmatch(host) is not None
