"""What the fetcher of query URLs never connects to."""

from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import Refusal
from api.fetch.addresses import is_public
from api.fetch.urls import parse
from tests.api.fetch.sites import PICTURE, Names, Site, fetch, refused

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
