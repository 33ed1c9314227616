"""Every setting is checked against what it can match; a mistake is one line that says what to write."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.environment import OTHER_NAMES, InvalidSettings, load_settings, warnings
from api.security.keys import digest_of
from api.settings import OLD_NAMES, Settings
from frontend.environment import unknown_settings
from frontend.settings import Settings as PageSettings
from tests.conftest import ROOT, environment

KEY = f'{{"name": "a", "scope": "read", "sha256": "{digest_of("k")}"}}'

# The value of a setting, and what the message says of it, which is often what to write instead.
WRONG = [
    ("CORS_ORIGINS", "https://shop.example/", "https://shop.example"),
    ("CORS_ORIGINS", "https://shop.example/path", "https://shop.example"),
    ("CORS_ORIGINS", "https://shop.example?x=1", "https://shop.example"),
    ("CORS_ORIGINS", "https://shop.example:443", "https://shop.example"),
    ("CORS_ORIGINS", "shop.example", "https://shop.example"),
    ("CORS_ORIGINS", "localhost:3000", "has no scheme"),
    ("CORS_ORIGINS", "https://*.shop.example", "wildcard"),
    ("CORS_ORIGINS", "https://shop.example, https://other.example/", "https://other.example"),
    ("CORS_ORIGINS", "null", "sandboxed"),
    ("CORS_ORIGINS", "https://me:pw@shop.example", "no password"),
    ("CORS_ORIGINS", "https://shop.example:99999", "URL"),
    ("CORS_ORIGINS", '["https://shop.example"', "well-formed JSON"),
    ("HOSTS", "http://search.example.com", "search.example.com"),
    ("HOSTS", "search.example.com/lookalike", "search.example.com"),
    ("HOSTS", "search.example.com:8080", "search.example.com"),
    ("HOSTS", "*.example.com", "wildcard"),
    ("HOSTS", "search example.com", "host name"),
    ("HOSTS", "search..example.com", "host name"),
    ("API_HOST", "http://0.0.0.0", "host name"),
    ("API_HOST", "0.0.0.0:8000", "LOOKALIKE_API_PORT"),
    ("API_HOST", "[::1]:8000", "LOOKALIKE_API_PORT"),
    ("API_HOST", "*", "listen on all"),
    ("API_PORT", "0", "1"),
    ("API_PORT", "http", "whole number"),
    ("API_PORT", "tcp://10.0.0.1:8000", "enableServiceLinks"),
    ("API_PUBLIC_URL", "search.example.com/api", "https://"),
    ("API_PUBLIC_URL", "ftp://search.example.com", "https://"),
    ("API_PUBLIC_URL", "https://search.example.com/api?x", "?"),
    ("API_PUBLIC_URL", "https://search.example.com/a//b", "slashes"),
    ("API_PUBLIC_URL", "https://search.example.com/a/../b", "slashes"),
    ("API_PUBLIC_URL", "https://me:pw@search.example.com", "password"),
    ("TRUSTED_PROXIES", "10.0.0.1/8", "10.0.0.0/8"),
    ("TRUSTED_PROXIES", "proxy.internal", "not an IP address"),
    ("TRUSTED_PROXIES", "*", "not an IP address"),
    ("KEEP_ALIVE_SECONDS", "0", "1"),
    ("KEYS", "yes", "'auto', 'on' or 'off'"),
    ("API_KEYS", "lookalike_abc", "lookalike api key NAME"),
    ("API_KEYS", '["lookalike_abc"]', "lookalike api key NAME"),
    ("API_KEYS", '[{"name": "a", "scope": "read"}]', "sha256: is missing"),
    ("API_KEYS", f"[{KEY}, {KEY}]", "the same name"),
    ("RATE_PER_MINUTE", "60", "add keys"),
    ("RATE_PER_MINUTE", "-1", "0"),
    ("UPLOAD_LIMIT_BYTES", "20 MB", "whole number"),
    ("UPLOAD_LIMIT_BYTES", "0", "greater than 0"),
    ("FETCH_URLS", "perhaps", "true or false"),
    ("FETCH_SECONDS", "nan", "300"),
    ("FETCH_SECONDS", "inf", "300"),
    ("FETCH_ALLOWED", "images.internal:80", "an address and a port"),
    ("FETCH_ALLOWED", "10.0.0.1", "an address and a port"),
    ("FETCH_SHARE", "17", "16"),
    ("WORKERS", "0", "1"),
    ("WORKERS", "100000", "512"),
    ("WRITE_WORKERS", "2.5", "whole number"),
    ("WRITE_SECONDS", "0", "greater than 0"),
    ("BUNDLES", "../other", "not the id of a bundle"),
    ("CATALOGUE_URL", "postgres://host/items", "postgresql://"),
    ("CATALOGUE_URL", "mysql://host/items", "sqlite:///"),
    ("CATALOGUE_URL", "sqlite://", "names no file"),
    ("CATALOGUE_URL", "sqlite:///:memory:", "names no file"),
    ("CATALOGUE_URL", "/srv/catalogue.sqlite", "sqlite:///"),
    ("ARTIFACTS", "pyproject.toml", "is a file, not a folder"),
    ("BATCHING", "sometimes", "'auto', 'on' or 'off'"),
    ("LOG_FORMAT", "text", "'plain' or 'json'"),
]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("LOOKALIKE_"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(("name", "value", "part"), WRONG)
def test_a_value_that_can_never_match_is_refused(
    name: str, value: str, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv(f"LOOKALIKE_{name}", value)
    with pytest.raises(InvalidSettings) as refused:
        load_settings(os.environ)
    message = str(refused.value)
    assert message.startswith(f"LOOKALIKE_{name}")
    assert part in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (
            "CORS_ORIGINS",
            "https://Shop.Example, http://localhost:3000",
            ("https://shop.example", "http://localhost:3000"),
        ),
        ("CORS_ORIGINS", '["https://shop.example"]', ("https://shop.example",)),
        ("CORS_ORIGINS", "http://[::1]:3000", ("http://[::1]:3000",)),
        ("CORS_ORIGINS", "chrome-extension://abcdef", ("chrome-extension://abcdef",)),
        ("CORS_ORIGINS", "*", ("*",)),
        ("HOSTS", "Search.Example.com,shop", ("search.example.com", "shop")),
        ("HOSTS", "bücher.example", ("xn--bcher-kva.example",)),
        ("API_HOST", "[::1]", "::1"),
        ("API_PUBLIC_URL", "https://Search.example.com/lookalike/api/", "https://search.example.com/lookalike/api"),
        ("CATALOGUE_URL", "postgresql+psycopg://u:p@db/items", "postgresql+psycopg://u:p@db/items"),
        ("CATALOGUE_URL", "sqlite:///catalogue.sqlite", "sqlite:///catalogue.sqlite"),
        ("BUNDLES", "all", "all"),
        ("BUNDLES", "20261122-101500-a, b", ("20261122-101500-a", "b")),
        ("ARTIFACTS", "~/artifacts", Path.home() / "artifacts"),
        ("API_PORT", "", 8000),
    ],
)
def test_a_value_that_can_match_is_taken(
    name: str, value: str, expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"LOOKALIKE_{name}", value)
    assert getattr(load_settings(os.environ), name.lower()) == expected


def test_an_unknown_name_is_told_with_the_nearest_one() -> None:
    names = {"LOOKALIKE_CORS_ORIGIN": "x", "LOOKALIKE_UI_HOST": "y", "LOOKALIKE_API_SERVICE_HOST": "z", "PATH": "/bin"}
    (warning,) = warnings(names)
    assert warning.startswith("LOOKALIKE_CORS_ORIGIN is not a known setting and has no effect.")
    assert warning.endswith("Did you mean LOOKALIKE_CORS_ORIGINS?")
    assert "is now called LOOKALIKE_QUERY_CACHE_SIZE" in warnings({"LOOKALIKE_REMEMBERED": "1"})[0]


def test_each_service_knows_the_names_of_the_others() -> None:
    """Else both warn of what the other one reads."""
    of_page = {f"LOOKALIKE_{name.upper()}": "" for name in PageSettings.model_fields}
    of_api = {f"LOOKALIKE_{name.upper()}": "" for name in Settings.model_fields}
    assert warnings(of_page) == []
    assert unknown_settings(of_api | dict.fromkeys(OLD_NAMES, "")) == []
    assert unknown_settings({f"LOOKALIKE_{name.upper()}": "" for name in OTHER_NAMES}) == []


def test_the_process_ends_with_one_line_and_exit_code_2_before_anything_slow() -> None:
    settings = environment(LOOKALIKE_CORS_ORIGINS="https://shop.example/", LOOKALIKE_HOST="x")
    command = [sys.executable, "-X", "importtime", "-m", "api"]
    ran = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    imported: list[str] = []
    messages: list[str] = []
    for line in ran.stderr.splitlines():
        (imported if line.startswith("import time:") else messages).append(line)
    assert messages == [
        "LOOKALIKE_HOST is not a known setting and has no effect. Did you mean LOOKALIKE_HOSTS?",
        "python -m api: LOOKALIKE_CORS_ORIGINS.0: 'https://shop.example/' is not how browsers send an origin; "
        "write 'https://shop.example'",
    ]
    assert not any(slow in line for line in imported for slow in ("onnxruntime", "faiss", "sqlalchemy", "uvicorn"))
