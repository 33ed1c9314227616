"""Searches with words: which items have them, in pages, under filters; what completes a text; what is near a typo."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import OpenApi, Shop
from tests.api.search.test_query import ITEM
from tests.api.test_errors import check_problem
from tests.support.bundles import picture


@pytest.fixture
def own_client(own_shop: Shop, open_api: OpenApi) -> TestClient:
    """Of a shop with three more pieces."""
    client = open_api(artifacts=own_shop.artifacts)
    pieces: dict[str, dict[str, Any]] = {
        "new/one": {"label": "Café am Fluß", "attributes": {"colour": "Bottle green", "year": 1999}},
        "new/two": {"label": "Amphora", "attributes": {"colour": "green"}},
        "new/three": {"label": "アンフォラ 赤", "attributes": {"colour": "greenish"}},
    }
    for number, (name, described) in enumerate(pieces.items(), start=300):
        form = {"id": name, "label": described["label"], "attributes": json.dumps(described["attributes"])}
        answer = client.post("/items", data=form, files={"file": ("a.png", picture(number))})
        assert answer.status_code == 201, answer.text
    return client


def find(client: TestClient, text: str, **more: Any) -> list[str]:
    answer = client.post("/search", json={"text": text, **more})
    assert answer.status_code == 200, answer.text
    assert answer.json()["text_search"] == "words"
    return [hit["id"] for hit in answer.json()["hits"]]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("cafe", ["new/one"]),
        ("CAFÉ fluss", ["new/one"]),
        ("cafe\u0301", ["new/one"]),
        ("amph", ["new/two"]),
        ("green", ["new/one", "new/two", "new/three"]),  # whole words before beginnings
        ("gree amph", ["new/two"]),
        ("green cafe three", []),
        ("アンフ", ["new/three"]),
        ("three new", ["new/three"]),
        ('green" OR amphora*', []),
        ("green amphora'", ["new/two"]),
    ],
)
def test_items_that_have_all_words_are_hits(own_client: TestClient, text: str, ids: list[str]) -> None:
    assert find(own_client, text) == ids


def test_words_follow_what_is_written(own_client: TestClient) -> None:
    change = own_client.patch("/item", params={"id": "new/two"}, json={"label": "Krater", "attributes": {"a": "Öl"}})
    assert change.status_code == 200, change.text
    assert (find(own_client, "amphora"), find(own_client, "krater ol")) == ([], ["new/two"])
    assert own_client.get("/suggest", params={"text": "amph"}).json()["suggestions"] == []
    assert own_client.delete("/item", params={"id": "new/two"}).status_code == 204
    assert find(own_client, "krater") == []
    assert own_client.get("/suggest", params={"text": "krat"}).json() == {
        "suggestions": [],
        "near_words": [{"word": "krat", "near": []}],
    }


def test_every_way_to_ask_brings_the_same(own_client: TestClient) -> None:
    expected = find(own_client, "green")
    batch = own_client.post("/search/batch", json={"queries": [{"text": "green"}, {"id": ITEM}, {"text": "!"}]})
    first, second, third = batch.json()["answers"]
    assert second["text_search"] is None
    assert third["code"] == "invalid_parameter"
    by_form = own_client.post("/search/file", files={"text": (None, "green")})
    answers = [own_client.get("/search?text=green").json(), by_form.json(), first]
    for answer in answers:
        assert [hit["id"] for hit in answer["hits"]] == expected
        assert [hit["score"] for hit in answer["hits"]] == [1, 1, 0.5]
        assert answer["metric"] is None
        assert {answer["hits"][0][name] for name in ("cosine", "euclidean", "cluster", "match_probability")} == {None}


def test_filters_exclusions_and_pages(own_client: TestClient) -> None:
    assert find(own_client, "green", filter={"label": "Amphora"}) == ["new/two"]
    assert find(own_client, "green", exclude=["new/one", "absent"]) == ["new/two", "new/three"]
    assert find(own_client, "green", offset=1, k=1) == ["new/two"]
    page = own_client.get("/search", params={"text": "green", "k": 1}).json()
    whole, ids = own_client.get(page["link"]).json(), []
    assert [page["total"], len(whole["hits"]), page["offset"]] == [3, 1, 0]
    while True:
        ids += [(hit["rank"], hit["id"]) for hit in page["hits"]]
        if page["next"] is None:
            break
        assert page["next_cursor"] is not None
        page = own_client.get(page["next"]).json()
    assert ids == [(1, "new/one"), (2, "new/two"), (3, "new/three")]


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"group_by": "label"}, "group_by"),
        ({"min_score": 0.5}, "min_score"),
        ({"min_precision": 0.5}, "min_precision"),
        ({"metric": "fused"}, "metric"),
        ({"expand": 3}, "expand"),
        ({"crop": {"x": 0, "y": 0, "width": 0.5, "height": 0.5}}, "crop"),
        ({"id": ITEM}, "exactly one"),
        ({"text": "?!"}, "no word"),
        ({"text": " ".join(f"w{number}" for number in range(17))}, "16"),
        ({"text": "a" * 1001}, "text"),
    ],
)
def test_what_words_cannot_be_searched_with_is_refused(client: TestClient, more: dict[str, Any], word: str) -> None:
    answer = client.post("/search", json={"text": "green", **more})
    check_problem(answer, 422, "invalid_parameter")
    assert word in answer.json()["detail"]


def test_a_cursor_of_words_stands_alone_and_is_checked(own_client: TestClient) -> None:
    cursor = own_client.get("/search", params={"text": "green", "k": 1}).json()["next_cursor"]
    for more in ({"text": "green"}, {"id": ITEM}, {"offset": 2}, {"group_by": "label"}):
        check_problem(own_client.post("/search", json={"cursor": cursor, **more}), 422, "invalid_parameter")
    assert len(own_client.post("/search", json={"cursor": cursor}).json()["hits"]) == 2


def test_known_words_near_a_wrong_one_are_told(own_client: TestClient) -> None:
    answer = own_client.get("/search", params={"text": "gren amfora"}).json()
    assert answer["hits"] == []
    near = {each["word"]: each["near"] for each in answer["near_words"]}
    assert near["amfora"][0] == "amphora"
    assert "green" in near["gren"] or find(own_client, "gren")


def test_a_text_is_completed_by_labels_and_values(own_client: TestClient) -> None:
    def suggest(text: str, **more: Any) -> list[tuple[str | None, str, int]]:
        answer = own_client.get("/suggest", params={"text": text, **more})
        assert answer.status_code == 200, answer.text
        return [tuple(each.values()) for each in answer.json()["suggestions"]]

    assert suggest("cafe f") == [(None, "Café am Fluß", 1)]
    assert suggest("gree") == [("colour", "Bottle green", 1), ("colour", "green", 1), ("colour", "greenish", 1)]
    assert len(suggest("gree", limit=2)) == 2
    assert suggest("gree", labels_only=True) == []
    assert suggest("cafe f", labels_only=True) == [(None, "Café am Fluß", 1)]
    check_problem(own_client.get("/suggest", params={"text": "?"}), 422, "invalid_parameter")
    check_problem(own_client.get("/suggest"), 422, "invalid_parameter")
