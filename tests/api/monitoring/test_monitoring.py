"""Metrics, statistics and logs: what they tell of requests, and what no log may hold."""

import base64
import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from api.monitoring import logs
from api.search import service
from api.security.keys import ApiKey, digest_of, new_key
from tests.api.conftest import OpenApi, Shop
from tests.api.test_errors import CANARY, REFUSED
from tests.support.bundles import picture

ITEM = "shelf 0/piece-000"
DATA = picture(77)


@pytest.fixture
def client(shop: Shop, open_api: OpenApi) -> TestClient:
    """An API that nobody has asked yet."""
    return open_api(artifacts=shop.artifacts)


def metrics(client: TestClient) -> dict[tuple[str, frozenset[str]], float]:
    """Every sample by its name and the values of its labels."""
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(answer.text)
    return {(each.name, frozenset(each.labels.values())): each.value for family in families for each in family.samples}


def value(client: TestClient, name: str, *labels: str) -> float:
    return metrics(client)[name, frozenset(labels)]


def test_requests_are_counted_by_operation_and_status(client: TestClient) -> None:
    assert client.post("/search", json={"id": ITEM}).status_code == 200
    assert client.post("/search", json={"id": "absent"}).status_code == 404
    assert client.get("/nowhere").status_code == 404
    values = metrics(client)
    assert values["lookalike_requests_total", frozenset({"search", "200"})] == 1
    assert values["lookalike_requests_total", frozenset({"search", "404"})] == 1
    assert values["lookalike_requests_total", frozenset({"none", "404"})] == 1
    assert values["lookalike_request_seconds_count", frozenset({"search"})] == 2
    assert value(client, "lookalike_requests_total", "get_metrics", "200") == 1, "this one is not over yet"


def test_a_mistake_of_the_server_is_counted(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(service, "search", fails)
    assert client.post("/search", json={"id": ITEM}).status_code == 500
    assert value(client, "lookalike_requests_total", "search", "500") == 1


def test_searches_are_measured_step_by_step(client: TestClient) -> None:
    answers = [client.post("/search", files={"file": DATA}, data={"metric": "euclidean"}).json() for _ in range(3)]
    answers.append(client.get("/search", params={"id": ITEM, "probes": 1}).json())
    batch = client.post("/search/batch", json={"queries": [{"id": ITEM}, {"id": "absent"}]}).json()["answers"]
    values = metrics(client)
    for step in ("decode", "encode", "search", "total"):
        assert values["lookalike_search_step_seconds_count", frozenset({step})] == 4
        spent = sum(answer["milliseconds"][step] for answer in answers) / 1000
        assert values["lookalike_search_step_seconds_sum", frozenset({step})] == pytest.approx(spent)
    assert values["lookalike_searches_total", frozenset({"euclidean", "true"})] == 3
    assert values["lookalike_searches_total", frozenset({"cosine", str(answers[3]["exact"]).lower()})] >= 1
    opened = [answer["clusters_opened"] for answer in (*answers, batch[0])]
    assert values["lookalike_clusters_opened_sum", frozenset()] == sum(opened)
    assert values["lookalike_remembered_total", frozenset({"tiny", "hit"})] == 2
    assert values["lookalike_remembered_total", frozenset({"tiny", "miss"})] == 1


def test_states_are_told_as_they_are(client: TestClient) -> None:
    values = metrics(client)
    assert values["lookalike_catalogue_items", frozenset()] == 60
    assert values["lookalike_vectors", frozenset({"tiny"})] == 60
    assert values["lookalike_clusters", frozenset({"tiny"})] == 6
    assert values["lookalike_bundle_info", frozenset({"tiny", "frozen", "float32", "true"})] == 1
    states = ("ready", "degraded", "queue_waiting", "queue_places", "workers_busy")
    assert [values[f"lookalike_{state}", frozenset()] for state in states] == [1, 0, 0, 64, 0]


def test_metrics_are_told_while_nothing_can_be_searched(shop: Shop, open_api: OpenApi) -> None:
    client = open_api(artifacts=shop.artifacts / "nowhere", wait=False)
    assert value(client, "lookalike_ready") == 0
    assert client.get("/stats").json()["steps"] == []


def test_two_applications_count_for_themselves(client: TestClient, shop: Shop, open_api: OpenApi) -> None:
    client.post("/search", json={"id": ITEM})
    other = open_api(artifacts=shop.artifacts)
    assert ("lookalike_requests_total", frozenset({"search", "200"})) not in metrics(other)


def test_stats_say_where_the_time_went(client: TestClient) -> None:
    empty = client.get("/stats").json()
    assert (empty["searches"], empty["steps"], empty["exact_share"]) == (0, [], None)
    answers = [client.post("/search", files={"file": picture(number)}).json() for number in range(5)]
    stats = client.get("/stats").json()
    assert (stats["searches"], stats["latest"], stats["exact_share"], stats["remembered_share"]) == (5, 5, 1, 0)
    steps = {step["step"]: step for step in stats["steps"]}
    totals = sorted(answer["milliseconds"]["total"] for answer in answers)
    assert steps["total"]["p50"] == totals[2]
    assert steps["total"]["share"] == 1
    assert totals[2] <= steps["total"]["p95"] <= steps["total"]["p99"] <= totals[4]
    assert sum(steps[step]["share"] for step in ("decode", "encode", "search", "rest")) == pytest.approx(1, abs=0.01)
    share = sum(answer["clusters_opened"] / answer["clusters_total"] for answer in answers) / 5
    assert stats["clusters_opened_share"] == pytest.approx(share, abs=1e-4)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a server with JSON logs writes."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers = root.handlers[:]
    levels = {name: logging.getLogger(name).level for name in ("", *logs.OURS, logs.REQUESTS)}
    logs.configure("json")
    for handler in root.handlers:
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(stream)
    yield stream
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_each_request_is_a_line_of_json_under_its_id(client: TestClient, written: io.StringIO) -> None:
    answer = client.post("/search", json={"id": ITEM})
    (line,) = [each for each in lines(written) if each["logger"] == "api.requests"]
    assert (line["operation"], line["method"], line["status"], line["level"]) == ("search", "POST", 200, "info")
    assert line["request_id"] == answer.headers["x-request-id"]
    assert line["milliseconds"] > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["time"])


