"""What the fetcher of query URLs fetches, and within which bounds."""

import asyncio
import shutil
import socket
import ssl
import subprocess
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from api.errors import Refusal
from api.fetch.addresses import read_endpoint
from api.fetch.client import Fetcher
from tests.api.fetch.sites import PICTURE, Names, Site, fetch, open_site, refused


def test_a_picture_is_fetched_by_its_address_and_by_its_name(site: Site) -> None:
    allowed = f"127.0.0.1:{site.port}"
    assert fetch(f"{site.url}/a%20b/ü?q=ü", allowed) == PICTURE
    assert fetch(f"http://Shop.Example:{site.port}", allowed, names={"shop.example": ["127.0.0.1"]}) == PICTURE
    assert fetch(f"http://büro.example:{site.port}", allowed, names={"xn--bro-hoa.example": ["127.0.0.1"]}) == PICTURE
    assert site.requests == [
        (f"127.0.0.1:{site.port}", "/a%20b/%C3%BC?q=%C3%BC"),
        (f"shop.example:{site.port}", "/"),
        (f"xn--bro-hoa.example:{site.port}", "/"),
    ]


def test_the_next_address_is_tried_where_one_does_not_answer(site: Site) -> None:
    with socket.socket() as probe:  # bound, and nobody listens: a connection to it is refused
        probe.bind(("127.0.0.3", site.port))
        names: Names = {"shop.example": ["127.0.0.3", "127.0.0.1"]}
        allowed = [f"127.0.0.3:{site.port}", f"127.0.0.1:{site.port}"]
        assert fetch(f"http://shop.example:{site.port}", *allowed, names=names) == PICTURE


def test_redirects_are_followed_a_few_times(site: Site) -> None:
    allowed = f"127.0.0.1:{site.port}"
    assert fetch(f"{site.url}/{'to//' * 5}picture", allowed) == PICTURE
    assert refused(lambda: fetch(f"{site.url}/{'to//' * 6}picture", allowed)) == "url_failed"
    assert refused(lambda: fetch(f"{site.url}/status/404", allowed)) == "url_failed"


def test_no_proxy_of_the_environment_is_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert fetch(f"{site.url}/", f"127.0.0.1:{site.port}") == PICTURE


def test_a_server_that_drips_is_given_up_when_the_time_is_up(site: Site) -> None:
    started = time.monotonic()
    assert refused(lambda: fetch(f"{site.url}/drip", f"127.0.0.1:{site.port}", seconds=0.5)) == "url_timeout"
    assert time.monotonic() - started < 10


def test_a_name_server_that_is_silent_is_given_up_when_the_time_is_up() -> None:
    go_on = threading.Event()

    def resolve(*_: object) -> list[str]:
        go_on.wait()
        return []

    timer = threading.Timer(2, go_on.set)  # threads end only with what they run
    timer.start()
    assert refused(lambda: fetch("http://shop.example/", resolve=resolve, seconds=0.3)) == "url_timeout"
    go_on.set()
    timer.cancel()


def test_an_answer_without_end_is_left_at_the_limit(site: Site) -> None:
    assert refused(lambda: fetch(f"{site.url}/endless", f"127.0.0.1:{site.port}")) == "url_refused"
    assert refused(lambda: fetch(f"{site.url}/", f"127.0.0.1:{site.port}", limit_bytes=10)) == "url_refused"


def test_a_host_that_nobody_knows_or_that_does_not_answer_is_told_from_a_refused_one(site: Site) -> None:
    for host in ("nowhere.example", "a" * 64 + ".example", "xn--a.example"):
        assert refused(partial(fetch, f"http://{host}/")) == "url_failed"
    assert refused(lambda: fetch("http://nowhere.example/", names={"nowhere.example": []})) == "url_failed"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        assert refused(lambda: fetch(f"http://127.0.0.1:{port}/", f"127.0.0.1:{port}")) == "url_failed"


def test_the_urls_of_one_request_share_its_bytes(site: Site) -> None:
    async def run(limit: int) -> list[bytes | Refusal]:
        fetcher = Fetcher(seconds=20, limit_bytes=limit, allowed=[read_endpoint(f"127.0.0.1:{site.port}")])
        results = (await fetcher.fetch_all(f"{site.url}/{n}" for n in (1, 2, 3, 3))).results
        fetcher.close()
        return list(results.values())

    assert asyncio.run(run(3 * len(PICTURE))) == [PICTURE] * 3
    assert len(site.requests) == 3
    assert any(isinstance(result, Refusal) for result in asyncio.run(run(2 * len(PICTURE))))


# --- https


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new key and a certificate for pictures.example, which the tests trust."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=pictures.example"
    command = [*made.split(), "-addext", "subjectAltName=DNS:pictures.example", "-keyout", "-", "-out", "-"]
    if not shutil.which("openssl"):
        pytest.skip("openssl, which makes the certificate, is not installed")
    path.write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)
    return path


def test_https_trusts_the_name_and_not_the_address(certificate: Path) -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    names_sent: list[str | None] = []
    serving.sni_callback = lambda _socket, name, _context: names_sent.append(name)
    trusting = ssl.create_default_context(cafile=certificate)
    names: Names = {"pictures.example": ["127.0.0.1"], "other.example": ["127.0.0.1"]}
    sites = open_site(serving)
    site = next(sites)
    try:
        options: dict[str, Any] = {"names": names, "ssl_context": trusting}
        allowed = f"127.0.0.1:{site.port}"
        assert fetch(f"https://pictures.example:{site.port}/", allowed, **options) == PICTURE
        assert names_sent == ["pictures.example"]
        assert refused(lambda: fetch(f"https://other.example:{site.port}/", allowed, **options)) == "url_failed"
        assert refused(lambda: fetch(f"https://127.0.0.1:{site.port}/", allowed, **options)) == "url_failed"
        assert refused(lambda: fetch(f"https://pictures.example:{site.port}/", allowed, names=names)) == "url_failed"
        assert len(site.requests) == 1
    finally:
        for _ in sites:
            pass
