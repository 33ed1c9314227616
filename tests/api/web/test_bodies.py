"""JSON bodies and forms: what they may look like, and where a mistake is said to be."""

import gzip
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.test_errors import check_problem
from tests.support.bundles import picture

ITEM = "shelf 1/piece-021"
OTHER = "shelf 0/piece-020"
JSON = {"Content-Type": "application/json"}
JARGON = ("tuple", "dict", "Input", "pydantic", "union", "pattern", "[^", "schema", "str]", "instance", "validator")


def detail_of(client: TestClient, body: object, path: str = "/search") -> str:
    answer = client.post(path, json=body)
    check_problem(answer, 422, "invalid_parameter")
    detail: str = answer.json()["detail"]
    assert not any(word in detail for word in JARGON), detail
    return detail


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"k": 101}, "k: must be at most 100."),
        ({"k": "5"}, "k: must be a whole number."),
        ({"k": "5e0"}, "k: must be a whole number."),
        ({"k": True}, "k: must be a whole number."),
        ({"k": 5.5}, "k: must be a whole number."),
        ({"items": [{"id": "a"}, {"id": "b", "weight": "x"}]}, "items[1].weight: must be a number."),
        (
            {"items": [{"id": "a"}, {"id": "b", "weigth": 2}]},
            "items[1]: a field is not known here; did you mean weight? Known: id, image_base64, url, weight.",
        ),
        ({"items": [3]}, "items[0]: must be an object with names and values."),
        ({"items": {"id": "a"}}, "items: must be a list."),
        ({"crop": {"x": 0, "y": 0, "width": 1}}, "crop.height: is missing."),
        (
            {"filter": {"attributes": {"price": {"gte": []}}}},
            "filter.attributes.price.gte: must be a number, or a text.",
        ),
        (
            {"filter": {"attributes": {"price": {"ge": 3}}}},
            "filter.attributes.price: a field is not known here; did you mean gte? Known: gt, gte, lt, lte.",
        ),
        ({"filter": {"label": [["a"]]}}, "filter.label[0]: must be a text, a number, true, false or null."),
        ({"filter": "x"}, "filter: must be an object with names and values."),
        ({"exclude": [1]}, "exclude[0]: must be a text."),
        ({"metric": "manhattan"}, "metric: must be cosine, euclidean or fused."),
        ({"probes": "few"}, "probes: must be auto, all, or a whole number from 1 on."),
        ({"group_by": "colour"}, "group_by: must be label, or attributes. and a name, such as attributes.colour."),
        ({"id": None}, "null says nothing; leave out id."),
        ([], "The body must be an object with names and values."),
        ({"k": 0, "face": 0}, "k: must be at least 1; face: must be at least 1."),
    ],
)
def test_a_mistake_is_told_with_its_place_in_plain_words(client: TestClient, body: object, detail: str) -> None:
    assert detail_of(client, body) == detail


def test_the_known_fields_are_listed(client: TestClient) -> None:
    detail = detail_of(client, {"lable": "x", "id": ITEM})
    assert detail.startswith("A field is not known here. Known: bundle, crop, cursor, exclude,")
    assert detail_of(client, {"ids": ["a"], "label": "x"}, "/items").startswith(
        "A field is not known here; did you mean id?"
    )


@pytest.mark.parametrize("number", [5, 5.0])
def test_a_whole_number_may_have_a_point(client: TestClient, number: float) -> None:
    answer = client.post("/search", json={"id": ITEM, "k": number, "offset": 0.0, "probes": 3.0})
    assert len(answer.json()["hits"]) == 5


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b'{"k": 1, "k": 2}', "twice"),
        (b'{"id": "a", "filter": {"label": "a", "label": "b"}}', "twice"),
        (b"{'id': 'a'}", "line 1, column 2; JSON has double quotes"),
        (b'{"id": "a",\n "k": }', "line 2, column 7"),
        ('{"id": "ä"}'.encode("utf-16"), "UTF-16"),
        ('{"id": "ä"}'.encode("utf-16-le"), "UTF-16"),
        ('{"id": "ä"}'.encode("utf-32"), "UTF-32"),
        ('{"id": "ä"}'.encode("latin-1"), "UTF-8"),
        (b'{"min_score": NaN}', "NaN"),
        (b'{"min_score": -Infinity}', "Infinity"),
        (b"", "empty"),
        (b"x", "line 1, column 1"),
        (b"[" * 100_000, "deeply"),
    ],
)
def test_what_is_no_json_is_told_why(client: TestClient, content: bytes, word: str) -> None:
    answer = client.post("/search", content=content, headers=JSON)
    check_problem(answer, 400, "unparseable")
    assert word in answer.json()["detail"]


