"""What was found and said holds for pictures, not for the ids that they had; and what was said can be undone."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import OpenApi
from tests.api.duplicates.test_duplicates import PIECES, done, members, shot, write
from tests.api.test_errors import check_problem

BY_ID = {piece.id: piece.data for piece in PIECES}
THREE = ["copies/0", "copies/0-small", "shelf/0"]
TWO = ["copies/1-flipped", "shelf/1"]


@pytest.fixture
def client(tmp_path: Path, open_api: OpenApi) -> Iterator[TestClient]:
    opened = open_api(artifacts=write(tmp_path))
    done(opened)
    yield opened


def replace(client: TestClient, id_: str, data: bytes) -> None:
    """Another picture under an id."""
    assert client.delete("/item", params={"id": id_}).status_code == 204
    assert client.post("/items", files={"file": data}, data={"id": id_}).status_code == 201


def dismiss(client: TestClient, *ids: str) -> str:
    answer = client.post("/duplicates/dismissed", json={"ids": ids})
    assert (answer.status_code, answer.content) == (204, b"")
    return str(answer.headers["Location"])


def dismissals(client: TestClient, **params: int) -> Any:
    answer = client.get("/duplicates/dismissed", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refreshed(client: TestClient, **params: str) -> list[list[str]]:
    client.post("/duplicates/refresh")
    return members(done(client, **params))


# --- groups and counts


def test_another_picture_under_an_id_is_no_copy_of_what_the_old_one_was(client: TestClient) -> None:
    replace(client, "copies/0", shot(500))
    identical = done(client, tier="identical")
    assert (identical["groups"], identical["total_groups"], identical["next"]) == ([], 0, None)
    pictures = done(client)
    assert members(pictures) == [["copies/0-small", "shelf/0"], TWO]
    replace(client, "shelf/1", shot(501))
    pictures = done(client)
    assert (members(pictures), pictures["total_groups"]) == ([["copies/0-small", "shelf/0"]], 1)
    assert refreshed(client) == [["copies/0-small", "shelf/0"]]


def test_the_one_to_keep_is_chosen_of_those_that_are_still_copies(client: TestClient) -> None:
    (group, _) = done(client)["groups"]
    assert group["keep"] == "copies/0"
    replace(client, "copies/0", shot(500))
    (group, _) = done(client)["groups"]
    assert group["keep"] == "shelf/0"


def test_the_same_picture_again_under_its_id_is_a_copy_as_before(client: TestClient) -> None:
    before = done(client)
    replace(client, "copies/0", BY_ID["copies/0"])
    after = done(client)
    assert members(after) == members(before)


def test_the_counts_are_those_of_the_groups_on_all_pages(client: TestClient) -> None:
    first = done(client, limit=1)
    assert (first["total_groups"], first["next"] is None) == (2, False)
    client.delete("/item", params={"id": "shelf/1"})
    first = done(client, limit=1)
    assert (first["total_groups"], first["next"]) == (1, None)
    assert members(first) == [THREE]


def test_a_file_that_was_changed_where_it_lies_is_no_copy(tmp_path: Path, open_api: OpenApi) -> None:
    artifacts = write(tmp_path)
    (artifacts / "own.jpg").write_bytes(shot(500))
    with closing(sqlite3.connect(artifacts / "catalogue.sqlite")) as database, database:
        database.execute("UPDATE items SET location = 'own.jpg' WHERE id = 'copies/0'")
    client = open_api(artifacts=artifacts)
    identical = done(client, tier="identical")
    assert (identical["groups"], identical["unreadable"]) == ([], 1)
    assert members(done(client)) == [["copies/0-small", "shelf/0"], TWO]


# --- dismissals


def test_a_dismissal_does_not_hold_for_another_picture_under_the_id(client: TestClient) -> None:
    dismiss(client, *TWO)
    assert members(done(client)) == [THREE]
    replace(client, "copies/1-flipped", shot(1, half=True))  # also a copy of shelf/1, but not the one that was meant
    assert refreshed(client) == [THREE, TWO]
    replace(client, "copies/1-flipped", BY_ID["copies/1-flipped"])
    assert refreshed(client) == [THREE], "as it is the very picture again"


def test_a_dismissal_holds_for_the_same_picture_under_another_id(client: TestClient) -> None:
    dismiss(client, *TWO)
    client.delete("/item", params={"id": "copies/1-flipped"})
    client.post("/items", files={"file": BY_ID["copies/1-flipped"]}, data={"id": "moved/1"})
    assert refreshed(client) == [THREE]


def test_a_dismissal_of_copies_of_one_file_holds_for_these_items(client: TestClient) -> None:
    dismiss(client, "shelf/0", "copies/0")
    assert members(done(client, tier="identical")) == []
    client.post("/items", files={"file": BY_ID["shelf/0"]}, data={"id": "third/0"})
    assert refreshed(client, tier="identical") == [["copies/0", "third/0"]], "of which nothing was said"


def test_dismissals_are_listed_the_latest_first_and_say_what_is_gone(client: TestClient) -> None:
    assert dismissals(client) == {"dismissals": [], "total": 0, "next": None}
    first, second = dismiss(client, *TWO), dismiss(client, *THREE)
    assert dismiss(client, *reversed(TWO)) == first, "it was said before"
    listed = dismissals(client)
    assert (listed["total"], listed["next"]) == (2, None)
    assert [f"/duplicates/dismissed/{each['id']}" for each in listed["dismissals"]] == [second, first]
    assert [[item["id"] for item in each["items"]] for each in listed["dismissals"]] == [THREE, TWO]
    assert listed["dismissals"][1]["items"][1] == client.get("/item", params={"id": "shelf/1"}).json()
    assert all(each["created"].endswith("Z") and each["gone"] == 0 for each in listed["dismissals"])
    replace(client, "shelf/0", shot(502))
    client.delete("/item", params={"id": "copies/0"})
    assert [(len(each["items"]), each["gone"]) for each in dismissals(client)["dismissals"]] == [(1, 2), (2, 0)]
    page = dismissals(client, limit=1)
    assert [each["id"] for each in page["dismissals"]] == [listed["dismissals"][0]["id"]]
    following = client.get(page["next"]).json()
    assert [each["id"] for each in following["dismissals"]] == [listed["dismissals"][1]["id"]]
    assert (following["total"], following["next"]) == (2, None)


def test_a_dismissal_is_undone_for_every_server(client: TestClient, tmp_path: Path, open_api: OpenApi) -> None:
    place = dismiss(client, *TWO)
    another = open_api(artifacts=tmp_path)
    assert members(done(another)) == [THREE]
    answer = client.delete(place)
    assert (answer.status_code, answer.content) == (204, b"")
    assert members(done(client)) == members(done(another)) == [THREE, TWO]
    assert dismissals(another)["total"] == 0
    check_problem(client.delete(place), 404, "dismissal_missing")
    check_problem(client.delete("/duplicates/dismissed/nothing"), 404, "dismissal_missing")


def test_one_said_and_another_undone_at_once_is_noticed(client: TestClient) -> None:
    """There are as many dismissals as before."""
    place = dismiss(client, *TWO)
    assert members(done(client)) == [THREE]
    time.sleep(0.001)
    dismiss(client, "copies/0-small", "shelf/0")
    client.delete(place)
    assert members(done(client)) == [["copies/0", "copies/0-small"], TWO]


def test_an_id_that_is_no_item_leaves_nothing_dismissed(client: TestClient) -> None:
    answer = client.post("/duplicates/dismissed", json={"ids": [*TWO, "nowhere"]})
    check_problem(answer, 404, "item_missing")
    assert dismissals(client)["total"] == 0


def test_links_begin_with_the_public_path(tmp_path: Path, open_api: OpenApi) -> None:
    client = open_api(artifacts=write(tmp_path), api_public_url="https://shop.example/lookalike")
    done(client)
    assert done(client, limit=1)["next"].startswith("/lookalike/duplicates?")
    assert dismiss(client, *TWO).startswith("/lookalike/duplicates/dismissed/")
    dismiss(client, *THREE)
    assert dismissals(client, limit=1)["next"] == "/lookalike/duplicates/dismissed?offset=1&limit=1"
