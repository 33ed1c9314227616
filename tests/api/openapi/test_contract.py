"""The API keeps its own document: schemathesis reads it, makes up requests, good ones and bad ones, and checks answers.

`pytest -m slow tests/api/openapi/test_contract.py` asks 1,000 times an operation.
"""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import requests
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, HookContext, SerializationContext
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok

from api.main import create_app
from api.security.keys import ApiKey, digest_of, new_key
from api.settings import Settings
from tests.support.bundles import Piece, picture, pieces, some_calibration, write_artifacts

pytestmark = pytest.mark.security

NAMED = ("amphora 3.jpg", "vases/amphora 3.jpg", "bowls/7.jpg", "bowls/8.jpg")  # which the examples ask for
KEY = new_key()

FORM = "multipart/form-data"
URL_BYTES = 60_000  # longer ones are refused by the HTTP server, before there is an answer of ours

STEADY = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
OFF = {"enabled": False}
# An item may be called batch, change, delete, file, list or undo, so that those addresses take what those of items
# take; and a broken line, or a broken query of a batch, is refused at its own place in the answer.
NOT_OF_LINES = ("allow_header_conformance", "negative_data_rejection")

# A request may be as the document says and still be refused: whether bytes are a picture, or where a URL leads, no
# schema can say.
CONFIG = SchemathesisConfig.from_dict(
    {
        "auth": {"openapi": {"key": {"bearer": KEY}}},
        "checks": {
            "positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", "404", "409", "410", "412", "415", "422"]}
        },
        "operations": [
            {"include-name": "POST /items/batch", "checks": dict.fromkeys(NOT_OF_LINES, OFF)},
            {"include-name": "POST /items/delete", "checks": {"allow_header_conformance": OFF}},
            {"include-name": "POST /items/change", "checks": {"allow_header_conformance": OFF}},
            {"include-name": "POST /items/undo", "checks": {"allow_header_conformance": OFF}},
            {"include-name": "POST /items/list", "checks": {"allow_header_conformance": OFF}},
            {"include-name": "POST /items/file", "checks": {"allow_header_conformance": OFF}},
            {"include-name": "POST /search/batch", "checks": {"negative_data_rejection": OFF}},
        ],
    }
)


# Files, half of them pictures, as texts: schemathesis 4.32 stumbles now and then over bytes that it makes up itself.
schemathesis.openapi.format("binary", st.just("P5 4 4 255\n0123456789abcdef") | st.text())


@schemathesis.serializer("application/x-ndjson")
def one_line(_context: SerializationContext, value: object) -> bytes:
    """The lines of a stream: one."""
    return json.dumps(value).encode() + b"\n"


schema = schemathesis.openapi.from_dict(create_app(Settings()).openapi(), config=CONFIG)


Operation = schemathesis.schemas.APIOperation[Any, Any, Any, Any]
OPERATIONS = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]


@schema.hook
def filter_case(_context: HookContext, case: Case[Any]) -> bool:
    """Whether the request can be sent at all, and is not just what a form is without one of its fields."""
    url = requests.Request(**case.as_transport_kwargs(base_url="http://a")).prepare().url or ""
    empty = _says_nothing(case.query) or (case.media_type == FORM and _says_nothing(case.body))
    return len(url) < URL_BYTES and not empty


def _says_nothing(fields: object) -> bool:
    """An empty field counts as not given, as browsers and /docs send it, and no schema can say that."""
    return isinstance(fields, dict) and "" in fields.values()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server over a small shop of its own, which asks for a key."""
    artifacts = tmp_path_factory.mktemp("artifacts")
    named_pieces = [
        Piece(id_, picture(number), "amphora", {"price": 3.5}) for number, id_ in enumerate(NAMED, start=100)
    ]
    write_artifacts(artifacts, [*pieces(30), *named_pieces], calibration=some_calibration())
    key = ApiKey(name="schemathesis", scope="admin", sha256=digest_of(KEY))
    app = create_app(Settings(artifacts=artifacts, api_keys=(key,), fetch_urls=False))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    while httpx2.get(f"http://127.0.0.1:{port}/readyz", timeout=60).status_code != 200:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@schema.parametrize()
@settings(STEADY, max_examples=5)
def test_every_operation_does_what_the_document_says(case: Case[Any], address: str) -> None:
    case.call_and_validate(base_url=address)


# Not by `schema.parametrize`, which makes up requests while tests are collected, whether they are run or not.
@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_operation_does_what_the_document_says_a_thousand_times(operation: Operation, address: str) -> None:
    requests_of_both_kinds = operation.as_strategy(GenerationMode.POSITIVE) | operation.as_strategy(
        GenerationMode.NEGATIVE
    )

    @settings(STEADY, max_examples=1000)
    @given(requests_of_both_kinds)
    def ask(case: Case[Any]) -> None:
        case.call_and_validate(base_url=address)

    ask()
