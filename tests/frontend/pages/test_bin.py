"""The bin: what it lists, what it restores, and what it deletes for good."""

import pytest
from flask.testing import FlaskClient

from tests.frontend.fake_api import FakeApi, as_json, item, problem
from tests.frontend.fake_catalogue import ENTRIES, bin_page, fill
from tests.frontend.pages.search.test_page import links


@pytest.fixture(autouse=True)
def catalogue(api: FakeApi) -> FakeApi:
    return fill(api)


def bodies_of(api: FakeApi, target: str) -> list[object]:
    return [request.json for request in api.requests if request.target == target]


def test_it_lists_what_was_deleted_and_until_when(page: FlaskClient, api: FakeApi) -> None:
    api.replies["GET /bin"] = as_json(bin_page([item("one")], next=f"/bin?limit=60&cursor={ENTRIES[1]}"))
    html = page.get("/bin/").text
    assert "stay here for 30 days" in html
    assert "Nov 25, 2026, 8:00\N{NARROW NO-BREAK SPACE}AM UTC" in html
    assert ">Dec 25, 2026<" in html
    assert f"/bin/thumbnail?entry={ENTRIES[0]}&size=320" in html.replace("&amp;", "&")
    assert f"/bin/?after={ENTRIES[1]}" in links(html)
    page.get(f"/bin/?after={ENTRIES[1]}")
    assert api.requests[-1].query == {"limit": ["60"], "cursor": [ENTRIES[1]]}
    assert "/bin/" in links(page.get("/browse/").text)


def test_a_thumbnail_is_passed_on(page: FlaskClient) -> None:
    answer = page.get(f"/bin/thumbnail?entry={ENTRIES[0]}&size=160")
    assert (answer.status_code, answer.mimetype) == (200, "image/png")
    assert page.get(f"/bin/thumbnail?entry={ENTRIES[0]}&size=99").status_code == 404
    assert page.get("/bin/thumbnail?entry=../x&size=160").status_code == 404


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ({"entry": list(ENTRIES)}, {"entries": list(ENTRIES)}),
        ({"entry": list(ENTRIES), "only": ENTRIES[1]}, {"entries": [ENTRIES[1]]}),
        ({"id": ["one", "two"]}, {"ids": ["one", "two"]}),
    ],
)
def test_pictures_are_restored(page: FlaskClient, api: FakeApi, form: dict[str, object], body: object) -> None:
    answer = page.post("/bin/restore", data=form)
    assert bodies_of(api, "/bin/restore") == [body]
    assert "in the catalogue again" in page.get(answer.location).text


def test_of_several_those_are_restored_that_can_be_and_the_others_named(page: FlaskClient, api: FakeApi) -> None:
    taken = problem(409, code="item_exists", detail="entries[0]: there is an item of this id again.")
    api.replies["POST /bin/restore"] = taken
    answer = page.post("/bin/restore", data={"entry": list(ENTRIES)})
    assert answer.status_code == 409
    assert "Pictures in the catalogue again: 0. Not restored: 2." in answer.text
    assert "there is an item of this id again" in answer.text
    assert bodies_of(api, "/bin/restore") == [{"entries": list(ENTRIES)}, *({"entries": [entry]} for entry in ENTRIES)]


def test_nothing_is_deleted_for_good_without_a_question(page: FlaskClient, api: FakeApi) -> None:
    asking = page.post("/bin/delete", data={"entry": ENTRIES[0]})
    assert "Delete 1 picture for good?" in asking.text
    assert bodies_of(api, "/bin/delete") == []
    done = page.post("/bin/delete", data={"entry": ENTRIES[0], "sure": "yes"})
    assert bodies_of(api, "/bin/delete") == [{"entries": [ENTRIES[0]]}]
    assert "1 picture is deleted for good" in page.get(done.location).text
    assert "Delete 2 pictures for good?" in page.post("/bin/delete", data={"everything": "yes"}).text
    page.post("/bin/delete", data={"everything": "yes", "sure": "yes"})
    assert [request.target for request in api.requests if request.method == "DELETE"] == ["/bin"]


@pytest.mark.parametrize("entry", [".", "../x", "a/b", "a" * 65])
def test_what_cannot_be_an_entry_never_reaches_the_api(page: FlaskClient, api: FakeApi, entry: str) -> None:
    assert page.post("/bin/restore", data={"entry": entry}).status_code == 404
    assert page.get("/bin/", query_string={"after": entry}).status_code == 404
    assert api.requests == []
