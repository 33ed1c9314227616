"""`python -m frontend` as a process: help, mistakes in the settings, start and stop."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

import frontend
from frontend.__main__ import main

ROOT = Path(frontend.__file__).parent.parent


def start(**settings: str) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LOOKALIKE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "frontend"],
        cwd=ROOT,
        env=inherited | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])


def test_help_names_every_setting_and_gives_an_example(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["frontend", "--help"])
    with pytest.raises(SystemExit, match="0"):
        main()
    out = capsys.readouterr().out
    for name in ("API_URL", "API_TIMEOUT_SECONDS", "UI_HOST", "UI_PORT", "UPLOAD_LIMIT_BYTES"):
        assert f"LOOKALIKE_{name}" in out
    assert "Example:" in out


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOOKALIKE_API_URL", "file:///etc/passwd"),
        ("LOOKALIKE_API_URL", "localhost:8000"),
        ("LOOKALIKE_UI_PORT", "70000"),
        ("LOOKALIKE_API_TIMEOUT_SECONDS", "0"),
        ("LOOKALIKE_UPLOAD_LIMIT_BYTES", "many"),
    ],
)
def test_a_wrong_setting_is_named(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["frontend"])
    monkeypatch.setenv(name, value)
    assert main() == 2
    assert capsys.readouterr().err.startswith(f"{name}: ")


def test_a_taken_port_is_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start(LOOKALIKE_UI_PORT=str(taken.getsockname()[1]))
        _, err = process.communicate()
    assert process.returncode == 2
    assert "LOOKALIKE_UI_PORT" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_serves_and_stops_cleanly(port: str, stop: signal.Signals) -> None:
    process = start(LOOKALIKE_UI_PORT=port)
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said == f"The page is at http://127.0.0.1:{port}\n"
    with urlopen(f"http://127.0.0.1:{port}/livez") as answer:
        assert answer.status == 200
        assert "Server" not in answer.headers
    process.send_signal(stop)
    _, err = process.communicate()
    assert process.returncode == 0
    assert "Traceback" not in err
