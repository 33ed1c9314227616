"""Bodies that come compressed: read as plain ones are, within the same limits, or refused in plain words."""

import gzip
import json
import zlib
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.main import create_app
from api.settings import Settings
from tests.api.conftest import OpenApi, Shop, until_ready
from tests.api.items.writes.test_batch import KIND, line
from tests.api.test_errors import check_problem
from tests.support.bundles import picture

ITEM = "shelf 1/piece-021"
DATA = picture(1)
LIMIT_BYTES = 300_000


def deflate_raw(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZIP", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", deflate_raw),
    "gzip in two files": ("gzip", lambda data: gzip.compress(data[:7]) + gzip.compress(data[7:])),
    "identity": ("identity", bytes),
    "gzip in a list": (" , gzip, identity", gzip.compress),
}


@pytest.fixture(scope="module")
def client(shop: Shop) -> Any:
    with TestClient(create_app(Settings(artifacts=shop.artifacts, upload_limit_bytes=LIMIT_BYTES))) as opened:
        yield until_ready(opened)


def post(client: TestClient, data: bytes, coding: str, kind: str = "application/json") -> Any:
    return client.post("/search", content=data, headers={"Content-Type": kind, "Content-Encoding": coding})


@pytest.mark.parametrize("name", PACKERS)
def test_a_packed_body_is_answered_as_a_plain_one(client: TestClient, name: str) -> None:
    coding, pack = PACKERS[name]
    body = {"image_base64": b64encode(DATA).decode(), "k": 5}
    expected = client.post("/search", json=body).json()["hits"]
    assert post(client, pack(json.dumps(body).encode()), coding).json()["hits"] == expected
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + DATA + b"\r\n--b--\r\n"
    answer = post(client, pack(form), coding, "multipart/form-data; boundary=b")
    assert answer.json()["hits"][:5] == expected, answer.text


def test_lines_may_be_packed_too(own_shop: Shop, open_api: OpenApi) -> None:
    client = open_api(artifacts=own_shop.artifacts)
    lines = gzip.compress("\n".join(line(n) for n in range(20)).encode())
    answer = client.post("/items/batch", content=lines, headers=KIND | {"Content-Encoding": "gzip"})
    assert [json.loads(each)["status"] for each in answer.text.splitlines()] == [201] * 20
    cut = client.post("/items/batch", content=lines[: len(lines) // 2], headers=KIND | {"Content-Encoding": "gzip"})
    *_, last = (json.loads(each) for each in cut.text.splitlines())
    assert last.get("code", (last.get("problem") or {}).get("code")) == "unparseable"


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip", "nonsense"])
def test_another_coding_is_refused_and_told_which_are_read(client: TestClient, coding: str) -> None:
    answer = post(client, b"{}", coding)
    check_problem(answer, 415, "unsupported_body")
    assert answer.headers["accept-encoding"] == "gzip, deflate"
    assert "gzip and deflate" in answer.json()["detail"]


NOT_PACKED = [b"{}", b"\x1f\x8b", gzip.compress(b'{"id": "a"}', mtime=0)[:-9], b"\x1f\x8b" + b"\xff" * 50]


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=b"])
@pytest.mark.parametrize("data", NOT_PACKED)
def test_what_is_not_packed_as_it_says_is_refused(client: TestClient, data: bytes, kind: str) -> None:
    check_problem(post(client, data, "gzip", kind), 400, "unparseable")


def test_a_bomb_is_refused_after_little_of_it(client: TestClient) -> None:
    zeros = gzip.compress(bytes(100_000_000), 9)
    for bomb in (zeros, gzip.compress(zeros * 50, 9), gzip.compress(b" " * (LIMIT_BYTES + 1))):
        check_problem(post(client, bomb, "gzip"), 413, "too_many_bytes")
    batch = client.post("/items/batch", content=zeros, headers=KIND | {"Content-Encoding": "gzip"})
    assert "too_many_bytes" in batch.text


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate"]), st.integers(0, 100), st.binary(max_size=5))
def test_no_damage_is_a_mistake_of_the_server(
    client: TestClient, data: bytes, coding: str, place: int, junk: bytes
) -> None:
    packed = (gzip.compress if coding == "gzip" else zlib.compress)(data)
    damaged = packed[:place] + junk + packed[place + len(junk) :]
    assert post(client, damaged, coding).status_code in (400, 413, 422)
