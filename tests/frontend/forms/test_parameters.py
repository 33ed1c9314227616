"""Unknown parameters are refused on every route, with the nearest known name; and HEAD works wherever GET does."""

from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from frontend.languages.catalogues import script_messages
from frontend.web.assets import digest_of, joined_scripts, joined_styles
from tests.frontend.conftest import AppFor
from tests.frontend.fake_api import TALL_PNG, FakeApi, Reply
from tests.frontend.fake_catalogue import ENTRIES, fill

GET_PATHS = {
    "search.start": "/",
    "search.by_link": "/search?id=one",
    "suggestions.of_words": "/search/suggestions?text=",
    "filters.choose": "/search/filters?id=one",
    "explanation.by_link": "/why?id=one&match=two",
    "export.download": "/search/matches.csv?id=one",
    "browse.start": "/browse/",
    "browse.clusters": "/browse/clusters",
    "browse.cluster": "/browse/clusters/5",
    "browse.chart": "/browse/map",
    "browse.points": "/browse/map/points",
    "items.show": "/items/?id=one",
    "add.start": "/add/",
    "bin.start": "/bin/",
    "bin.thumbnail": f"/bin/thumbnail?entry={ENTRIES[0]}&size=160",
    "duplicates.start": "/duplicates/",
    "duplicates.dismissed": "/duplicates/dismissed",
    "suggestions.of_labels": "/labels/",
    "wrong_labels.start": "/wrong-labels/",
    "models.start": "/models/",
    "models.compare": "/models/compare?id=one",
    "pictures.thumbnail": "/pictures/thumbnail?id=one&size=160",
    "pictures.full": "/pictures/full?id=one",
    "pictures.original": "/pictures/original?id=one",
    "reports.report": "/reports/20261122-demo/index.html",
    "assets.styles": f"/assets/{digest_of(joined_styles(('base',)))}/base.css",
    "assets.scripts": f"/assets/{digest_of(joined_scripts(('bin',)))}/bin.js",
    "languages.messages": f"/messages/de.{script_messages('de')[0]}.json",
    "static": "/static/css/tokens.css",
    "health.livez": "/livez",
    "health.readyz": "/readyz",
}
POST_PATHS: dict[str, dict[str, Any]] = {
    "/search": {"id": "one"},
    "/search/faces": {"id": "one"},
    "/why": {"match": "two"},
    "/add/": {"label": "x"},
    "/add/one": {"label": "x"},
    "/items/change": {"id": "one"},
    "/items/delete": {"id": "one"},
    "/items/undo": {"id": "one"},
    "/selection/label": {"id": "one", "new_label": "x"},
    "/selection/attribute": {"id": "one", "name": "x"},
    "/selection/delete": {"id": "one"},
    "/selection/export": {"id": "one"},
    "/selection/undo": {"change": "1"},
    "/feedback/": {"match": "one", "of": "two"},
    "/feedback/undo": {"entry": "1"},
    "/wrong-labels/decide": {"id": "one", "decision": "keep"},
    "/wrong-labels/undo": {"id": "one"},
    "/bin/restore": {"entry": ENTRIES[0]},
    "/bin/delete": {"entry": ENTRIES[0]},
    "/duplicates/delete": {"id": "one"},
    "/duplicates/label": {"id": "one", "label": "x"},
    "/duplicates/dismiss": {"id": ["one", "two"]},
    "/duplicates/refresh": {"tier": "identical"},
    "/duplicates/undo": {"dismissal": "549ffa06777154c68d68ed41e4a0ca51"},
    "/models/activate": {"id": "20261120-frozen"},
    "/models/compare": {"id": "one"},
    "/language": {"to": "de"},
}


@pytest.fixture(autouse=True)
def catalogue(api: FakeApi) -> FakeApi:
    fill(api)
    maps = {side: {"overlay_png_base64": "iVBORw0KGgo="} for side in ("query", "item")}
    api.replies |= {
        "POST /explain": Reply(body=b'{"cosine": 0.5, %s}' % str(maps)[1:-1].replace("'", '"').encode()),
        "GET /bundles/20261122-demo/report/index.html": Reply(body=b"<title>r</title>", media_type="text/html"),
        "GET /readyz": Reply(body=b"{}"),
    }
    return api


def with_parameter(path: str, parameter: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}{parameter}"


def test_every_route_is_in_these_tests(app_for: AppFor) -> None:
    app = app_for("http://127.0.0.1:1")
    rules = list(app.url_map.iter_rules())
    assert {rule.endpoint for rule in rules if "GET" in (rule.methods or ())} == set(GET_PATHS)
    assert {rule.rule for rule in rules if "POST" in (rule.methods or ())} == set(POST_PATHS)
    assert {
        rule.endpoint for rule in rules if not hasattr(app.view_functions[rule.endpoint], "known_parameters")
    } == set()


