"""The fetcher of query URLs: what it fetches, within which bounds, and what it never connects to.

Connections are counted where Python makes them, by its audit events, whatever library is above.
"""

import asyncio
import json
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from api.errors import Refusal
from api.fetch.addresses import is_public, read_endpoint
from api.fetch.client import Fetcher
from api.fetch.urls import parse
from api.main import create_app
from api.settings import Settings
from tests.api.conftest import OpenApi, Shop, until_ready
from tests.bundles import picture

PICTURE = picture(1)
LIMIT_BYTES = 100_000

CONNECTED: list[tuple[str, int]] = []
LISTENING = threading.Event()


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and LISTENING.is_set() and isinstance(arguments[1], tuple):
        CONNECTED.append(arguments[1][:2])


sys.addaudithook(_audit)  # for good; LISTENING says when


@pytest.fixture
def connected() -> Iterator[list[tuple[str, int]]]:
    """Every address and port that this process tries to connect to."""
    CONNECTED.clear()
    LISTENING.set()
    yield CONNECTED
    LISTENING.clear()


@dataclass
class Site:
    """A web server on loopback, and what it was asked: the Host and the path of each request."""

    port: int
    requests: list[tuple[str, str]] = field(default_factory=list)
    redirected: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def open_site(context: ssl.SSLContext | None = None) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.requests.append((self.headers["Host"], self.path))
            what, _, rest = self.path.lstrip("/").partition("/")
            if site.redirected:
                self.send_error(404)
            elif what == "to":
                self.send_response(302)
                self.send_header("Location", unquote(rest))
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif what == "drip":
                self.send_response(200)
                self.end_headers()
                with suppress(OSError):
                    while True:
                        self.wfile.write(b"x")
                        time.sleep(0.02)
            elif what == "endless":
                self.send_response(200)
                self.end_headers()
                with suppress(OSError):
                    while True:
                        self.wfile.write(bytes(10_000))
            elif what == "status":
                self.send_error(int(rest))
            else:
                body = b"no picture" if what == "text" else PICTURE
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    site = Site(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    yield from open_site()


Names = dict[str, Sequence[str]]


def fetch(url: str, *allowed: str, names: Names | None = None, **changes: object) -> bytes:
    """What `url` leads to, where these names are all that are known. Raises Refusal."""

    def resolve(host: str, _port: int) -> Sequence[str]:
        if host not in (names or {}):
            raise socket.gaierror(host)
        return (names or {})[host]

    async def run() -> bytes:
        options = {"resolve": resolve, "seconds": 20, "limit_bytes": LIMIT_BYTES} | changes
        fetcher = Fetcher(allowed=[read_endpoint(text) for text in allowed], **options)
        try:
            return await fetcher.fetch(url)
        finally:
            fetcher.close()

    return asyncio.run(run())


def refused(call: Callable[[], bytes]) -> str:
    with pytest.raises(Refusal) as refusal:
        call()
    return refusal.value.code


# --- what is refused

PRIVATE = [
    "0.0.0.0",  # noqa: S104
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.0.9",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:7f00:1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "2a00:1450:4001::5"]

DISGUISED = [
    "http://2130706433/",  # 127.0.0.1 as one number
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.0.0.1./",
    "http://0/",
    "http://１２７.０.０.１/",  # noqa: RUF001
    "http://127。0。0。1/",
    "http://[fe80::1%25eth0]/",
    "http://user@127.0.0.1/",
    "http://user:password@shop.example/",
    "http://shop.example@127.0.0.1/",
    "http://shop.example\\@127.0.0.1/",
    "http://127.0.0.1\\.shop.example/",
    "http://127.0.0.1 .shop.example/",
    "http://shop.example#@127.0.0.1:22/" + "@",
    "http://shop.example\r\nHost: 127.0.0.1/",
    "http://shop.example/\r\nX: y",
    "http://[::1",
    "http://",
    "http:///path",
    "http:shop.example",
    "//shop.example/",
    "shop.example",
    "file:///etc/passwd",
    "ftp://shop.example/",
    "gopher://127.0.0.1:11211/_stats",
    "data:image/png;base64,AA==",
    "javascript:alert(1)",
    "http://shop.example:22/",
    "http://shop.example:8080/",
    "http://shop.example:0/",
    "http://shop.example:99999/",
    "http://shop.example:http/",
    "",
]


def literal(address: str) -> str:
    return f"http://[{address}]/" if ":" in address else f"http://{address}/"


@pytest.mark.parametrize("address", PRIVATE)
@pytest.mark.parametrize("how", ["literal", "record", "one of several records", "redirect", "redirect to a name"])
def test_nothing_is_connected_to_that_is_not_public(
    how: str, address: str, site: Site, connected: list[tuple[str, int]]
) -> None:
    names: Names = {"evil.example": [address], "mixed.example": ["8.8.8.8", address]}
    url = {
        "literal": literal(address),
        "record": "http://evil.example/",
        "one of several records": "https://mixed.example/",
        "redirect": f"{site.url}/to/{literal(address)}",
        "redirect to a name": f"{site.url}/to/http://evil.example/",
    }[how]
    assert refused(lambda: fetch(url, f"127.0.0.1:{site.port}", names=names)) == "url_refused"
    assert set(connected) <= {("127.0.0.1", site.port)}
    assert len(connected) == ("redirect" in how)


@pytest.mark.parametrize("url", DISGUISED)
def test_what_is_not_quite_a_url_leads_nowhere(url: str, connected: list[tuple[str, int]]) -> None:
    names: Names = {"shop.example": ["127.0.0.9"], "127.0.0.1": ["127.0.0.1"]}
    assert refused(lambda: fetch(url, names=names)) == "url_refused"
    assert connected == []


@pytest.mark.parametrize("url", [url for url in DISGUISED if url.isascii() and url.isprintable()])
def test_a_redirect_to_what_is_not_quite_a_url_leads_nowhere_else(
    url: str, site: Site, connected: list[tuple[str, int]]
) -> None:
    names: Names = {"shop.example": ["127.0.0.9"], "127.0.0.1": ["127.0.0.1"]}
    with suppress(Refusal):  # some are relative, and lead back
        fetch(f"{site.url}/to/{quote(url, safe='')}", f"127.0.0.1:{site.port}", names=names)
    assert set(connected) == {("127.0.0.1", site.port)}
    assert len(connected) == len(site.requests)


def test_a_name_that_changes_its_address_is_resolved_once_a_connection(
    site: Site, connected: list[tuple[str, int]]
) -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.2"], ["127.0.0.3"]])
    requests = []

    def resolve(host: str, port: int) -> list[str]:
        requests.append((host, port))
        return next(answers)

    allowed = f"127.0.0.1:{site.port}"
    assert fetch(f"http://rebind.example:{site.port}/", allowed, resolve=resolve) == PICTURE
    assert (len(requests), connected) == (1, [("127.0.0.1", site.port)])
    again = f"http://rebind.example:{site.port}/to/http://rebind.example:{site.port}/"
    answers = iter([["127.0.0.1"], ["127.0.0.2"], ["127.0.0.3"]])
    assert refused(lambda: fetch(again, allowed, resolve=resolve)) == "url_refused"
    assert (len(requests), connected) == (3, [("127.0.0.1", site.port)] * 2)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_may_be_asked(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_every_ipv4_address_in_an_ipv6_one_is_refused(address: object) -> None:
    whole = int(address)  # type: ignore[call-overload]
    for prefix, shift in ((0xFFFF << 32, 0), (0x64FF9B << 96, 0), (0x2002 << 112, 80), (0x20010000 << 96, 0), (0, 0)):
        assert not is_public(ip_address((prefix | whole << shift).to_bytes(16, "big")))


@given(st.ip_addresses())
def test_nothing_is_public_that_python_knows_not_to_be(address: object) -> None:
    parsed = ip_address(str(address))
    if is_public(parsed):
        assert parsed.is_global
        assert not (parsed.is_private or parsed.is_multicast or parsed.is_reserved or parsed.is_loopback)


@given(st.text(max_size=40))
def test_any_text_is_taken_apart_or_refused(text: str) -> None:
    for url in (text, f"http://{text}", f"http://shop.example/{text}"):
        try:
            target = parse(url)
        except Refusal:
            continue
        assert target.scheme in (b"http", b"https")
        assert not set(target.host + target.target) & set(b" \r\n\t@" if b"@" in target.host else b" \r\n\t")


# --- what is fetched


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
        assert refused(lambda host=host: fetch(f"http://{host}/")) == "url_failed"
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
        options = {"names": names, "ssl_context": trusting}
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


# --- through the API


@pytest.fixture
def fetching(shop: Shop, site: Site) -> Iterator[TestClient]:
    settings = Settings(artifacts=shop.artifacts, workers=2, fetch_allowed=(f"127.0.0.1:{site.port}",))
    with TestClient(create_app(settings)) as client:
        yield until_ready(client)


def test_a_url_is_as_good_as_the_picture_however_it_is_sent(fetching: TestClient, site: Site) -> None:
    expected = fetching.post("/search", files={"file": PICTURE}).json()
    answers = [
        fetching.post("/search", json={"url": f"{site.url}/1"}),
        fetching.post("/search", files={"url": (None, f"{site.url}/2")}),
        fetching.get("/search", params={"url": f"{site.url}/3"}),
        fetching.post("/search", json={"items": [{"url": f"{site.url}/4"}]}),
    ]
    for answer in answers:
        assert answer.json()["hits"] == expected["hits"], answer.text
    assert answers[0].json()["query"] == expected["query"]
    further = fetching.get(answers[2].json()["next"])
    assert further.json()["hits"] == fetching.get(expected["next"]).json()["hits"]
    assert len(site.requests) == 4  # further pages do not fetch it again
    item = expected["hits"][0]["id"]
    explained = fetching.post("/explain", json={"url": f"{site.url}/", "item": item}).json()
    assert explained["cosine"] == pytest.approx(expected["hits"][0]["cosine"], abs=1e-5)


def test_each_search_of_a_batch_answers_for_its_own_url(fetching: TestClient, site: Site) -> None:
    urls = [f"{site.url}/", "http://127.0.0.1/", f"{site.url}/status/500"]
    answers = fetching.post("/search/batch", json={"queries": [{"url": url} for url in urls]}).json()["answers"]
    assert answers[0]["hits"]
    assert [answer["code"] for answer in answers[1:]] == ["url_refused", "url_failed"]


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("http://127.0.0.1/", 422, "url_refused"),
        ("{site}/status/404", 502, "url_failed"),
        ("{site}/text", 415, "unsupported_format"),
    ],
)
def test_a_url_that_leads_to_no_picture_is_a_problem(
    fetching: TestClient, site: Site, url: str, status: int, code: str
) -> None:
    answer = fetching.post("/search", json={"url": url.format(site=site.url)})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "127.0.0.1" not in answer.text


def test_a_url_and_something_else_is_one_too_many(fetching: TestClient, site: Site) -> None:
    both = fetching.post("/search", json={"url": f"{site.url}/", "id": "shelf 0/piece-000"})
    assert (both.status_code, both.json()["code"]) == (422, "invalid_parameter")
    assert fetching.get("/search", params={"url": f"{site.url}/", "cursor": "x"}).json()["code"] == "invalid_parameter"


def test_a_slow_url_is_a_504(shop: Shop, site: Site, open_api: OpenApi) -> None:
    allowed = (f"127.0.0.1:{site.port}",)
    client = open_api(artifacts=shop.artifacts, fetch_allowed=allowed, fetch_seconds=0.3)
    answer = client.post("/search", json={"url": f"{site.url}/drip"})
    assert (answer.status_code, answer.json()["code"]) == (504, "url_timeout")


def test_urls_can_be_switched_off(shop: Shop, site: Site, open_api: OpenApi, connected: list[tuple[str, int]]) -> None:
    client = open_api(artifacts=shop.artifacts, fetch_urls=False, fetch_allowed=(f"127.0.0.1:{site.port}",))
    answer = client.post("/search", json={"url": f"{site.url}/"})
    assert (answer.status_code, answer.json()["code"]) == (422, "url_refused")
    assert "fetches none" in answer.json()["detail"]
    assert connected == []


def test_a_setting_that_is_no_address_is_refused() -> None:
    for wrong in ("shop.example:80", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:x"):
        with pytest.raises(ValueError, match=r"address|IPv4"):
            Settings(fetch_allowed=(wrong,))
    assert Settings(fetch_allowed=("[fd00::1]:8080", "10.0.0.1:80")).fetch_allowed


# --- adding


@pytest.fixture
def adding(own_shop: Shop, site: Site) -> Iterator[TestClient]:
    settings = Settings(artifacts=own_shop.artifacts, workers=2, fetch_allowed=(f"127.0.0.1:{site.port}",))
    with TestClient(create_app(settings)) as client:
        yield until_ready(client)


def test_an_item_is_added_by_its_url_and_keeps_the_picture(adding: TestClient, site: Site) -> None:
    added = adding.post("/items", json={"url": f"{site.url}/", "id": "new", "label": "vase"})
    assert (added.status_code, added.headers["location"]) == (201, "/items/new")
    assert adding.get("/items/new/image").content == PICTURE
    assert adding.post("/items", files={"url": (None, f"{site.url}/"), "id": (None, "new")}).status_code == 200
    assert adding.post("/items", json={"url": "http://127.0.0.1/", "id": "x"}).json()["code"] == "url_refused"
    assert adding.post("/items", json={"url": f"{site.url}/", "image_base64": ""}).json()["code"] == "invalid_parameter"


def test_a_request_with_a_url_is_answered_again_as_the_first_time_whatever_the_url_leads_to(
    adding: TestClient, site: Site
) -> None:
    body = {"url": f"{site.url}/once", "id": "new"}
    headers = {"Idempotency-Key": "7"}
    first = adding.post("/items", json=body, headers=headers)
    site.redirected = True
    again = adding.post("/items", json=body, headers=headers)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    other = adding.post("/items", json={**body, "url": f"{site.url}/other"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


def test_lines_with_urls_are_added_and_answered_each_for_itself(adding: TestClient, site: Site) -> None:
    urls = [f"{site.url}/", "http://10.0.0.1/", f"{site.url}/status/404"]
    lines = "".join(json.dumps({"url": url, "id": f"line {n}"}) + "\n" for n, url in enumerate(urls)) + "{}\n"
    answer = adding.post("/items/batch", content=lines, headers={"Content-Type": "application/x-ndjson"})
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [(line["status"], (line["problem"] or {}).get("code")) for line in lines] == [
        (201, None),
        (422, "url_refused"),
        (502, "url_failed"),
        (422, "invalid_parameter"),
    ]