def test_a_byte_order_mark_does_no_harm(client: TestClient) -> None:
    content = b"\xef\xbb\xbf" + json.dumps({"id": ITEM}).encode()
    assert client.post("/search", content=content, headers=JSON).status_code == 200
    fields = {"id": ITEM, "filter": '\ufeff{"label": "label-1"}'}
    assert client.post("/search", files={name: (None, text) for name, text in fields.items()}).status_code == 200


def test_one_bad_query_of_a_batch_is_refused_at_its_place(client: TestClient) -> None:
    queries = [{"id": ITEM}, {"id": ITEM, "k": 0}, 3, {"id": ITEM, "filter": {"label": []}}]
    answers = client.post("/search/batch", json={"queries": queries}).json()["answers"]
    assert [each.get("code", "answered") for each in answers] == [
        "answered",
        "invalid_parameter",
        "invalid_parameter",
        "answered",
    ]
    assert answers[1]["detail"] == "queries[1].k: must be at least 1."
    assert answers[2]["detail"] == "queries[2]: must be an object with names and values."
    assert detail_of(client, {"queries": []}, "/search/batch") == "queries: must not be empty."
    assert detail_of(client, {"queries": [{}] * 65}, "/search/batch") == "queries: may have at most 64 entries."


def test_a_list_in_a_form_is_one_part_or_a_part_for_each_entry(client: TestClient) -> None:
    hits = client.post("/search", json={"items": [{"id": ITEM}, {"id": OTHER}], "exclude": ["a", ITEM]}).json()["hits"]
    for parts in (
        [("items", json.dumps([{"id": ITEM}, {"id": OTHER}])), ("exclude", json.dumps(["a", ITEM]))],
        [
            ("items", json.dumps({"id": ITEM})),
            ("items", json.dumps({"id": OTHER})),
            ("exclude", "a"),
            ("exclude", ITEM),
        ],
        [("items", json.dumps({"id": ITEM})), ("items", json.dumps({"id": OTHER})), ("exclude", f'"{ITEM}"')],
    ):
        answer = client.post("/search", files=[(name, (None, text)) for name, text in parts])
        assert answer.json()["hits"] == hits, answer.text


@pytest.mark.parametrize(
    ("parts", "detail"),
    [
        ([("k", "1"), ("k", "2")], "k: it is sent twice; send each field once."),
        ([("lable", "x")], "A field is not known here"),
        ([("filter", "{")], "filter: send it as JSON; this is not well-formed JSON at line 1, column 2."),
        ([("filter", "null")], "filter: null says nothing; leave it out."),
        ([("k", "true")], "k: must be a whole number."),
        ([("items", "[{}]")], "items[0]: each needs exactly one of id, url and image_base64."),
    ],
)
def test_a_form_is_refused_in_the_same_words(client: TestClient, parts: list[tuple[str, str]], detail: str) -> None:
    files: list[tuple[str, Any]] = [("file", picture(1)), *((name, (None, text)) for name, text in parts)]
    answer = client.post("/search", files=files)
    check_problem(answer, 422, "invalid_parameter")
    assert answer.json()["detail"].startswith(detail)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
NAMES = st.sampled_from(
    [
        "id",
        "items",
        "k",
        "filter",
        "label",
        "attributes",
        "crop",
        "x",
        "not",
        "gte",
        "exclude",
        "weight",
        "queries",
        "é",
    ]
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(["/search", "/items", "/search/batch", "/explain", "/compare", "/faces"]),
    st.dictionaries(NAMES, VALUES),
)
def test_no_json_is_too_odd_to_be_answered(client: TestClient, path: str, body: dict[str, Any]) -> None:
    answer = client.post(path, content=json.dumps(body).encode("utf-8", "surrogatepass"), headers=JSON)
    assert answer.status_code < 500, answer.text
    if answer.status_code == 422:
        assert not any(word in answer.json()["detail"] for word in JARGON), answer.text


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "The body is empty; send a JSON object."),
        (b"\xef\xbb\xbf \n", "The body is empty; send a JSON object."),
        (gzip.compress(b"{}", mtime=0), "The body is packed with gzip; say so in the header Content-Encoding: gzip."),
    ],
)
def test_a_body_that_is_no_json_at_all_is_told_for_what_it_is(client: TestClient, body: bytes, detail: str) -> None:
    answer = client.post("/search", content=body, headers={"Content-Type": "application/json"})
    check_problem(answer, 400, "unparseable")
    assert answer.json()["detail"] == detail