def test_what_the_pool_logs_is_of_its_request(
    client: TestClient, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        logging.getLogger("somewhere").warning("about to fail")
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(service, "search", fails)
    about = client.post("/search", json={"id": ITEM}).headers["x-request-id"]
    entries = {each["logger"]: each for each in lines(written)}
    assert {entries[name]["request_id"] for name in ("somewhere", "api.web.middleware", "api.requests")} == {about}
    assert "ZeroDivisionError: a mistake" in entries["api.web.middleware"]["error"]
    assert entries["api.requests"]["status"] == 500


def test_no_log_holds_what_was_sent(shop: Shop, open_api: OpenApi, written: io.StringIO) -> None:
    key, wrong = new_key(), new_key()
    entry = ApiKey(name="reader", scope="read", sha256=digest_of(key))
    client = open_api(artifacts=shop.artifacts, api_keys=(entry,))
    picture_base64 = base64.b64encode(DATA).decode()
    for key_text in (key, wrong):
        client.headers["Authorization"] = f"Bearer {key_text}"
        for request, _, _ in REFUSED.values():
            client.post("/search", **request)
        client.get("/search", params={"id": CANARY, "filter": json.dumps({"label": CANARY})})
        client.get(f"/item?id={CANARY}")
        client.get(f"/{CANARY}?{CANARY}={CANARY}")
        client.post("/search", json={"image_base64": picture_base64})
        client.post("/search", json={"image_base64": picture_base64[:-5] + "!" + CANARY})
        client.post("/search/batch", json={"queries": [{"image_base64": picture_base64[:200], "label": CANARY}]})
        client.post("/explain", json={"image_base64": picture_base64[:600], "item": CANARY})
    text = written.getvalue()
    assert len(lines(written)) > 60
    for secret in (key, wrong, CANARY, picture_base64[:40], picture_base64[-40:]):
        assert secret not in text


def test_plain_lines_are_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    record = logging.LogRecord("api.serving.engine", logging.INFO, "", 0, "serving %d items", (5,), None)
    assert re.fullmatch(r"[\d-]+ [\d:,]+ INFO api.serving.engine: serving 5 items", logs.PlainLines().format(record))
    token = logs.request_id.set("abc")
    assert logs.PlainLines().format(record).endswith("serving 5 items (request abc)")
    logs.request_id.reset(token)
