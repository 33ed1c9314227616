"""Who is let in: keys and their scopes, how fast they may ask, and a server that does not start open by mistake."""

import json
import subprocess
import sys
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from api.errors import Refusal
from api.main import create_app
from api.security.keys import ApiKey, Bucket, Keys, Scope, digest_of, new_key, setting_for
from api.settings import Settings
from tests.api.conftest import OpenApi, Shop
from tests.conftest import ROOT, environment

SCOPES: tuple[Scope, ...] = ("read", "write", "admin")
KEYS = {scope: new_key() for scope in SCOPES}
OPEN = {"/livez", "/readyz"}


def entry(scope: Scope, **changes: Any) -> ApiKey:
    return ApiKey(name=f"the-{scope}", scope=scope, sha256=digest_of(KEYS[scope]), **changes)


def sending(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def refused(keys: Keys, key: str | None, scope: Scope) -> str | None:
    try:
        keys.check(key, scope)
    except Refusal as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize("held", KEYS)
@pytest.mark.parametrize("needed", KEYS)
def test_each_scope_may_do_what_the_lower_ones_may(held: Scope, needed: Scope) -> None:
    keys = Keys([entry(scope) for scope in KEYS], needed=True, rate_per_minute=0)
    order = list(KEYS)
    expected = None if order.index(held) >= order.index(needed) else "insufficient_scope"
    assert refused(keys, KEYS[held], needed) == expected


def test_a_request_without_a_good_key_is_turned_away_and_told_what_to_send(shop: Shop, open_api: OpenApi) -> None:
    client = open_api(artifacts=shop.artifacts, api_keys=(entry("read"),))
    missing = client.get("/items")
    assert (missing.status_code, missing.json()["code"]) == (401, "key_missing")
    assert missing.headers["www-authenticate"] == "Bearer"
    for wrong in (new_key(), KEYS["read"][:-1], KEYS["read"] + "x", "", "\xe9"):
        answer = client.get("/items", headers={b"Authorization": f"Bearer {wrong}".encode("latin-1")})
        assert answer.status_code == 401
        assert not wrong or wrong not in answer.text
    assert client.get("/items", headers={"Authorization": f"Basic {KEYS['read']}"}).json()["code"] == "key_missing"
    assert client.get("/items", headers=sending(KEYS["read"])).status_code == 200


def test_every_operation_needs_a_key_but_the_two_about_health(shop: Shop, open_api: OpenApi) -> None:
    client = open_api(artifacts=shop.artifacts, api_keys=(entry("admin"),))
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            answer = client.request(method, path.replace("{", "").replace("}", ""))
            assert (answer.status_code == 401) == (path not in OPEN), (method, path)
            assert ("401" in operation["responses"]) == ("security" in operation) == (path not in OPEN)
            if path not in OPEN:
                (needed,) = operation["security"]
                examples = operation["responses"]["403"]["content"]["application/problem+json"]["examples"]
                assert ("insufficient_scope" in examples) == (needed["key"] != ["read"])


def test_no_picture_is_read_before_the_key_is_known(shop: Shop, open_api: OpenApi) -> None:
    client = open_api(artifacts=shop.artifacts, api_keys=(entry("read"),), upload_limit_bytes=1000)
    assert client.post("/search", files={"file": bytes(2000)}).status_code == 401
    assert client.post("/search", files={"file": bytes(2000)}, headers=sending(KEYS["read"])).status_code == 413


# --- how fast


def test_a_key_that_asks_too_fast_waits_as_long_as_it_is_told_to() -> None:
    now = 100.0
    keys = Keys([entry("read"), entry("write")], needed=True, rate_per_minute=30, clock=lambda: now)
    assert [refused(keys, KEYS["read"], "read") for _ in range(31)] == [None] * 30 + ["rate_limited"]
    assert refused(keys, KEYS["write"], "read") is None  # another key has its own
    with pytest.raises(Refusal) as refusal:
        keys.check(KEYS["read"], "read")
    assert refusal.value.headers == {"Retry-After": "2"}
    now += 2
    assert [refused(keys, KEYS["read"], "read") for _ in range(2)] == [None, "rate_limited"]


def test_a_key_may_have_a_rate_of_its_own(shop: Shop, open_api: OpenApi) -> None:
    held = (entry("read"), entry("write", rate_per_minute=0), entry("admin", rate_per_minute=2))
    client = open_api(artifacts=shop.artifacts, api_keys=held, rate_per_minute=1)
    for scope, allowed in zip(SCOPES, (1, 5, 2), strict=True):
        answers = [client.get("/items", headers=sending(KEYS[scope])) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200] * allowed + [429] * (5 - allowed)
        assert all(int(answer.headers["retry-after"]) > 0 for answer in answers if answer.status_code == 429)


@given(st.integers(1, 600), st.lists(st.floats(0, 5), min_size=1, max_size=200))
def test_no_more_pass_than_a_minutes_worth_and_what_flowed_in(rate: int, waits: list[float]) -> None:
    bucket, now, passed = Bucket(rate, 0.0), 0.0, [0.0]
    for wait in waits:
        now += wait
        needed = bucket.take(now)
        if not needed:
            passed.append(now)
        else:
            assert bucket.take(now + needed * 1.000001) == 0  # waiting as told is enough
            now += needed * 1.000001
            passed.append(now)
    assert len(passed) - 1 <= rate * (1 + now / 60) + 1
    assert all(later >= earlier for earlier, later in pairwise(passed))


# --- the settings


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.1.2.3"])
def test_on_loopback_no_key_is_needed_until_there_is_one(host: str) -> None:
    assert not Settings(api_host=host).keys_needed
    assert Settings(api_host=host, api_keys=(entry("read"),)).keys_needed


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "shop.example"])  # noqa: S104
def test_where_others_can_reach_it_keys_are_needed_unless_switched_off_by_name(host: str) -> None:
    with pytest.raises(ValidationError, match="lookalike api key NAME --scope write"):
        Settings(api_host=host)
    assert Settings(api_host=host, api_keys=(entry("read"),)).keys_needed
    assert not Settings(api_host=host, keys="off").keys_needed


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValidationError, match="take one of the two away"):
        Settings(keys="off", api_keys=(entry("read"),))
    with pytest.raises(ValidationError, match="has no keys"):
        Settings(keys="on")
    with pytest.raises(ValidationError, match="same name"):
        Settings(api_keys=(entry("read"), entry("read")))


