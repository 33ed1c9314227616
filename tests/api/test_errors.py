"""Every way in which the API says no: status, code, problem document, and nothing of the input in it."""

import logging
from typing import Any, get_args

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from api.errors import CODES, PROBLEMS, TELLING, Code
from api.search import service
from retrieval.errors import LookalikeError
from tests.api.conftest import OpenApi, Shop
from tests.support.bundles import picture

CANARY = "canary-4711"


def leaves(error: type[LookalikeError]) -> list[type[LookalikeError]]:
    children = [child for child in error.__subclasses__() if child.__module__ == error.__module__]
    return [leaf for child in children for leaf in leaves(child)] if children else [error]


def check_problem(answer: Response, status: int, code: str) -> None:
    """A whole problem document, which repeats nothing."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "code", "detail", "request_id"}
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code), answer.text
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert CANARY not in answer.text
    assert ("retry-after" in answer.headers) == (status == 503)


GOOD = picture(1)
REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "no body": ({}, 422, "invalid_parameter"),
    "neither file nor id": ({"files": {"k": (None, "3")}}, 422, "invalid_parameter"),
    "both file and id": ({"files": {"file": GOOD, "id": (None, CANARY)}}, 422, "invalid_parameter"),
    "two files": ({"files": [("file", GOOD), ("file", GOOD)]}, 400, "unparseable"),
    "file as text": ({"files": {"file": (None, CANARY)}}, 422, "invalid_parameter"),
    "unknown field": ({"files": {"file": GOOD, CANARY: (None, CANARY)}}, 422, "invalid_parameter"),
    "k too small": ({"files": {"file": GOOD}, "data": {"k": "0"}}, 422, "invalid_parameter"),
    "k too large": ({"files": {"file": GOOD}, "data": {"k": "101"}}, 422, "invalid_parameter"),
    "k not a number": ({"files": {"file": GOOD}, "data": {"k": CANARY}}, 422, "invalid_parameter"),
    "unknown metric": ({"files": {"file": GOOD}, "data": {"metric": CANARY}}, 422, "invalid_parameter"),
    "no probes": ({"files": {"file": GOOD}, "data": {"probes": "0"}}, 422, "invalid_parameter"),
    "unknown probes": ({"files": {"file": GOOD}, "data": {"probes": CANARY}}, 422, "invalid_parameter"),
    "a precision above one": ({"files": {"file": GOOD}, "data": {"min_precision": "1.01"}}, 422, "invalid_parameter"),
    "a precision below zero": ({"files": {"file": GOOD}, "data": {"min_precision": "-0.1"}}, 422, "invalid_parameter"),
    "no number as precision": ({"files": {"file": GOOD}, "data": {"min_precision": "nan"}}, 422, "invalid_parameter"),
    "words as precision": ({"files": {"file": GOOD}, "data": {"min_precision": CANARY}}, 422, "invalid_parameter"),
    "a long field": ({"files": {"id": (None, CANARY * 10_000)}}, 400, "unparseable"),
    "neither form nor JSON": ({"content": b"x", "headers": {"content-type": "text/plain"}}, 415, "unsupported_body"),
    "no boundary": ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "unparseable"),
    "broken form": (
        {"content": CANARY.encode(), "headers": {"content-type": "multipart/form-data; boundary=b"}},
        400,
        "unparseable",
    ),
    "unknown item": ({"files": {"id": (None, CANARY)}}, 404, "item_missing"),
    "empty file": ({"files": {"file": (CANARY, b"")}}, 415, "unsupported_format"),
    "not a picture": ({"files": {"file": (CANARY, CANARY.encode())}}, 415, "unsupported_format"),
    "half a picture": ({"files": {"file": (CANARY, GOOD[: len(GOOD) // 2])}}, 422, "broken_image"),
    "canary in a header": ({"files": {"file": (CANARY, b"P5 " + CANARY.encode())}}, 422, "broken_image"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_search_that_cannot_be_answered(client: TestClient, name: str) -> None:
    request, status, code = REFUSED[name]
    check_problem(client.post("/search", **request), status, code)


def test_the_detail_names_the_parameter_and_how_to_mend_it(client: TestClient) -> None:
    fields = {"k": "101", "metric": "manhattan", "probes": "few"}
    detail = client.post("/search", files={"file": GOOD}, data=fields).json()["detail"]
    assert detail == (
        "k: must be at most 100; metric: must be cosine, euclidean or fused; "
        "probes: must be auto, all, or a whole number from 1 on."
    )


def test_a_picture_with_too_many_pixels_is_told_how_many_are_allowed(shop: Shop, open_api: OpenApi) -> None:
    client = open_api(artifacts=shop.artifacts, pixel_limit=2000)
    answer = client.post("/search", files={"file": picture(1, width=60, height=44)})
    check_problem(answer, 422, "too_many_pixels")
    assert "2,640" in answer.json()["detail"]
    assert "2,000" in answer.json()["detail"]
    assert client.post("/search", files={"file": picture(1, width=40, height=50)}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", f"/{CANARY}", 404, "not_found"),
        ("GET", "/items/", 404, "not_found"),
        ("GET", f"/items/a/{CANARY}", 404, "not_found"),
        ("GET", f"/items/{CANARY}", 404, "item_missing"),
        ("GET", f"/items/{CANARY}/image", 404, "item_missing"),
        ("GET", f"/item?id={CANARY}", 404, "item_missing"),
        ("GET", f"/item/image?id={CANARY}", 404, "item_missing"),
        ("GET", f"/item/thumbnail?id={CANARY}", 404, "item_missing"),
        ("GET", f"/item?id={CANARY * 100}", 422, "invalid_parameter"),
        ("GET", "/item", 422, "invalid_parameter"),
        ("GET", f"/items/{CANARY}/thumbnail", 404, "item_missing"),
        ("GET", f"/items/a/thumbnail?size={CANARY}", 422, "invalid_parameter"),
        ("GET", f"/items?limit={CANARY}", 422, "invalid_parameter"),
        ("GET", f"/bundles/{CANARY}", 404, "not_found"),
        ("GET", f"/bundles/{CANARY}/report/index.html", 404, "bundle_missing"),
        ("GET", f"/bundles/tiny/report/{CANARY}", 404, "report_missing"),
        ("GET", "/search", 422, "invalid_parameter"),
        ("GET", f"/search?id={CANARY}", 404, "item_missing"),
        ("GET", f"/search?cursor={CANARY}", 422, "invalid_parameter"),
        ("GET", f"/search?id=a&{CANARY}={CANARY}", 422, "invalid_parameter"),
        ("PUT", "/search", 405, "method_not_allowed"),
        ("DELETE", f"/items/{CANARY}", 422, "invalid_parameter"),
        ("DELETE", f"/item?id={CANARY}", 404, "item_missing"),
    ],
)
def test_other_addresses(client: TestClient, method: str, path: str, status: int, code: str) -> None:
    answer = client.request(method, path)
    check_problem(answer, status, code)
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/search", "GET, HEAD, POST"),
        ("/items/x", "GET, HEAD, PATCH, DELETE"),
        ("/item", "GET, HEAD, PUT, PATCH, DELETE"),
        ("/explain", "POST"),
    ],
)
def test_a_wrong_method_is_told_all_the_right_ones(client: TestClient, path: str, allowed: str) -> None:
    assert client.request("LOCK", path).headers["allow"] == allowed


def test_the_codes_are_a_closed_set_and_each_has_its_status() -> None:
    assert set(PROBLEMS) == set(get_args(Code))


@pytest.mark.parametrize("leaf", leaves(LookalikeError), ids=lambda leaf: leaf.__name__)
def test_every_leaf_of_retrievals_errors_is_mapped(
    shop: Shop, open_api: OpenApi, monkeypatch: pytest.MonkeyPatch, leaf: type[LookalikeError]
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise leaf("3 pixels" if leaf in TELLING else f"{CANARY} in /some/folder")

    monkeypatch.setattr(service, "search", fails)
    answer = open_api(artifacts=shop.artifacts).post("/search", files={"id": (None, "any")})
    check_problem(answer, PROBLEMS[CODES[leaf]][0], CODES[leaf])
    assert answer.status_code != 500


def test_a_mistake_of_ours_is_a_problem_too_and_is_logged_with_its_request_id(
    shop: Shop, open_api: OpenApi, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError(CANARY)

    monkeypatch.setattr(service, "search", fails)
    answer = open_api(artifacts=shop.artifacts).post("/search", files={"id": (None, "any")})
    check_problem(answer, 500, "internal_error")
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert answer.json()["request_id"] in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError
