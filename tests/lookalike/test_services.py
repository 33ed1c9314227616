"""`lookalike api` and `lookalike page`: a mistake is one line and exit code 2, before anything is served."""

import gc
import socket
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

import api.__main__
import frontend.__main__
from tests.conftest import free_port
from tests.lookalike.test_cli import lookalike

MAINS = {"api": api.__main__.main, "page": frontend.__main__.main}
SERVICES = tuple(MAINS)

Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Calls a service in an empty folder, and returns the one line that a mistake ends in."""
    monkeypatch.chdir(tmp_path)
    gc.freeze()  # what there is by now is not gone through again

    def call(service: str, *options: object) -> str:
        try:
            code = MAINS[service]([*map(str, options)], f"lookalike {service}")
        except SystemExit as end:
            code = end.code  # type: ignore[assignment]  # it is a number
        with warnings.catch_warnings(action="ignore", category=ResourceWarning):
            gc.collect()  # waitress leaves a socket that could not be bound to the collector
        said = capsys.readouterr()
        assert (code, said.out) == (2, "")
        (line,) = said.err.splitlines()
        return str(line)

    return call


@pytest.mark.parametrize("service", SERVICES)
def test_a_port_in_use_is_reported_by_the_command(service: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = lookalike(service, "--port", port, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert f"annot listen on 127.0.0.1:{port}: " in line
    assert "Address already in use" in line
    assert "--port" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("host", ["999.1.1.1", "no such host", "192.0.2.1", "", "a" * 70])
def test_a_host_that_is_none_of_ours_is_reported(
    refused: Refused, service: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOKALIKE_KEYS", "off")  # away from loopback the API would ask for keys first
    line = refused(service, "--host", host, "--port", free_port())
    assert "--host" in line or "HOST" in line


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("port", ["0", "70000", "-1", "http", ""])
def test_a_port_that_is_none_is_reported(refused: Refused, service: str, port: str) -> None:
    assert "PORT: " in refused(service, f"--port={port}")


@pytest.mark.parametrize(
    ("place", "reason"), [("file", "is a file, not a folder"), ("file/artifacts", "Nothing can be written in ")]
)
def test_artifacts_that_cannot_be_written_are_reported(
    refused: Refused, place: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")
    line = refused("api", "--artifacts", tmp_path / place, "--port", free_port())
    assert reason in line
    assert str(tmp_path / place) in line
    assert "LOOKALIKE_ARTIFACTS" in line


@pytest.mark.parametrize("service", SERVICES)
def test_an_unknown_option_is_refused(service: str, tmp_path: Path) -> None:
    done = lookalike(service, "--pord=8000", cwd=tmp_path)
    assert done.returncode == 2
    assert "unrecognized arguments: --pord" in done.stderr
