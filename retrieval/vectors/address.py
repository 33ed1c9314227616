"""The URL by which a place for vectors is named: PostgreSQL with pgvector, or Milvus.

    postgresql://user@host:port/database
    milvus://host:port/database, or milvus+tls:// for an encrypted connection

The index can be told at the end, as in milvus://host:19530?index=hnsw. Without it (`flat`), searches open our
clusters, and their answers are certified; with another index, no answer is ever called exact.
"""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

INDEXES = {"postgresql": ("flat", "hnsw"), "milvus": ("flat", "hnsw", "ivf_sq8", "diskann")}
"""What each engine can search by; the first is the clusters, compared one by one."""
MILVUS_PORT = 19_530
ADVICE = (
    "vectors are kept in PostgreSQL with pgvector, or in Milvus; "
    "write postgresql://user@host:port/name or milvus://host:port"
)
NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True, slots=True)
class VectorsAddress:
    """Where vectors are kept, outside the artifacts folder."""

    engine: str
    """`postgresql` or `milvus`."""
    url: str
    """As the engine's client takes it: without a user, a password and the index where it is Milvus."""
    index: str = "flat"
    database: str = ""
    """Of Milvus; empty: its default one."""
    token: str = ""
    """Of Milvus: user:password; empty: what MILVUS_TOKEN says."""


def read_address(value: str) -> VectorsAddress:
    """What a URL names. Raises ValueError, without the value, for one that names no place for vectors."""
    text = value.strip()
    parts = urlsplit(text)
    engine, _, driver = parts.scheme.partition("+")
    if engine not in INDEXES or "://" not in text or any(sign.isspace() for sign in text):
        raise ValueError(ADVICE)
    options = parse_qsl(parts.query, keep_blank_values=True)
    index = next((value for name, value in options if name == "index"), "flat")
    if index not in INDEXES[engine] or sum(name == "index" for name, _ in options) > 1:
        raise ValueError(f"its index must be one of {', '.join(INDEXES[engine])}")
    others = [(name, value) for name, value in options if name != "index"]
    if engine == "postgresql":
        url = text if len(others) == len(options) else urlunsplit(parts._replace(query=urlencode(others)))
        return VectorsAddress(engine, url, index)
    if driver not in ("", "tls") or others or parts.fragment:
        raise ValueError("write milvus://host:port/database or milvus+tls://..., and after it nothing but ?index=")
    return _milvus(parts, index, tls=driver == "tls")


def vectors_url(value: str) -> str:
    """The URL of a place for vectors, as it is. Raises ValueError, without the value."""
    read_address(value)
    return value.strip()


def vectors_url_without_password(value: str) -> str:
    """The same, for files that are not secret. Raises ValueError, without the value."""
    text = vectors_url(value)
    parts = urlsplit(text)
    if parts.password is not None or "password" in parts.query.lower():
        milvus = "MILVUS_TOKEN" if parts.scheme.startswith("milvus") else "PGPASSWORD, or use ~/.pgpass"
        raise ValueError(f"it must hold no password, as it is written into files; set {milvus}")
    return text


def _milvus(parts: SplitResult, index: str, *, tls: bool) -> VectorsAddress:
    try:
        host, port = parts.hostname, parts.port or MILVUS_PORT
    except ValueError:
        host, port = None, 0
    database = parts.path.strip("/")
    if not host:
        raise ValueError("it names no host and port of Milvus; write milvus://host:19530")
    if database and not NAME.fullmatch(database):
        raise ValueError(
            "the name of a database of Milvus has letters, digits and _ only; write milvus://host:19530/name"
        )
    token = f"{unquote(parts.username or '')}:{unquote(parts.password)}" if parts.password is not None else ""
    shown = f"[{host}]" if ":" in host else host
    return VectorsAddress("milvus", f"{'https' if tls else 'http'}://{shown}:{port}", index, database, token)
