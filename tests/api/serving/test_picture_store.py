"""Pictures by URL: added, served whole and in part, cleaned up; and a store that fails while searches go on."""

import json
import logging
import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
import requests
from fastapi.testclient import TestClient

from api.serving import engine, writes
from retrieval import bundle as bundles
from retrieval import remote
from retrieval.errors import PictureMissing
from retrieval.pictures import location_of, open_pictures
from retrieval.pictures import remote as stores
from tests.api.conftest import OpenApi, Shop
from tests.api.items.writes.test_add import FRESH, add
from tests.api.serving.test_cleanup import leave_draft, until_gone
from tests.api.serving.test_writes import until_writes
from tests.support import s3
from tests.support.bundles import picture

IMAGE = "/item/image?id=fresh"
PLACE = location_of(sha256(FRESH).hexdigest(), "image/jpeg")


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(writes, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(writes, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(stores, "RETRY_SECONDS", 0.05)


@pytest.fixture
def url() -> str:
    return f"memory://{secrets.token_hex(4)}/shop"


@contextmanager
def without_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every request to the store in memory fails, as if its server were gone."""
    from fsspec.implementations.memory import MemoryFileSystem

    def fail(*_arguments: object, **_options: object) -> None:
        raise ConnectionError("connection refused")

    with monkeypatch.context() as patch:
        for name in ("info", "exists", "cat_file", "pipe_file", "rm_file", "find"):
            patch.setattr(MemoryFileSystem, name, fail)
        yield


def check_outage(client: TestClient) -> None:
    """What is answered while the store is gone, once /readyz has told of it."""
    detail = until_writes(client, "unavailable")["detail"]
    assert "the pictures in" in detail
    assert s3.CREDENTIALS["AWS_SECRET_ACCESS_KEY"] not in detail
    for answer in (add(client, picture(7002)), client.get(IMAGE), client.get("/item/thumbnail?id=fresh")):
        expected = "write_unavailable" if answer.request.method == "POST" else "picture_unavailable"
        assert (answer.status_code, answer.json()["code"]) == (503, expected)
        assert answer.headers["retry-after"]
    assert client.get("/search", params={"id": "fresh"}).json()["hits"]
    assert client.post("/search", files={"file": FRESH}).status_code == 200


def test_pictures_are_kept_where_the_url_says(own_shop: Shop, open_api: OpenApi, url: str) -> None:
    client = open_api(artifacts=own_shop.artifacts, pictures_url=url)
    assert add(client, FRESH, id="fresh").status_code == 201
    assert not (own_shop.artifacts / "images").exists()
    whole = client.get(IMAGE)
    assert whole.content == FRESH
    part = client.get(IMAGE, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, FRESH[10:20])
    assert client.get(IMAGE, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
    assert client.get("/item/thumbnail?id=fresh").headers["content-type"] == "image/webp"
    assert client.get(f"/item/image?id={next(iter(own_shop.pieces)).replace('/', '%2F')}").status_code == 200
    store = open_pictures(own_shop.artifacts, url)
    assert store.read(PLACE) == FRESH
    assert client.delete("/item?id=fresh").status_code == 204
    assert client.get(client.get("/bin").json()["entries"][0]["thumbnail_url"]).status_code == 200
    assert client.delete("/bin").status_code == 200
    with pytest.raises(PictureMissing, match="neither in"):
        store.read(PLACE)


def test_left_overs_are_swept_at_the_start(
    own_shop: Shop, open_api: OpenApi, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_pictures(own_shop.artifacts, url)
    client = open_api(artifacts=own_shop.artifacts, pictures_url=url)
    assert add(client, FRESH, id="fresh").status_code == 201
    left = location_of(sha256(picture(1)).hexdigest(), "image/jpeg")
    store.keep(left, picture(1))
    monkeypatch.setattr(stores, "MIN_AGE_SECONDS", -10)
    draft = leave_draft(own_shop.artifacts)
    open_api(artifacts=own_shop.artifacts, pictures_url=url)
    until_gone(draft)
    assert list(store.locations()) == [PLACE]


def test_the_folder_says_where_and_what_is_about_to_go_live_stays(
    own_shop: Shop, open_api: OpenApi, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundles.write_places(own_shop.artifacts, bundles.Places(pictures_url=url))
    store = open_pictures(own_shop.artifacts, url)
    client = open_api(artifacts=own_shop.artifacts)
    assert add(client, FRESH, id="fresh").status_code == 201
    assert store.read(PLACE) == FRESH
    waiting, left = (location_of(sha256(picture(n)).hexdigest(), "image/jpeg") for n in (1, 2))
    for n, location in ((1, waiting), (2, left)):
        store.keep(location, picture(n))
    pending = bundles.pending_path(own_shop.artifacts, "yet to come")
    pending.parent.mkdir()
    pending.write_text(json.dumps({"id": "a", "location": waiting, "label": None}) + "\n")
    monkeypatch.setattr(stores, "MIN_AGE_SECONDS", -10)
    draft = leave_draft(own_shop.artifacts)
    open_api(artifacts=own_shop.artifacts)
    until_gone(draft)
    assert sorted(store.locations()) == sorted([PLACE, waiting])


def test_an_outage_stops_no_search(
    own_shop: Shop, open_api: OpenApi, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = open_api(artifacts=own_shop.artifacts, pictures_url=url)
    assert add(client, FRESH, id="fresh").status_code == 201
    with without_store(monkeypatch):
        check_outage(client)
        open_api(artifacts=own_shop.artifacts, pictures_url=url)  # starts, and serves
    until_writes(client, "available")
    assert client.get(IMAGE).content == FRESH
    assert add(client, picture(7002)).status_code == 201


def test_links_need_a_store_that_signs(own_shop: Shop, open_api: OpenApi, url: str) -> None:
    with pytest.raises(ValueError, match="LOOKALIKE_PICTURES_LINK_SECONDS"):
        open_api(artifacts=own_shop.artifacts, pictures_url=url, pictures_link_seconds=60)


@pytest.mark.slow
def test_a_real_s3_server_that_hangs(
    own_shop: Shop,
    open_api: OpenApi,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if s3.PROGRAM is None:
        pytest.skip(s3.ABSENT)
    monkeypatch.setattr(remote, "READ_SECONDS", 1)
    caplog.set_level(logging.DEBUG)
    with s3.server(tmp_path) as (process, environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        url = f"s3://{s3.BUCKET}/shop"
        client = open_api(artifacts=own_shop.artifacts, pictures_url=url)
        test_pictures_are_kept_where_the_url_says(own_shop, open_api, url)
        assert add(client, FRESH, id="fresh").status_code == 201
        linking = open_api(artifacts=own_shop.artifacts, pictures_url=url, pictures_link_seconds=60)
        moved = linking.get(IMAGE, follow_redirects=False)
        assert moved.status_code == 307
        direct = requests.get(moved.headers["location"], headers={"Range": "bytes=0-9"}, timeout=10)
        assert (direct.content, direct.headers["content-type"]) == (FRESH[:10], "image/jpeg")
        known = linking.get(IMAGE, headers={"If-None-Match": moved.headers["etag"]}, follow_redirects=False)
        assert known.status_code == 304
        assert linking.get(f"{IMAGE}&format=browser", follow_redirects=False).content == FRESH
        os.kill(process.pid, signal.SIGSTOP)
        check_outage(client)
        os.kill(process.pid, signal.SIGCONT)
        until_writes(client, "available")
        while client.get(IMAGE).status_code != 200:
            time.sleep(0.05)
    assert s3.CREDENTIALS["AWS_SECRET_ACCESS_KEY"] not in "".join(
        record.getMessage() for record in caplog.records if record.name.startswith(("api", "retrieval"))
    )
