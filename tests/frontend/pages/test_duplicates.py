"""Duplicates: how far the search is, the groups of each tier, and what is done with them."""

import re

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from tests.frontend.fake_api import FakeApi, as_json, item, problem
from tests.frontend.fake_catalogue import DISMISSAL, IDS, duplicates, fill
from tests.frontend.pages.search.test_page import links

ITEMS = [item(name) for name in IDS]


@pytest.fixture(autouse=True)
def catalogue(api: FakeApi) -> FakeApi:
    return fill(api)


def test_while_the_search_runs_it_is_said_how_far_it_is(page: FlaskClient, api: FakeApi) -> None:
    api.replies["GET /duplicates"] = as_json({"state": "running", "step": "reading", "done": 420, "total": 1200}, 202)
    answer = page.get("/duplicates/")
    assert answer.status_code == 202
    assert "420 of 1,200" in answer.text
    assert '<progress max="1200" value="420">' in answer.text
    api.replies["GET /duplicates"] = as_json({"state": "running", "step": "reading", "done": 0, "total": 0}, 202)
    assert "<progress></progress>" in page.get("/duplicates/").text


def test_a_group_says_which_to_keep_and_why(page: FlaskClient) -> None:
    html = page.get("/duplicates/").text
    assert "1 group" in html
    assert html.count('<strong>Keep</strong> <span lang="en">the most pixels') == 1


@pytest.mark.parametrize(
    ("query", "ticked"),
    [
        ("", 2),
        ("?tier=same_picture", 0),
        ("?tier=same_thing", 0),
        ("?tier=same_thing&tick=all", 0),
        ("?tier=same_picture&tick=all", 2),
    ],
)
def test_only_what_loses_nothing_is_ticked_by_itself(page: FlaskClient, query: str, ticked: int) -> None:
    html = page.get(f"/duplicates/{query}").text
    assert html.count(" checked>") == ticked
    assert 'value="one" form="delete-selected">' in html, "the one to keep"


def test_of_the_same_thing_nothing_is_selected_at_once(page: FlaskClient) -> None:
    assert "Select all except" in page.get("/duplicates/?tier=same_picture").text
    assert "Select all except" not in page.get("/duplicates/?tier=same_thing").text


def test_tabs_say_how_many_groups_each_kind_has(page: FlaskClient) -> None:
    counts = re.findall(
        r'>([A-Z][a-z ]+?)(?: <span class="count">(\d+)</span>)?</a></li>', page.get("/duplicates/").text
    )
    assert counts[-3:] == [("Same file", "1"), ("Same picture", "7"), ("Same thing", "")]


def test_cards_say_what_differs_from_the_one_to_keep(page: FlaskClient, api: FakeApi) -> None:
    members = [item("one", label=None, width=150), item("two")]
    files = [{"id": "one", "bytes": 4800, "mirrored": True, "lossless": True}, {"id": "two", "bytes": 2_480_000}]
    group = {"keep": "two", "why": "the most pixels", "members": members, "files": files}
    api.replies["GET /duplicates"] = as_json(duplicates(members, groups=[group]))
    html = page.get("/duplicates/?tier=same_picture").text
    cards = html.split('<dl class="card">')[1:]
    assert "two" in cards[0], "the one to keep comes first"
    assert "data-differs" not in cards[0]
    for words in (
        "no label</dd>",
        "150 \N{MULTIPLICATION SIGN} 400</span>",
        "5\N{NO-BREAK SPACE}kB</span>",
        "mirrored, lossless</dd>",
    ):
        assert f"data-differs>{words}" in cards[1]
    assert 'data-compare="/pictures/full?id=two" data-with="/pictures/full?id=one" data-mirrored' in html


def test_what_is_known_of_copies_goes_to_the_one_that_is_kept(page: FlaskClient, api: FakeApi) -> None:
    members = '["one", "two", "three"]'
    form = {"id": ["two", "three"], "members": [members], "back": "/duplicates/"}
    asking = page.post("/duplicates/delete", data=form).text
    assert "Delete these 2 pictures?" in asking
    assert members.replace('"', "&#34;") in asking
    assert [request for request in api.requests if request.method != "GET"] == []
    page.post("/duplicates/delete", data=form | {"sure": "yes"})
    (merge,) = [request for request in api.requests if request.method != "GET"]
    assert (merge.target, merge.json) == ("/duplicates/merge", {"keep": "one", "delete": ["two", "three"]})
    api.requests.clear()
    page.post("/duplicates/delete", data={"id": ["one"], "members": [members], "sure": "yes"})
    assert api.requests[-1].json == {"keep": "two", "delete": ["one"]}
    page.post("/duplicates/delete", data={"id": ["one", "two"], "members": ['["one", "two"]'], "sure": "yes"})
    assert (api.requests[-1].target, api.requests[-1].json) == ("/items/delete", {"ids": ["one", "two"]})
    assert page.post("/duplicates/delete", data={"id": "one", "members": "one", "sure": "yes"}).status_code == 400


