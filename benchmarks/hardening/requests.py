"""Malformed requests: pictures in forms and in JSON, broken forms, broken JSON and NDJSON, ids that are none."""

import base64
import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import numpy as np
from numpy.random import Generator

from benchmarks.hardening import pictures

T = TypeVar("T")

BOUNDARY = "b0undary"
NAMES = (
    "k id items crop face filter group_by metric probes offset min_score min_precision expand bundle image_base64 url"
)
OTHER_NAMES = "label attributes order limit cursor include_query size queries ids entries entry dry_run format bundle"
FIELDS = (*NAMES.split(), *OTHER_NAMES.split())
ODD = "\0 .. ../.. ..%2f.. \ufeff \u202e é e\u0301 %s%n <script> null [] {} -1 1e309 NaN 0x10 \uff11\uff12 \ue000"
TEXTS = ("", " ", "a" * 5000, "🏺" * 40, "'; DROP TABLE items; --", "\r\nX: 1", "shelf 0/piece-000", *ODD.split(" "))
NUMBERS: tuple[Any, ...] = (0, -1, 1, 2**31, 2**63, 2**64, 10**400, 0.5, -0.0, 1e308, 1e-320)
OTHERS: tuple[Any, ...] = (None, True, False, "", "x", [], {}, [[]], [None], {"a": None}, [0] * 300, {"": ""}, "\ud800")
PATHS = (
    *("/search", "/items", "/explain", "/faces", "/search/batch", "/duplicates/dismissed", "/items/batch"),
    *("/items/list", "/items/delete", "/bin/restore", "/bin/delete"),
)
ITEM_PATHS = (
    *("/items/{}", "/items/{}/image", "/item?id={}", "/item/thumbnail?id={}&size=256", "/bundles/{}/report/x"),
    "/bin/thumbnail?entry={}",
)
LISTS = ("/search", "/items", "/labels", "/facets", "/clusters", "/map", "/duplicates", "/stats", "/bin", "/bundles")


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the API. `kind`: what was done to it, for the report."""

    kind: str
    method: str
    path: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound picture, and what it is called."""

    name: str
    data: bytes


def requests(count: int, seed: int) -> Iterator[Request]:
    """So many, the same ones for the same seed."""
    rng = np.random.default_rng(seed)
    sound = [Sound(name, data) for name, data in sorted(pictures.samples().items())]
    makers: tuple[Callable[[Generator, Sound], Request], ...] = (
        *(_picture, _picture, _picture, _picture_in_json, _lines),
        *(_form, _form, _json, _json, _packed, _address, _query),
    )
    for _ in range(count):
        yield _pick(rng, makers)(rng, _pick(rng, sound))


def form(parts: Sequence[tuple[str, str | None, bytes]]) -> bytes:
    """A multipart form: name, file name and content of each part."""
    body = b""
    for name, file_name, content in parts:
        disposition = f'form-data; name="{name}"' + (f'; filename="{file_name}"' if file_name is not None else "")
        body += f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


def _pick(rng: Generator, values: Sequence[T]) -> T:
    return values[int(rng.integers(len(values)))]


def _value(rng: Generator) -> Any:
    """Any value of a field in JSON."""
    return _pick(rng, _pick(rng, (NUMBERS, OTHERS, TEXTS)))


def _picture(rng: Generator, sound: Sound) -> Request:
    path = _pick(rng, ("/search", "/search", "/items", "/faces"))
    body = form([("file", "f", pictures.mutate(sound.data, rng))])
    return Request(f"broken {sound.name}", "POST", path, body, _kind(f"multipart/form-data; boundary={BOUNDARY}"))


def _picture_in_json(rng: Generator, sound: Sound) -> Request:
    text = base64.b64encode(pictures.mutate(sound.data, rng)).decode()
    if rng.random() < 0.5:
        before = _pick(rng, ("data:image/png;base64,", " ", "\n", "=", "-_", "é"))
        text = before + text[: int(rng.integers(len(text) + 1))]
    body = json.dumps({"image_base64": text, "k": 3}).encode()
    return Request(f"broken {sound.name} in JSON", "POST", _pick(rng, PATHS), body, _kind("application/json"))