def test_the_server_says_why_it_does_not_start() -> None:
    env = environment(LOOKALIKE_API_HOST="0.0.0.0")  # noqa: S104
    done = subprocess.run([sys.executable, "-m", "api"], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "0.0.0.0" in done.stderr  # noqa: S104
    assert "LOOKALIKE_KEYS=off" in done.stderr
    env = environment(LOOKALIKE_API_KEYS="secret")
    done = subprocess.run([sys.executable, "-m", "api"], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, "LOOKALIKE_API_KEYS" in done.stderr, "secret" in done.stderr) == (2, True, False)


def test_the_key_that_is_printed_is_accepted(shop: Shop, open_api: OpenApi) -> None:
    command = [sys.executable, "-m", "api", "key", "the-shop", "--scope", "write"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    (key,) = [line.strip() for line in done.stdout.splitlines() if line.startswith("  lookalike_")]
    (setting,) = [line.strip() for line in done.stdout.splitlines() if line.startswith("  LOOKALIKE_API_KEYS=")]
    held = [ApiKey(**entry) for entry in json.loads(setting.split("=", 1)[1].strip("'"))]
    assert [(entry.name, entry.scope) for entry in held] == [("the-shop", "write")]
    assert key not in setting
    client = open_api(artifacts=shop.artifacts, api_keys=tuple(held))
    assert client.get("/items", headers=sending(key)).status_code == 200


def test_keys_are_long_and_never_the_same() -> None:
    made = {new_key() for _ in range(1000)}
    assert len(made) == 1000
    assert min(map(len, made)) >= 43
    with pytest.raises(ValidationError):
        setting_for("it's", "read", new_key())


# --- pages of other origins


def test_only_listed_origins_may_call_from_a_browser(shop: Shop, open_api: OpenApi) -> None:
    ours, theirs = "https://shop.example", "https://elsewhere.example"
    client = open_api(artifacts=shop.artifacts, cors_origins=(ours,), api_keys=(entry("read"),))
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "Authorization"}
    allowed = client.options("/search", headers={"Origin": ours, **asking})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, ours)
    assert "authorization" in allowed.headers["access-control-allow-headers"].lower()
    assert client.options("/search", headers={"Origin": theirs, **asking}).status_code == 400
    assert "access-control-allow-origin" not in client.get("/items", headers={"Origin": theirs}).headers
    refused = client.get("/items", headers={"Origin": ours})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, ours)
    assert "Retry-After" in refused.headers["access-control-expose-headers"]


