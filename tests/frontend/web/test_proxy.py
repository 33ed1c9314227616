"""The page behind a proxy: under a path, under another name, and by X-Forwarded-* headers of trusted proxies only."""

import re
from html import unescape
from io import BytesIO

import pytest
from flask.testing import FlaskClient

from frontend.app import create_app
from frontend.settings import Settings
from tests.frontend.fake_api import TALL_PNG, FakeApi, Reply
from tests.frontend.fake_catalogue import fill

PREFIX = "/tools/lookalike"
PUBLIC = f"https://search.example.com{PREFIX}/"
PATHS = (
    "/",
    "/search?id=one&like=two&label=x",
    "/search/filters?id=one",
    "/browse/",
    "/browse/clusters",
    "/browse/clusters/5",
    "/browse/map",
    "/items/?id=one",
    "/add/",
    "/duplicates/",
    "/duplicates/dismissed",
    "/bin/",
    "/models/",
    "/models/compare?id=one",
    "/nowhere",
)
ADDRESSES = re.compile(
    r'\s(?:href|src|action|data-(?:root|link|one|map|item|thumbnail|filters|then|why|bin|restore))="([^"#]*)"'
)


@pytest.fixture
def prefixed(api: FakeApi) -> FlaskClient:
    fill(api)
    return create_app(Settings(api_url=api.url, public_url=PUBLIC)).test_client()


def addresses(html: str) -> set[str]:
    """All that a page leads to or loads, by links, forms, pictures and its script's data."""
    sources = (source.split()[0] for each in re.findall(r'srcset="([^"]*)"', html) for source in each.split(", "))
    return {unescape(each) for each in (*ADDRESSES.findall(html), *sources)}


@pytest.mark.parametrize("keeps_path", [True, False], ids=["path kept", "path stripped"])
@pytest.mark.parametrize("path", PATHS)
def test_every_address_is_under_the_public_path(prefixed: FlaskClient, path: str, keeps_path: bool) -> None:
    html = prefixed.get(f"{PREFIX}{path}" if keeps_path else path).text
    result = {each for each in addresses(html) if not each.startswith("data:")}
    assert len(result) >= 12
    assert {each for each in result if not each.startswith(f"{PREFIX}/")} == set()


def test_every_address_of_the_pages_leads_somewhere(prefixed: FlaskClient, api: FakeApi) -> None:
    report = Reply(body=b"<title>r</title>", media_type="text/html")
    api.replies |= {f"GET /bundles/{name}/report/index.html": report for name in ("20261124-tuned", "20261122-demo")}
    api.replies["GET /bundles/20261120-frozen/report/index.html"] = report
    result = set().union(*(addresses(prefixed.get(PREFIX + path).text) for path in PATHS[:-1]))
    post_only = {f"{PREFIX}/{name}" for name in ("add/one", "items/change", "items/delete", "models/activate")}
    post_only |= {f"{PREFIX}/{name}" for name in ("language", "feedback/", "items/undo", "selection/label")}
    post_only |= {f"{PREFIX}/duplicates/{name}" for name in ("refresh", "dismiss", "undo", "delete", "label")}
    post_only |= {f"{PREFIX}/bin/{name}" for name in ("restore", "delete")}
    incomplete = {f"{PREFIX}/pictures/thumbnail", f"{PREFIX}/items/", f"{PREFIX}/why", f"{PREFIX}/browse/clusters/2"}
    tried = {
        each
        for each in result
        if each not in post_only | incomplete and not each.startswith((f"{PREFIX}/why?", "data:"))
    }
    assert len(tried) > 60
    statuses = {}
    for each in tried:
        with prefixed.get(each) as answer:
            statuses[each] = answer.status_code
    assert {each: status for each, status in statuses.items() if status not in {200, 302}} == {}


def test_redirects_stay_under_the_public_path(prefixed: FlaskClient) -> None:
    assert prefixed.get(f"{PREFIX}/search").location == f"{PREFIX}/"
    assert prefixed.post(f"{PREFIX}/search", data={"id": "one"}).location == f"{PREFIX}/search?id=one"
    assert prefixed.get(f"{PREFIX}/browse").location.endswith(f"{PREFIX}/browse/")
    saved = prefixed.post(f"{PREFIX}/items/change", data={"id": "one", "label": "x"})
    assert saved.location == f"{PREFIX}/items/?id=one&done=saved"


@pytest.mark.parametrize(
    ("back", "location"),
    [
        (f"{PREFIX}/duplicates/", f"{PREFIX}/duplicates/"),
        ("/another/app", f"{PREFIX}/browse/"),
        (f"{PREFIX}/../another", f"{PREFIX}/browse/"),
        (f"{PREFIX}/%2e%2e/another", f"{PREFIX}/browse/"),
        ("//[", f"{PREFIX}/browse/"),
    ],
)
def test_after_deleting_one_stays_under_the_public_path(prefixed: FlaskClient, back: str, location: str) -> None:
    answer = prefixed.post(f"{PREFIX}/items/delete", data={"id": "one", "sure": "yes", "back": back})
    assert answer.location == location


def test_the_public_path_itself_is_the_start_page(prefixed: FlaskClient) -> None:
    assert "Search with a picture." in prefixed.get(PREFIX).text


def test_trying_again_is_under_the_public_path(prefixed: FlaskClient, api: FakeApi) -> None:
    api.everything(Reply(raw=b""))
    assert f'href="{PREFIX}/search?id=one"' in prefixed.get(f"{PREFIX}/search?id=one").text


@pytest.mark.parametrize(
    ("trusted", "forwarded", "root"),
    [
        ("127.0.0.1", "/lookalike", "/lookalike/"),
        ("127.0.0.0/8,10.0.0.0/8", "/lookalike/", "/lookalike/"),
        ("10.0.0.0/8", "/lookalike", "/"),
        ("", "/lookalike", "/"),
        ("127.0.0.1", "//evil.example", "/"),
        ("127.0.0.1", "/a/../b", "/"),
        ("127.0.0.1", '/"><script>', "/"),
    ],
)
def test_a_forwarded_path_is_used_from_trusted_proxies_only(
    api: FakeApi, trusted: str, forwarded: str, root: str
) -> None:
    app = create_app(Settings(api_url=api.url, trusted_proxies=trusted))
    html = app.test_client().get("/", headers={"X-Forwarded-Prefix": forwarded}).text
    assert f'data-root="{root}"' in html
    assert f'action="{root}search"' in html


@pytest.mark.parametrize(
    ("headers", "settings", "status"),
    [
        ({"Host": "search.example.com"}, {}, 403),
        ({"Host": "search.example.com"}, {"ui_hosts": "search.example.com"}, 200),
        ({"Host": "Search.Example.com.:8443"}, {"ui_hosts": "search.example.com"}, 200),
        ({"Host": "search.example.com:8443"}, {"public_url": "https://search.example.com/"}, 200),
        ({"Host": "evil.example"}, {"public_url": "https://search.example.com/"}, 403),
        ({"Host": "evil.example"}, {"ui_hosts": "*"}, 200),
        ({"Host": "page", "X-Forwarded-Host": "evil.example"}, {}, 200),
        ({"Host": "page", "X-Forwarded-Host": "evil.example"}, {"trusted_proxies": "127.0.0.1"}, 403),
        ({"Host": "evil.example", "X-Forwarded-Host": "page"}, {"trusted_proxies": "127.0.0.1"}, 403),
    ],
)
def test_unknown_hosts_are_refused_and_told_what_to_set(
    api: FakeApi, headers: dict[str, str], settings: dict[str, str], status: int
) -> None:
    client = create_app(Settings(api_url=api.url, **settings)).test_client()  # type: ignore[arg-type]
    answer = client.get("/", headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert "LOOKALIKE_UI_HOSTS" in answer.text
        assert "LOOKALIKE_PUBLIC_URL" in answer.text
    assert client.get("/livez", headers=headers).status_code == 200, "health checks are exempt"
    assert client.get("/readyz", headers=headers).status_code == 503, "the API's own answer"


@pytest.mark.parametrize(
    ("headers", "settings", "status"),
    [
        ({"Host": "search.lan", "Origin": "http://search.lan:8080"}, {}, 403),
        ({"Host": "search.lan", "Origin": "http://search.lan:8080"}, {"public_url": "http://search.lan:8080"}, 200),
        ({"Host": "page:5000", "Origin": "https://search.example.com"}, {"public_url": PUBLIC}, 200),
        ({"Host": "page:5000", "Origin": "https://search.example.com:444"}, {"public_url": PUBLIC}, 403),
        ({"Host": "page:5000", "Origin": "https://a.example"}, {"public_url": "https://a.example:443/x"}, 200),
        ({"Host": "page:5000", "Origin": "null"}, {"public_url": PUBLIC}, 403),
        (
            {"Host": "page:5000", "X-Forwarded-Host": "search.lan:8080", "Origin": "http://search.lan:8080"},
            {"trusted_proxies": "127.0.0.1", "ui_hosts": "search.lan"},
            200,
        ),
        ({"Host": "page:5000", "X-Forwarded-Host": "search.lan:8080", "Origin": "http://search.lan:8080"}, {}, 403),
    ],
)
def test_forms_of_the_page_itself_are_known_by_its_public_address(
    api: FakeApi, headers: dict[str, str], settings: dict[str, str], status: int
) -> None:
    client = create_app(Settings(api_url=api.url, **settings)).test_client()  # type: ignore[arg-type]
    answer = client.post("/search", data={"file": (BytesIO(TALL_PNG), "me.png")}, headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert "LOOKALIKE_PUBLIC_URL" in answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Forwarded-Host": "search.lan:8080"}, 200),
        ({"X-Forwarded-Host": "search.lan", "X-Forwarded-Port": "8080"}, 200),
        ({"X-Forwarded-Host": "search.lan", "X-Forwarded-Port": "8081"}, 403),
        ({"X-Forwarded-Host": "evil.example, search.lan:8080"}, 200),
        ({"X-Forwarded-Host": "search.lan:8080, inner", "X-Forwarded-For": "9.9.9.9, 10.0.0.7"}, 200),
        ({"X-Forwarded-Host": "search.lan:8080, inner", "X-Forwarded-For": "9.9.9.9, 11.0.0.7"}, 403),
        ({"Forwarded": "for=9.9.9.9;proto=http;host=search.lan:8080"}, 200),
        ({"Forwarded": 'for="[2001:db8::1]";host="search.lan:8080", for=10.0.0.7;host=inner'}, 200),
        ({"Forwarded": 'for=9.9.9.9;host="search.lan:8080", for=11.0.0.7;host=inner'}, 403),
        ({"Forwarded": "host=;;,=", "X-Forwarded-Port": "x"}, 403),
    ],
    ids=str,
)
def test_the_original_host_is_that_of_the_outermost_trusted_proxy(
    api: FakeApi, headers: dict[str, str], status: int
) -> None:
    settings = Settings(api_url=api.url, trusted_proxies="127.0.0.1,10.0.0.0/8", ui_hosts="search.lan")
    client = create_app(settings).test_client()
    form = {"file": (BytesIO(TALL_PNG), "me.png")}
    answer = client.post("/search", data=form, headers={"Host": "page", "Origin": "http://search.lan:8080"} | headers)
    assert answer.status_code == status
