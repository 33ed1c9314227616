"""GET /groups against a plain count over all items: labels and groups, the largest first, page by page."""

import base64
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import OpenApi
from tests.api.test_errors import check_problem
from tests.support.bundles import Piece, face_stage, picture, portrait, write_artifacts

NAMES = ["Ada", "Bob", "Cy", None, None, None]


@pytest.fixture
def client(tmp_path: Path, open_api: OpenApi) -> TestClient:
    """Forty faces: three names of different numbers of items, groups of those without one, and some alone."""
    people = []
    for n in range(40):
        name = NAMES[n % 6] if n % 4 else None
        group = {"face_group": f"group-{n % 7}"} if name is None and n % 5 else {}
        people.append(Piece(f"face-{n:02}", portrait(n), name, {**group, "year": n}))
    write_artifacts(tmp_path, people, faces=face_stage())
    return open_api(artifacts=tmp_path)


def counted(client: TestClient) -> list[dict[str, Any]]:
    """Slowly, from every item."""
    members: dict[tuple[int, str], list[str]] = defaultdict(list)
    for item in client.get("/items", params={"limit": 200}).json()["items"]:
        if item["label"] is not None:
            members[0, item["label"]].append(item["id"])
        if "face_group" in item["attributes"]:
            members[1, item["attributes"]["face_group"]].append(item["id"])
    rows = sorted(members.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [
        {
            "label": None if kind else name,
            "group": name if kind else None,
            "count": len(ids),
            "sample": sorted(ids)[:5],
        }
        for (kind, name), ids in rows
    ]


@pytest.mark.parametrize("kind", [None, "label", "group"])
@pytest.mark.parametrize("limit", [1, 2, 3, 200])
def test_people_are_those_of_all_items_page_by_page(client: TestClient, kind: str | None, limit: int) -> None:
    expected = [row for row in counted(client) if kind is None or row[kind] is not None]
    assert len(expected) >= 3
    params: dict[str, Any] = {"limit": limit} | ({} if kind is None else {"kind": kind})
    answer = client.get("/groups", params=params).json()
    people = list(answer["people"])
    while answer["next"]:
        assert answer["total"] == len(expected)
        assert len(answer["people"]) == limit
        by_cursor = client.get("/groups", params={**params, "cursor": answer["next_cursor"]}).json()
        answer = client.get(answer["next"]).json()
        assert by_cursor == answer
        people += answer["people"]
    assert people == expected
    assert answer["next_cursor"] is None


def test_who_is_named_leaves_the_group(client: TestClient) -> None:
    group = client.get("/groups", params={"kind": "group"}).json()["people"][0]
    first = group["sample"][0]
    named = client.patch("/item", params={"id": first}, json={"label": "Ada"}).json()
    assert "face_group" not in named["attributes"]
    after = {row["group"] or row["label"]: row["count"] for row in client.get("/groups").json()["people"]}
    assert after[group["group"]] == group["count"] - 1
    assert counted(client) == client.get("/groups", params={"limit": 200}).json()["people"]


def test_the_items_of_a_group_are_found_by_a_filter(client: TestClient) -> None:
    (group, *_) = client.get("/groups", params={"kind": "group"}).json()["people"]
    wanted = json.dumps({"attributes": {"face_group": group["group"]}})
    listed = client.get("/items", params={"filter": wanted}).json()
    assert listed["total"] == group["count"]
    assert [item["id"] for item in listed["items"]][:5] == group["sample"]


@pytest.mark.parametrize(
    "params", [{"limit": 0}, {"limit": 201}, {"kind": "face"}, {"cursor": "x"}, {"cursor": "W10"}, {"page": 2}]
)
def test_what_is_not_understood_is_refused(client: TestClient, params: dict[str, Any]) -> None:
    check_problem(client.get("/groups", params=params), 422, "invalid_parameter")


@pytest.mark.parametrize("content", ['["a", 0, "b"]', '[1, 2, "b"]', "[1, 0, 2]", '[-1, 0, "b"]', '[1, 0, "\\u0000"]'])
def test_a_cursor_of_something_else_is_refused(client: TestClient, content: str) -> None:

    cursor = base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")
    check_problem(client.get("/groups", params={"cursor": cursor}), 422, "invalid_parameter")


def test_a_model_that_compares_whole_pictures_has_no_people(tmp_path: Path, open_api: OpenApi) -> None:
    write_artifacts(tmp_path, [Piece(f"{n}", picture(n), "x", {}) for n in range(12)])
    check_problem(open_api(artifacts=tmp_path).get("/groups"), 422, "unsupported_by_model")