def test_without_a_list_no_page_of_another_origin_may(shop: Shop, open_api: OpenApi) -> None:
    answer = open_api(artifacts=shop.artifacts).get("/items", headers={"Origin": "https://shop.example"})
    assert "access-control-allow-origin" not in answer.headers


HERE = "http://testserver"
THERE = "https://evil.example"
TRUSTED = "https://shop.example"


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ({}, True),  # no browser
        ({"Origin": HERE}, True),
        ({"Origin": HERE, "Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "https://behind.a.proxy", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Origin": TRUSTED, "Sec-Fetch-Site": "cross-site"}, True),
        ({"Origin": THERE, "Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "http://testserver:81", "Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": THERE}, False),
        ({"Origin": "http://testserver:81"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": ""}, False),
        ({"Origin": "http://["}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "anything"}, False),
    ],
)
def test_a_page_of_another_site_may_look_but_change_nothing(
    shop: Shop, open_api: OpenApi, headers: dict[str, str], let_in: bool
) -> None:
    client = open_api(artifacts=shop.artifacts, cors_origins=(TRUSTED,))
    item = client.get("/items?limit=1", headers=headers).json()["items"][0]["id"]
    changes = [
        client.patch(f"/item?id={quote(item, safe='')}", json={}, headers=headers),
        client.post("/items", files={"file": b"no picture"}, headers=headers),
        client.delete("/items?dry_run=true", headers=headers),
        client.post("/bundles/nothing/activate", headers=headers),
    ]
    refused = ["cross_origin_refused" if let_in is False else None] * len(changes)
    assert [each.json().get("code") if each.status_code == 403 else None for each in changes] == refused
    assert client.post("/search", json={"id": item}, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("testserver", True),
        ("localhost:8000", True),
        ("127.0.0.1", True),
        ("[::1]:8000", True),
        ("10.0.0.7:80", True),
        ("shop.localhost", True),
        ("search.example.com:8000", True),
        ("evil.example", False),
        ("localhost.evil.example:8000", False),
        ("127.0.0.1.evil.example", False),
        ("127.0.0.1:80@evil.example", False),
        ("[", False),
        ("EVIL.example.", False),
    ],
)
def test_without_keys_no_domain_of_a_stranger_leads_here(shop: Shop, open_api: OpenApi, host: str, known: bool) -> None:
    client = open_api(artifacts=shop.artifacts, hosts=("search.example.com",))
    answer = client.get("/items?limit=1", headers={"Host": host})
    assert (answer.status_code, answer.json().get("code")) == ((200, None) if known else (403, "cross_origin_refused"))


def test_with_keys_it_answers_to_any_name(shop: Shop, open_api: OpenApi) -> None:
    client = open_api(artifacts=shop.artifacts, api_keys=(entry("read"),))
    assert client.get("/items", headers=sending(KEYS["read"]) | {"Host": "any.example"}).status_code == 200


def test_where_all_origins_are_trusted_so_are_their_changes(shop: Shop, open_api: OpenApi) -> None:
    client = open_api(artifacts=shop.artifacts, cors_origins=("*",))
    answer = client.post("/bundles/nothing/activate", headers={"Origin": THERE, "Sec-Fetch-Site": "cross-site"})
    assert answer.json()["code"] == "bundle_missing"


def test_the_document_is_the_same_with_keys_and_without() -> None:
    assert create_app(Settings()).openapi() == create_app(Settings(api_keys=(entry("read"),))).openapi()
