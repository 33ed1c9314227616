"""Models: their figures, which is live, and two of them side by side."""

import re
from io import BytesIO

import pytest
from flask.testing import FlaskClient

from tests.frontend.fake_api import TALL_PNG, FakeApi, Reply, as_json, hit, matches, problem
from tests.frontend.fake_catalogue import BUNDLES, bundles, fill
from tests.frontend.pages.search.test_page import links

SIDES = f"left={BUNDLES[1]}&left_metric=cosine&right={BUNDLES[0]}&right_metric=euclidean"


@pytest.fixture(autouse=True)
def catalogue(api: FakeApi) -> FakeApi:
    return fill(api)


def searches(api: FakeApi) -> list[dict[str, object]]:
    return [request.json for request in api.requests if request.target == "/search"]


def test_every_model_comes_with_its_figures_and_its_report(page: FlaskClient) -> None:
    html = page.get("/models/").text
    for bundle in BUNDLES:
        assert f"/reports/{bundle}/index.html" in links(html)
    rows = re.findall(
        r"<tr( class=selected)?><th scope=\"row\">(\w+)</th><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td>", html
    )
    assert ("", "frozen", "0.360", "0.570", "120") in rows
    assert (" class=selected", "finetune", "0.820", "0.870", "120") in rows
    assert "It was not measured" in html


def test_a_newer_model_is_made_live_and_an_older_one_rolled_back_to(page: FlaskClient) -> None:
    cards = page.get("/models/").text.split("<li")
    of = {name: next(card for card in cards if f"<h2>{name}</h2>" in card) for name in BUNDLES}
    assert "Make this live" in of[BUNDLES[0]]
    assert "/models/activate" not in of[BUNDLES[1]], "it is live"
    assert "Roll back to this" in of[BUNDLES[2]]


def test_activating_asks_the_api_and_says_that_it_is_done(page: FlaskClient, api: FakeApi) -> None:
    answer = page.post("/models/activate", data={"id": BUNDLES[2]})
    assert (api.requests[-1].method, api.requests[-1].target) == ("POST", f"/bundles/{BUNDLES[2]}/activate")
    assert "is live now" in page.get(answer.location).text


@pytest.mark.parametrize(("status", "code"), [(403, "insufficient_scope"), (401, "key_missing")])
def test_without_an_admin_key_it_is_said_what_is_needed(
    page: FlaskClient, api: FakeApi, status: int, code: str
) -> None:
    api.replies[f"POST /bundles/{BUNDLES[2]}/activate"] = problem(status, code=code)
    answer = page.post("/models/activate", data={"id": BUNDLES[2]})
    assert answer.status_code == 403
    assert "scope admin" in answer.text
    assert "<table>" in answer.text, "the models are still there"


def test_a_model_that_takes_its_time_to_load_is_no_failure(hasty_page: FlaskClient, api: FakeApi) -> None:
    api.replies[f"POST /bundles/{BUNDLES[2]}/activate"] = Reply(hangs=True)
    answer = hasty_page.post("/models/activate", data={"id": BUNDLES[2]})
    assert answer.status_code == 202
    assert "goes live by itself" in answer.text


def test_before_the_first_training_it_is_said_what_to_do(page: FlaskClient, api: FakeApi) -> None:
    api.replies["GET /bundles"] = as_json({"bundles": []})
    assert "There is no model yet" in page.get("/models/").text
    assert "no model to search with" in page.get("/models/compare").text


def test_two_ways_to_search_are_asked_the_same(page: FlaskClient, api: FakeApi) -> None:
    page.get(f"/models/compare?id=one&k=5&{SIDES}")
    query = {"id": "one", "k": 5}
    assert searches(api) == [
        query | {"metric": "cosine", "bundle": BUNDLES[1]},
        query | {"metric": "euclidean", "bundle": BUNDLES[0]},
    ]


def test_the_overlap_is_counted_and_each_match_says_where_the_other_has_it(page: FlaskClient, api: FakeApi) -> None:
    answers = [
        matches(*(hit(name, n, label=name) for n, name in enumerate(names, start=1)), bundle=bundle)
        for names, bundle in ((["a", "b", "c", "d"], BUNDLES[1]), (["c", "x", "a", "y"], BUNDLES[0]))
    ]
    replies = iter(map(as_json, answers))
    del api.replies["POST /search"]
    fallback = api.fallback
    api.fallback = lambda request: next(replies) if request.target == "/search" else fallback(request)
    html = page.get(f"/models/compare?id=one&{SIDES}").text
    assert "2 of 4" in html
    assert "overlap@10: 0.50" in html
    said = re.findall(r'<p class="label">(\w)</p>.*?<p class="hint">(.*?)</p>', html, re.DOTALL)
    assert said == [
        ("a", "also right, as match 3"),
        ("b", "only here"),
        ("c", "also right, as match 1"),
        ("d", "only here"),
        ("c", "also left, as match 3"),
        ("x", "only here"),
        ("a", "also left, as match 1"),
        ("y", "only here"),
    ]


def test_a_picture_of_ones_own_is_sent_to_both(page: FlaskClient, api: FakeApi) -> None:
    picture_form = {
        "file": (BytesIO(TALL_PNG), "me.png"),
        "left": BUNDLES[1],
        "right": BUNDLES[1],
        "right_metric": "euclidean",
    }
    html = page.post("/models/compare", data=picture_form).text
    forms = [request.form for request in api.requests if request.target == "/search"]
    assert [(form["file"], form["metric"], form["bundle"]) for form in forms] == [
        (TALL_PNG, b"cosine", BUNDLES[1].encode()),
        (TALL_PNG, b"euclidean", BUNDLES[1].encode()),
    ]
    assert 'src="data:image/png;base64,' in html


def test_changed_sides_keep_the_item_and_are_a_link(page: FlaskClient) -> None:
    answer = page.post("/models/compare", data={"id": "one", "left": "a", "right": "b", "k": "20"})
    assert answer.status_code == 303
    assert answer.location == "/models/compare?id=one&k=20&left=a&left_metric=cosine&right=b&right_metric=cosine"
    assert page.post("/models/compare", data={"left": "a"}).status_code == 400


def test_what_there_is_to_compare_is_chosen_already(page: FlaskClient, api: FakeApi) -> None:
    start = f"/models/compare?id=one&k=10&left={BUNDLES[1]}&left_metric=cosine&right={BUNDLES[0]}&right_metric=cosine"
    assert start in links(page.get("/models/compare").text), "the live one and the other one that is loaded"
    api.replies["GET /bundles"] = as_json({"bundles": [bundles()[1]]})
    html = page.get("/models/compare").text
    assert "LOOKALIKE_BUNDLES=all" in html
    assert "/models/compare?id=one&k=10&left=&left_metric=cosine&right=&right_metric=euclidean" in links(html)


@pytest.mark.parametrize("query", ["k=7", "k=all", "left_metric=manhattan"])
def test_a_link_that_makes_no_sense_is_refused(page: FlaskClient, query: str) -> None:
    assert page.get(f"/models/compare?id=one&{query}").status_code == 400


def test_another_site_changes_nothing(page: FlaskClient, api: FakeApi) -> None:
    foreign = {"Sec-Fetch-Site": "same-site"}
    assert page.post("/models/activate", data={"id": BUNDLES[2]}, headers=foreign).status_code == 403
    assert api.requests == []
