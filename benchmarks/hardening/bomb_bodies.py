"""Requests that unpack to much: compressed bodies, forms in forms, JSON without end, and pictures in Base64."""

import base64
import gzip
import json
import zlib
from collections.abc import Iterator

from benchmarks.hardening.bombs import HUGE, ZEROS, bombs
from benchmarks.hardening.requests import BOUNDARY, Request, form

FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
JSON = {"Content-Type": "application/json"}
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(12))


def requests() -> list[Request]:
    """All bombs, pictures too, each as a request of its own kind."""
    pictures = [Request(name, "POST", "/search", form([("file", "f", data)]), FORM) for name, data in bombs()]
    return [*pictures, *_foreign(), *_packed(), *_nested(), *_in_json()]


def _foreign() -> Iterator[Request]:
    """Files of formats that are not read here, which unpack to much elsewhere."""
    svg = f"<?xml version='1.0'?><!DOCTYPE svg [{LAUGHS}]><svg xmlns='http://www.w3.org/2000/svg'>&l11;</svg>"
    for name, data in (
        ("SVG with a billion laughs", svg.encode()),
        ("gzip of zeros as a picture", gzip.compress(bytes(ZEROS), 9)),
        ("deflated PDF", b"%PDF-1.7\n1 0 obj<</Filter/FlateDecode>>stream\n" + zlib.compress(bytes(ZEROS), 9)),
    ):
        yield Request(name, "POST", "/search", form([("file", "f", data)]), FORM)


def _packed() -> Iterator[Request]:
    """With a Content-Encoding."""
    zeros, text = bytes(ZEROS), b'{"image_base64": "' + b"A" * ZEROS + b'"}'
    raw = zlib.compressobj(9, zlib.DEFLATED, -15)
    lines = b'{"id": "x", "image_base64": "' + b"A" * ZEROS + b'"}'
    for name, data, coding in (
        ("gzip of zeros", gzip.compress(zeros, 9), "gzip"),
        ("gzip in gzip", gzip.compress(gzip.compress(zeros, 9), 9), "gzip"),
        ("gzip of JSON with a long text", gzip.compress(text, 9), "gzip"),
        ("gzip in a thousand members", gzip.compress(bytes(ZEROS // 1000), 9) * 1000, "gzip"),
        ("deflate of zeros", zlib.compress(zeros, 9), "deflate"),
        ("deflate without a header", raw.compress(zeros) + raw.flush(), "deflate"),
        ("several codings", gzip.compress(gzip.compress(zeros, 9), 9), "gzip, gzip"),
    ):
        yield Request(name, "POST", "/search", data, JSON | {"Content-Encoding": coding})
    ndjson = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    yield Request("gzip of a line without end", "POST", "/items/batch", gzip.compress(lines, 9), ndjson)
    part = form([("file", "f", bytes(ZEROS))])
    yield Request("gzip of a form", "POST", "/search", gzip.compress(part, 9), FORM | {"Content-Encoding": "gzip"})


def _nested() -> Iterator[Request]:
    """Forms in forms, of many parts, and JSON in JSON."""
    body = b"x"
    for _depth in range(300):
        body = form([("file", "f", body)])
    yield Request("form in a form, 300 deep", "POST", "/search", body, FORM)
    many = form([(f"f{number}", None, b"x") for number in range(50_000)])
    yield Request("form of 50,000 fields", "POST", "/search", many, FORM)
    yield Request("form of 50,000 files", "POST", "/search", form([("file", "f", b"x")] * 50_000), FORM)
    yield Request("JSON, a million deep", "POST", "/search", b"[" * 1_000_000, JSON)
    names = b",".join(b'"%d":1' % number for number in range(200_000))
    yield Request("JSON of 200,000 names", "POST", "/search", b"{" + names + b"}", JSON)
    for name, value in (("numbers", b"1,"), ("objects", b"{},"), ("lists", b"[],")):
        body = b'{"items": [' + value * 1_000_000 + b"1]}"
        yield Request(f"JSON of a million {name}", "POST", "/search", body, JSON)
    yield Request("JSON with a number of a million digits", "POST", "/search", b'{"k": %s}' % (b"9" * 1_000_000), JSON)


def _in_json() -> Iterator[Request]:
    """Pictures in Base64, alone and many at once."""
    huge = next(data for name, data in bombs() if name == f"PNG of {HUGE} x {HUGE}")
    text = base64.b64encode(huge).decode()
    for name, field in (
        ("PNG in Base64", text),
        ("PNG in a data URL", f"data:image/png;base64,{text}"),
        ("Base64 in Base64", base64.b64encode(text.encode() * 10_000).decode()),
        ("Base64 of blanks", " " * 5_000_000),
    ):
        yield Request(name, "POST", "/search", json.dumps({"image_base64": field}).encode(), JSON)
    items = [{"image_base64": text}] * 17
    yield Request("17 items in Base64", "POST", "/search", json.dumps({"items": items}).encode(), JSON)
    yield Request("65 queries", "POST", "/search/batch", json.dumps({"queries": items * 4}).encode(), JSON)
