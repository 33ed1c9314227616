"""Settings from the environment: mistakes in one line each, unknown names, and what is normalised."""

import json

import pytest

from frontend.__main__ import main
from frontend.environment import OTHER_SETTINGS, InvalidSettings, load_settings, unknown_settings
from frontend.settings import Settings

WRONG = [
    ("API_URL", "file:///etc/passwd", "http://"),
    ("API_URL", "localhost:8000", "http://"),
    ("API_URL", "http://", "http://"),
    ("API_URL", "http://api:port", "not a URL"),
    ("API_URL", "http://user:secret@api:8000", "user name"),
    ("API_URL", "http://api:8000/?key=1", "leave out ?"),
    ("API_URL", "http://api:8000/#", "leave out ?"),
    ("API_URL", "http://a b", "space"),
    ("API_URL", "http://bad..name", "host name"),
    ("UI_PORT", "70000", "must be less than or equal to 65535"),
    ("UI_PORT", "5000.5", "whole number"),
    ("UI_PORT", "http", "whole number"),
    ("UI_HOST", "http://127.0.0.1", "leave out the scheme"),
    ("UI_HOST", "127.0.0.1:5000", "has a port"),
    ("UI_HOST", "*", "to listen on all"),
    ("UI_HOST", "300.1.1.1/8", "not a host name"),
    ("UI_HOSTS", "https://search.example.com", "leave out the scheme"),
    ("UI_HOSTS", "search.example.com/", "leave out the scheme and the path"),
    ("UI_HOSTS", "search.example.com:8443", "give the name alone: search.example.com"),
    ("UI_HOSTS", "*.example.com", "wildcard"),
    ("UI_HOSTS", "search example.com", "not a host name"),
    ("UI_HOSTS", "-a.example.com", "not a host name"),
    ("UI_HOSTS", '["search.example.com"', "separate the entries by commas"),
    ("UI_HOSTS", '{"a": 1}', "separate the entries by commas"),
    ("UI_HOSTS", "[1]", "not a host name"),
    ("UI_HOSTS", '["a.example", 1]', "separate the entries by commas"),
    ("PUBLIC_URL", "search.example.com", "http://"),
    ("PUBLIC_URL", "https://example.com/a//b", "path"),
    ("PUBLIC_URL", "https://example.com/a/../b", "path"),
    ("PUBLIC_URL", "https://example.com/a%2Fb", "path"),
    ("PUBLIC_URL", "https://example.com/lookalike/?x=1", "leave out ?"),
    ("TRUSTED_PROXIES", "nginx", "not an IP address"),
    ("TRUSTED_PROXIES", "10.0.0.1/8", "write 10.0.0.0/8"),
    ("TRUSTED_PROXIES", "10.0.0.0/8,*", "not an IP address"),
    ("API_TIMEOUT_SECONDS", "0", "greater than 0"),
    ("API_TIMEOUT_SECONDS", "inf", "number"),
    ("API_TIMEOUT_SECONDS", "nan", "number"),
    ("UPLOAD_LIMIT_BYTES", "20MB", "whole number"),
    ("FRONTEND_API_KEY", "two words", "without spaces"),
]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment without any setting."""
    for name in (*Settings.model_fields, *OTHER_SETTINGS):
        monkeypatch.delenv(f"LOOKALIKE_{name.upper()}", raising=False)


@pytest.mark.parametrize(("name", "value", "words"), WRONG)
def test_a_wrong_setting_is_one_line_and_exit_code_2(
    name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"LOOKALIKE_{name}", value)
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith(f"LOOKALIKE_{name}: ")
    assert words in line
    assert "secret" not in line


def test_every_wrong_setting_has_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKALIKE_UI_PORT", "0")
    monkeypatch.setenv("LOOKALIKE_UI_HOSTS", "a b,c/d")
    with pytest.raises(InvalidSettings) as error:
        load_settings()
    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == [
        "LOOKALIKE_UI_PORT",
        "LOOKALIKE_UI_HOSTS",
        "LOOKALIKE_UI_HOSTS",
    ]


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("search.example.com", ("search.example.com",)),
        (" Search.Example.com , other.example. ", ("search.example.com", "other.example")),
        ('["search.example.com", "other.example"]', ("search.example.com", "other.example")),
        ("bücher.example", ("xn--bcher-kva.example",)),
        ("[::1], 10.0.0.1", ("::1", "10.0.0.1")),
        ("*", ("*",)),
        ("", ()),
    ],
)
def test_host_names_are_listed_by_commas_or_as_json(
    value: str, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOKALIKE_UI_HOSTS", value)
    assert load_settings().ui_hosts == names


def test_an_empty_setting_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PUBLIC_URL", "FRONTEND_API_KEY", "TRUSTED_PROXIES", "UI_PORT"):
        monkeypatch.setenv(f"LOOKALIKE_{name}", "")
    settings = load_settings()
    assert (settings.public_url, settings.frontend_api_key, settings.trusted_proxies) == (None, None, ())
    assert settings.ui_port == 5000


def test_the_public_address_gives_path_and_host_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKALIKE_PUBLIC_URL", "https://Example.com:8443/tools/lookalike/")
    settings = load_settings()
    assert settings.public_path == "/tools/lookalike"
    assert settings.host_names == {"example.com"}


def test_unknown_names_are_told_with_the_nearest_one() -> None:
    names = ("UI_PROT", "PUBLIC_ULR", "UI_PORT", "API_PORT", "ARTIFACTS", "TEST_DATA", "ZZZZZZZZZ")
    warnings = unknown_settings({f"LOOKALIKE_{name}": "1" for name in names} | {"OTHER": "1", "PATH": "/bin"})
    assert [line.partition(" ")[0] for line in warnings] == [
        "LOOKALIKE_PUBLIC_ULR",
        "LOOKALIKE_UI_PROT",
        "LOOKALIKE_ZZZZZZZZZ",
    ]
    assert "Did you mean LOOKALIKE_PUBLIC_URL?" in warnings[0]
    assert "Did you mean LOOKALIKE_UI_PORT?" in warnings[1]
    assert "Did you mean" not in warnings[2]


def test_the_names_of_the_api_are_known() -> None:
    from api.settings import Settings as ApiSettings

    names = {f"LOOKALIKE_{name.upper()}": "1" for name in ApiSettings.model_fields}
    assert unknown_settings(names) == []


def test_a_json_list_and_commas_mean_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = ["10.0.0.0/8", "::1", "192.168.1.7"]
    monkeypatch.setenv("LOOKALIKE_TRUSTED_PROXIES", json.dumps(entries))
    listed = load_settings().trusted_proxies
    monkeypatch.setenv("LOOKALIKE_TRUSTED_PROXIES", ",".join(entries))
    assert load_settings().trusted_proxies == listed
    assert [str(network) for network in listed] == ["10.0.0.0/8", "::1/128", "192.168.1.7/32"]
