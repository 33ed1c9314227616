"""The page, with a fake API behind it."""

import threading
from collections.abc import Iterator
from typing import Protocol

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from frontend.app import create_app
from frontend.settings import Settings
from tests.frontend.fake_api import FakeApi

UPLOAD_LIMIT_BYTES = 100_000


class AppFor(Protocol):
    """A page whose API is at this address."""

    def __call__(self, api_url: str, *, timeout_seconds: float = 30) -> Flask: ...


@pytest.fixture
def api() -> Iterator[FakeApi]:
    fake = FakeApi()
    yield fake
    fake.close()


@pytest.fixture
def app_for() -> AppFor:
    def build(api_url: str, *, timeout_seconds: float = 30) -> Flask:
        return create_app(
            Settings(api_url=api_url, api_timeout_seconds=timeout_seconds, upload_limit_bytes=UPLOAD_LIMIT_BYTES)
        )

    return build


@pytest.fixture
def page(api: FakeApi, app_for: AppFor) -> FlaskClient:
    return app_for(api.url).test_client()


@pytest.fixture
def hasty_page(api: FakeApi, app_for: AppFor) -> FlaskClient:
    """It waits for 0.2 s only: for an API that never answers."""
    return app_for(api.url, timeout_seconds=0.2).test_client()


@pytest.fixture
def address(api: FakeApi, app_for: AppFor) -> Iterator[str]:
    """Where the page is, for a browser."""
    server = make_server("127.0.0.1", 0, app_for(api.url), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
