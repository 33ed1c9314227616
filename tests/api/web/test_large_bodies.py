"""Bodies that are made to be looked at for long: refused by a count, and told of a few of their mistakes."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.validation import describe

HUGE = 1_000_000
ITEM = "shelf 0/piece-000"


def refusal_of(client: TestClient, path: str, body: bytes) -> tuple[int, str]:
    answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
    return answer.status_code, answer.json()["detail"]


@pytest.mark.parametrize(
    "text",
    [
        b'{"items": [%s1]}' % (b"1," * HUGE),
        b'{"exclude": [%s{}]}' % (b"{}," * HUGE),
        b'{"filter": {"label": [%s[]]}}' % (b"[]," * HUGE),
    ],
)
def test_more_values_than_any_request_has_are_refused(client: TestClient, text: bytes) -> None:
    assert refusal_of(client, "/search", text) == (400, "The body is not usable JSON: it has more than 150,000 values.")


def test_an_object_of_a_great_many_names_is_refused(client: TestClient) -> None:
    body = json.dumps({"id": ITEM, "filter": {"attributes": {str(n): "x" for n in range(1001)}}}).encode()
    expected = "The body is not usable JSON: one of its objects has more than 1,000 names."
    assert refusal_of(client, "/search", body) == (400, expected)


def test_a_number_of_thousands_of_digits_is_refused_in_plain_words(client: TestClient) -> None:
    expected = "The body is not usable JSON: one of its numbers has thousands of digits."
    assert refusal_of(client, "/search", b'{"k": %s}' % (b"9" * 10_000)) == (400, expected)


def test_the_names_that_are_not_known_are_counted_all(client: TestClient) -> None:
    status, detail = refusal_of(client, "/search", json.dumps({f"x{n}": 1 for n in range(900)}).encode())
    assert (status, detail.partition(" Known: ")[0]) == (422, "900 fields are not known here.")


@pytest.mark.parametrize("field", ["items", "exclude"])
def test_a_list_is_too_long_whatever_is_in_it(client: TestClient, field: str) -> None:
    """And as many of its mistakes are looked at as it may have entries."""
    status, detail = refusal_of(client, "/search", json.dumps({field: [1] * 100_000}).encode())
    assert status == 422
    assert detail.startswith(f"{field}[0]: must be ")
    assert int(detail.rpartition("; and ")[2].split()[0]) < 300


def test_what_is_not_told_is_counted() -> None:
    errors: Any = [{"type": "string_type", "loc": ("ids", n), "msg": ""} for n in range(5000)]
    detail = describe(errors, {"ids": [1] * 5000})
    assert detail.count("must be a text") == 10
    assert detail.endswith("; and 4990 more.")


def test_as_many_items_as_a_list_may_have_are_read(client: TestClient) -> None:
    """With all the attributes that they may have."""
    item = {"image_base64": "x", "attributes": {str(n): n for n in range(100)}}
    body = json.dumps({"items": [item] * 1000}).encode()
    answer = client.post("/items/batch", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    assert len(answer.json()["answers"]) == 1000
