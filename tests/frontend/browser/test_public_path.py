"""The scripts of the page when it is served under a path: every request stays below it."""

import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from frontend.app import create_app
from frontend.settings import Settings
from tests.frontend.browser.conftest import files
from tests.frontend.fake_api import TALL_PNG, FakeApi, as_json, hit, matches
from tests.support.gestures import refine

PREFIX = "/tools/lookalike"


def behind_proxy(app: Flask) -> Flask:
    """The app as a proxy would show it: nothing is there but below the public path."""
    inner = app.wsgi_app

    def wsgi(environ, start_response):  # type: ignore[no-untyped-def]
        if environ["PATH_INFO"].startswith(f"{PREFIX}/"):
            return inner(environ | {"PATH_INFO": environ["PATH_INFO"].removeprefix(PREFIX)}, start_response)
        start_response("502 Bad Gateway", [("Content-Type", "text/plain")])
        return [b"outside of the public path"]

    app.wsgi_app = wsgi  # type: ignore[method-assign]
    return app


@pytest.fixture
def address(api: FakeApi) -> Iterator[str]:
    """Where the page is, below its path."""
    app = create_app(Settings(api_url=api.url, public_url=f"http://127.0.0.1{PREFIX}/"))
    server = make_server("127.0.0.1", 0, behind_proxy(app), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}{PREFIX}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_request_of_the_scripts_is_below_the_public_path(tab: Page, address: str, api: FakeApi) -> None:
    urls: list[str] = []
    tab.on("request", lambda request: urls.append(request.url))
    api.replies["POST /search"] = as_json(matches(hit("one"), hit("two", rank=2), next="/search?cursor=NEXT"))
    tab.goto(address)
    tab.set_input_files("#file", {"name": "me.png", "mimeType": "image/png", "buffer": TALL_PNG})
    expect(tab.get_by_role("heading", name="2 closest matches")).to_be_visible()
    assert urlsplit(tab.url).path == f"{PREFIX}/search"
    refine(tab)
    tab.get_by_text("Filters", exact=True).click()
    expect(tab.locator(".filters .box").first).to_be_visible()
    with tab.expect_download():
        tab.get_by_role("button", name="Contact sheet (PNG)").click()
    tab.get_by_role("link", name="Match 2").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Tall bottle")
    tab.get_by_role("link", name="Lookalike").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Search with a picture.")
    tab.evaluate(
        """() => {
            const transfer = new DataTransfer();
            transfer.setData("text/plain", "https://pictures.example/vase.jpg");
            document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
        }"""
    )
    tab.wait_for_url("**/search?url=**")
    tab.goto(f"{address}browse/map")
    expect(tab.locator(".nearest a")).to_have_count(3)
    tab.goto(f"{address}add/")
    tab.set_input_files("#files", files("a.png"))
    tab.get_by_role("button", name="Add 1 picture").click()
    expect(tab.locator("[data-counts]")).to_have_text("1 of 1: 1 added.")
    tab.locator(".added a").click()
    expect(tab.get_by_role("heading", name="Tall bottle")).to_be_visible()
    paths = [urlsplit(url).path for url in urls if url.startswith("http")]
    assert len(paths) > 40
    assert [path for path in paths if not path.startswith(f"{PREFIX}/")] == []
