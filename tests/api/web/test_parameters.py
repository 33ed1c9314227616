"""Query parameters: what no route reads is refused, with the nearest name, on every route and by every method."""

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from api.settings import Settings
from tests.api.test_errors import CANARY, check_problem

OPERATIONS = [
    (method.upper(), path.replace("{id}", "tiny").replace("{name}", "index.html").replace("{number}", "0"))
    for path, methods in create_app(Settings()).openapi()["paths"].items()
    for method in methods
    if path not in ("/livez", "/readyz")
]

UNDOCUMENTED = ("/openapi.json", "/docs", "/docs/oauth2-redirect", "/static-offline-docs/swagger-ui.css")


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_operation_refuses_a_parameter_that_it_does_not_read(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path, params={f"{CANARY}[x]": CANARY})
    check_problem(answer, 422, "invalid_parameter")
    assert "parameter" in answer.json()["detail"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", UNDOCUMENTED)
def test_routes_outside_the_document_refuse_parameters_too(client: TestClient, method: str, path: str) -> None:
    assert client.request(method, path).status_code == 200
    answer = client.request(method, path, params={"x": "1"})
    assert answer.status_code == 422
    if method == "GET":
        check_problem(answer, 422, "invalid_parameter")


def test_no_route_is_outside_these_tests() -> None:
    app = create_app(Settings())
    documented = set(app.openapi()["paths"])
    others = {path for route in app.routes if (path := getattr(route, "path", "")) and path not in documented}
    assert others == {"/openapi.json", "/docs", "/docs/oauth2-redirect", "/static-offline-docs"}


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_health_checks_may_add_what_they_like(client: TestClient, path: str) -> None:
    assert client.get(path, params={"_": "1"}).status_code == 200


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("items?limitt=3", ["did you mean limit?", "Known: cursor, filter, limit, order."]),
        ("items?Order=id", ["did you mean order?"]),
        ("items?page=2", ["Known: cursor, filter, limit, order."]),
        ("items?lable=x", ['filter={"label": "amphora"}']),
        ("items?filter[label]=x", ["did you mean filter?", 'filter={"label": "amphora"}']),
        ("facets?filter%5Blabel%5D=x", ["did you mean filter?"]),
        ("labels?filter.label=x", ["did you mean filter?"]),
        ("search?id=a&filter[label]=x", ["did you mean filter?"]),
        ("search?id=a&limit=3", ["Known: bundle, crop, cursor"]),
        ("duplicates?teir=identical", ["did you mean tier?"]),
        ("map?limits=3", ["did you mean limit?"]),
        ("item/thumbnail?id=a&siez=160", ["did you mean size?"]),
        ("items?limit=5&limit=6", ["limit: it is sent 2 times"]),
        ("search?id=a&id=b", ["id: it is sent 2 times"]),
    ],
)
def test_the_nearest_name_is_told(client: TestClient, query: str, words: list[str]) -> None:
    answer = client.get(f"/{query}")
    check_problem(answer, 422, "invalid_parameter")
    for each in words:
        assert each in answer.json()["detail"]


def test_a_misspelt_dry_run_deletes_nothing(client: TestClient) -> None:
    before = client.get("/items").json()["total"]
    for query in (
        "filter={}&dryrun=true",
        "filter={}&dry_run=true&dry_run=false",
        "filter[label]=x",
        "filter={}&filter={}",
    ):
        check_problem(client.delete(f"/items?{query}"), 422, "invalid_parameter")
    assert client.get("/items").json()["total"] == before


@pytest.mark.parametrize("text", ["5", " 5", "5.0", "+5", "%2B5", "5%20", "5e0", "0.5E1", "50e-1"])
def test_a_number_in_a_link_may_be_written_as_people_write_it(client: TestClient, text: str) -> None:
    assert len(client.get(f"/items?limit={text}").json()["items"]) == 5


@pytest.mark.parametrize(
    "text", ["", "5.5", "1_0", "0x5", "five", "true", "nan", "1e", "5e-1", "\N{ARABIC-INDIC DIGIT FIVE}"]
)
def test_what_is_no_whole_number_is_said_to_be_none(client: TestClient, text: str) -> None:
    detail = client.get("/labels", params={"limit": text}).json()["detail"]
    assert detail == "limit: must be a whole number."