@pytest.mark.parametrize("path", GET_PATHS.values())
def test_an_unknown_parameter_of_a_link_is_refused(page: FlaskClient, api: FakeApi, path: str) -> None:
    with page.get(path) as answer:
        assert answer.status_code == 200
    api.requests.clear()
    answer = page.get(with_parameter(path, "lable=x"))
    assert answer.status_code == 422
    assert "“lable”" in answer.text
    assert api.requests == []


@pytest.mark.parametrize("path", GET_PATHS.values())
def test_links_with_tracking_parameters_open(page: FlaskClient, path: str) -> None:
    tracking = "utm_source=a&utm_medium=b&utm_x=c&fbclid=1&fbclid=2&gclid=1&ref=mail"
    with page.get(with_parameter(path, tracking)) as answer:
        assert answer.status_code == 200


@pytest.mark.parametrize(("path", "fields"), POST_PATHS.items())
def test_an_unknown_field_of_a_form_is_refused(
    page: FlaskClient, api: FakeApi, path: str, fields: dict[str, Any]
) -> None:
    for wrong in ({"lable": "x"}, {"utm_source": "x"}, {"picture": (BytesIO(TALL_PNG), "me.png")}):
        assert page.post(path, data=fields | wrong).status_code == 422
    assert page.post(f"{path}?k=5", data=fields).status_code == 422, "a form's fields are not read from the link"
    assert api.requests == []


@pytest.mark.parametrize(
    ("link", "hint"),
    [
        ("/search?id=one&lable=x", "Did you mean “label”?"),
        ("/search?id=one&metrik=x", "Did you mean “metric”?"),
        ("/search?id=one&leats.price=1", "Did you mean “least.price”?"),
        ("/browse/?page=2", "Known are after, "),
        ("/browse/?filter[label]=x", "“filter[label]”"),
        ("/browse/?k=20", "“k”"),
        ("/livez?verbose", "It takes no parameters."),
        ("/search?id=one&" + "x" * 500 + "=1", "x" * 60 + "…"),
    ],
)
def test_the_nearest_known_name_is_told(page: FlaskClient, link: str, hint: str) -> None:
    answer = page.get(link)
    assert (answer.status_code, hint in answer.text) == (422, True)


@pytest.mark.parametrize("link", ["/search?id=one&id=two", "/search?id=one&k=5&k=6", "/browse/?least.a=1&least.a=2"])
def test_several_values_where_one_is_possible_are_refused(page: FlaskClient, link: str) -> None:
    answer = page.get(link)
    assert (answer.status_code, "several values" in answer.text) == (422, True)


@pytest.mark.parametrize(
    "link",
    [
        "/browse/clusters?page=x",
        "/browse/clusters?page=-1",
        "/duplicates/?offset=x",
        "/duplicates/?offset=-1",
        "/duplicates/?tick=some",
        "/duplicates/?tier=all",
        "/items/?id=one&done=never",
        "/models/?live=yes",
    ],
)
def test_a_value_that_is_not_understood_is_refused(page: FlaskClient, api: FakeApi, link: str) -> None:
    assert page.get(link).status_code == 400


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/items/change", {"id": "one", "name": ["a", "b"], "kind": "text", "value": "x"}),
        ("/items/change", {"id": "one", "name": "a", "kind": "integer", "value": "1"}),
        ("/items/delete", {"id": "one", "sure": "no"}),
        ("/duplicates/dismiss", {"id": ["one", "two"], "offset": "x"}),
    ],
)
def test_a_field_that_is_not_understood_is_refused(
    page: FlaskClient, api: FakeApi, path: str, fields: dict[str, Any]
) -> None:
    assert page.post(path, data=fields).status_code == 400
    assert all(request.method == "GET" for request in api.requests), "nothing is changed"


def test_the_same_value_twice_is_one(page: FlaskClient) -> None:
    assert page.get("/search?id=one&id=one&label=a&label=b").status_code == 200


@pytest.mark.parametrize("path", [*GET_PATHS.values(), "/nowhere", "/search?id=one&x=1"])
def test_head_says_what_get_would(page: FlaskClient, path: str) -> None:
    with page.get(path) as got, page.head(path) as head:
        assert head.data == b""
        assert head.status_code == got.status_code
        names = {"Content-Type", "Content-Length", "Content-Security-Policy", "Cache-Control", "ETag", "Location"}
        assert {name: head.headers.get(name) for name in names} == {name: got.headers.get(name) for name in names}