def _form(rng: Generator, sound: Sound) -> Request:
    """A form whose frame is broken."""
    parts = [(_pick(rng, ("file", *FIELDS)), _pick(rng, (None, "f", *TEXTS)), sound.data) for _ in range(3)]
    body = form(parts)
    tokens = (b"\r\n", b"--", b"Content-Disposition", b"form-data", b'name="', b'"', BOUNDARY.encode(), b":")
    for _ in range(int(rng.integers(1, 4))):
        token = _pick(rng, tokens)
        replacement = _pick(rng, (b"", b"\n", token * 2, b"\0", rng.bytes(3), token * 500))
        body = body.replace(token, replacement, int(rng.integers(1, 4)))[:3_000_000]
    boundaries = ("", '; boundary=""', "; boundary=" + "x" * 300, *(f"; boundary={BOUNDARY}",) * 4)
    kind = _pick(rng, ("multipart/form-data", "multipart/form-data", "multipart/mixed")) + _pick(rng, boundaries)
    return Request("broken form", "POST", _pick(rng, PATHS), body, _kind(kind))


def _json(rng: Generator, _sound: Sound) -> Request:
    fields: dict[str, Any] = {"id": "shelf 0/piece-000", "k": 3}
    fields |= {_pick(rng, FIELDS): _value(rng) for _ in range(int(rng.integers(1, 4)))}
    text = json.dumps(fields).encode()
    if rng.random() < 0.5:
        text = _pick(rng, (*_broken_json(text), text[: int(rng.integers(len(text)))]))
    method, path = _pick(rng, (*(("POST", path) for path in PATHS), ("PATCH", "/item?id=x"), ("PUT", "/item?id=x")))
    return Request("broken JSON", method, path, text, _kind("application/json"))


def _packed(rng: Generator, sound: Sound) -> Request:
    """A body that is compressed, or only says so, or is cut or changed after it was."""
    plain = _pick(rng, (_json, _lines, _form))(rng, sound)
    body = _pick(rng, (gzip.compress(plain.body), zlib.compress(plain.body), plain.body))
    if rng.random() < 0.7:
        body = pictures.mutate(body, rng)
    coding = _pick(rng, ("gzip", "gzip", "deflate", "x-gzip", "br", "gzip, gzip", "identity", "", "\xff"))
    return Request("broken packing", plain.method, plain.path, body, plain.headers | {"Content-Encoding": coding})


def _broken_json(text: bytes) -> tuple[bytes, ...]:
    return (
        *(b"\xef\xbb\xbf" + text, b"\xff" + text, text + text, text.decode().encode("utf-16")),
        *(b"[" * 100_000, b'{"a":' * 50_000, b"9" * 5000, b"-", b"NaN", b'"' + b"\\u0000" * 100 + b'"'),
        *(text.replace(b":", b",", 1), text.replace(b'"', b"'"), text[:-1] + b',"k":1,"k":2}'),
    )


def _lines(rng: Generator, sound: Sound) -> Request:
    lines = []
    for _ in range(int(rng.integers(1, 9))):
        text = base64.b64encode(pictures.mutate(sound.data, rng)).decode()
        fields = {"id": _pick(rng, TEXTS), "image_base64": text, _pick(rng, FIELDS): _value(rng)}
        line = json.dumps(fields).encode()
        cut = line[: int(rng.integers(len(line)))]
        lines.append(_pick(rng, (line, line, cut, b"", b"\0", rng.bytes(20), b"[]", b"null")))
    body = _pick(rng, (b"\n", b"\r\n", b"\r", b"\n\n")).join(lines)
    return Request("broken lines", "POST", "/items/batch", body, _kind("application/x-ndjson"))


def _address(rng: Generator, _sound: Sound) -> Request:
    """An id that is none, in a path or a query."""
    text = _pick(rng, TEXTS).encode("utf-8", "surrogatepass")
    broken = ("%00", "%ff%fe", "%", "%zz", "%2e%2e%2f", "%c0%ae" * 3, "a" * 30_000)
    escaped = _pick(rng, (quote(text, safe=""), quote(text), *broken))
    method = _pick(rng, ("GET", "GET", "PATCH", "PUT", "HEAD", "DELETE"))
    body, headers = (b"{}", _kind("application/json")) if method in {"PATCH", "PUT"} else (b"", {})
    return Request("id that is none", method, _pick(rng, ITEM_PATHS).format(escaped), body, headers)


def _query(rng: Generator, _sound: Sound) -> Request:
    """A query string with parameters that are none, or have values that are none."""
    pairs = []
    for _ in range(int(rng.integers(1, 5))):
        text = str(_value(rng)).encode("utf-8", "surrogatepass")
        pairs.append(f"{_pick(rng, FIELDS)}={quote(text, safe='')[:4000]}")
    return Request("broken query", "GET", f"{_pick(rng, LISTS)}?{_pick(rng, ('&', '&&', ';')).join(pairs)}")


def _kind(media_type: str) -> dict[str, str]:
    return {"Content-Type": media_type}
