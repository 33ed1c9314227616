"""The API keeps its own document: schemathesis reads it, makes up requests, good ones and bad ones, and checks answers.

`pytest -m slow tests/api/test_openapi.py` asks 1,000 times an operation.
"""

import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, settings

from api.keys import ApiKey, digest_of, new_key
from api.main import create_app
from api.settings import Settings
from tests.bundles import pieces, some_calibration, write_artifacts

KEY = new_key()
HEADERS = {"Authorization": f"Bearer {KEY}"}

schema = schemathesis.openapi.from_dict(create_app(Settings()).openapi())


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server over a small shop of its own, which asks for a key."""
    artifacts = tmp_path_factory.mktemp("artifacts")
    write_artifacts(artifacts, pieces(30), calibration=some_calibration())
    key = ApiKey(name="schemathesis", scope="admin", sha256=digest_of(KEY))
    app = create_app(Settings(artifacts=artifacts, api_keys=(key,), fetch_urls=False))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    while httpx2.get(f"http://127.0.0.1:{port}/readyz").status_code != 200:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@schema.parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_operation_does_what_the_document_says(case: Any, address: str) -> None:
    case.call_and_validate(base_url=address, headers=HEADERS)