def test_a_label_that_most_others_have_is_one_click_away(page: FlaskClient, api: FakeApi) -> None:
    members = [item("one"), item("two"), item("three", label="Jug")]
    group = {"keep": "one", "why": "the first", "members": members, "probability": 0.97}
    api.replies["GET /duplicates"] = as_json(duplicates(members, groups=[group]))
    assert page.get("/duplicates/?tier=same_thing").text.count("Label as “Tall bottle”") == 1
    api.replies["PATCH /item?id=three"] = as_json(members[2])
    answer = page.post("/duplicates/label", data={"id": "three", "label": "Tall bottle", "offset": "20"})
    assert api.requests[-1].json == {"label": "Tall bottle", "attributes": {}}
    assert answer.location == "/duplicates/?tier=same_thing&offset=20&done=labelled"
    assert "The label is changed." in page.get(answer.location).text


def test_groups_come_in_pages(page: FlaskClient, api: FakeApi) -> None:
    further = duplicates(ITEMS, total_groups=45, next="/duplicates?offset=20", stale=True, unreadable=1)
    api.replies["GET /duplicates"] = as_json(further)
    html = page.get("/duplicates/?tier=same_picture").text
    assert "45 groups" in html
    assert "1 picture was left out" in html
    assert "has changed since" in html
    assert "/duplicates/?tier=same_picture&offset=20" in links(html)
    assert api.requests[-1].query == {
        "tier": ["same_picture"],
        "labels": ["different"],
        "offset": ["0"],
        "limit": ["20"],
    }
    assert "/duplicates/?tier=same_picture" in links(page.get("/duplicates/?tier=same_picture&offset=20").text)


def test_what_are_no_duplicates_is_remembered(page: FlaskClient, api: FakeApi) -> None:
    form = MultiDict([("id", name) for name in IDS] + [("tier", "same_thing"), ("offset", "20")])
    answer = page.post("/duplicates/dismiss", data=form)
    assert answer.location == "/duplicates/?tier=same_thing&offset=20"
    assert (api.requests[-1].target, api.requests[-1].json) == ("/duplicates/dismissed", {"ids": list(IDS)})
    assert page.post("/duplicates/dismiss", data={"id": "one", "tier": "identical"}).status_code == 400


def test_looking_again_begins_anew(page: FlaskClient, api: FakeApi) -> None:
    answer = page.post("/duplicates/refresh", data={"tier": "same_thing"})
    assert answer.location == "/duplicates/?tier=same_thing"
    assert api.requests[-1].target == "/duplicates/refresh"


def test_a_model_that_is_not_calibrated_says_so_and_keeps_the_other_tiers(page: FlaskClient, api: FakeApi) -> None:
    api.replies["GET /duplicates"] = problem(422, code="unsupported_by_model")
    answer = page.get("/duplicates/?tier=same_thing")
    assert answer.status_code == 200
    assert "This model cannot find these" in answer.text
    assert "/duplicates/?tier=same_picture" in links(answer.text)


def test_no_duplicates_are_good_news(page: FlaskClient, api: FakeApi) -> None:
    api.replies["GET /duplicates"] = as_json(duplicates([item("one")], total_groups=0, groups=[]))
    assert "There are no duplicates" in page.get("/duplicates/").text


@pytest.mark.parametrize("query", ["?tier=twins", "?offset=-1"])
def test_a_link_that_makes_no_sense_is_refused(page: FlaskClient, query: str) -> None:
    assert page.get(f"/duplicates/{query}").status_code == 400


@pytest.mark.parametrize("path", ["dismiss", "refresh"])
def test_another_site_changes_nothing(page: FlaskClient, api: FakeApi, path: str) -> None:
    assert page.post(f"/duplicates/{path}", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert api.requests == []


def test_dismissals_are_listed_and_undone(page: FlaskClient, api: FakeApi) -> None:
    assert "/duplicates/dismissed" in links(page.get("/duplicates/").text)
    html = page.get("/duplicates/dismissed?offset=20").text
    assert api.requests[-1].query == {"offset": ["20"], "limit": ["20"]}
    assert "Nov 25, 2026, 8:00\N{NARROW NO-BREAK SPACE}AM UTC" in html
    assert "1 of its pictures is deleted or replaced" in html
    assert all(f"/items/?id={name}" in links(html) for name in IDS[:2])
    assert f'name="dismissal" value="{DISMISSAL}"' in html

    answer = page.post("/duplicates/undo", data={"dismissal": DISMISSAL})
    assert (api.requests[-1].method, api.requests[-1].target) == ("DELETE", f"/duplicates/dismissed/{DISMISSAL}")
    assert "may be reported again" in page.get(answer.location).text


@pytest.mark.parametrize("dismissal", ["", ".", "../x", "a/b", "a" * 65])
def test_what_cannot_be_a_dismissal_never_reaches_the_api(page: FlaskClient, api: FakeApi, dismissal: str) -> None:
    assert page.post("/duplicates/undo", data={"dismissal": dismissal}).status_code == 404
    assert api.requests == []
