"""`lookalike demo` without the waiting: mistakes, serving what is there, and stopping both services on Ctrl-C."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from lookalike.demo import DEFAULT_CONFIG, POTTERY, artifacts_folder
from tests.conftest import ROOT, Trained, environment, free_port

DEMO = [sys.executable, "-m", "lookalike", "demo"]


@pytest.fixture
def ports() -> tuple[int, int]:
    """Two free ports."""
    return free_port(), free_port()


@pytest.fixture
def folder(trained: Trained, tmp_path: Path) -> Path:
    """A folder that is no clone, with the small shop published in it, and files named like our packages."""
    shutil.copytree(trained.artifacts, tmp_path / "artifacts")
    for name in ("api.py", "retrieval.py", "trainer.py"):
        (tmp_path / name).write_text("raise RuntimeError('a file of the current folder was imported')\n")
    return tmp_path


def _refused(*options: object, cwd: Path) -> str:
    """The one line that a mistake ends in, with nothing made in the folder."""
    command = [*DEMO, *map(str, options)]
    env = environment(PYTHONPATH=str(ROOT))
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert list(cwd.iterdir()) == []
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize(("which", "variable"), [("--port", "PORT"), ("--ui-port", "UI_PORT")])
def test_a_port_in_use_is_reported_before_any_training(
    ports: tuple[int, int], which: str, variable: str, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        options = {"--port": ports[0], "--ui-port": ports[1]} | {which: port}
        line = _refused(*(part for pair in options.items() for part in pair), cwd=tmp_path)
    advice = f"Choose another: {which} {port + 1} (make demo {variable}={port + 1})."
    assert line == f"Error: Port {port} of 127.0.0.1 is taken. {advice}"


def test_one_port_for_both_is_refused(tmp_path: Path) -> None:
    assert "two different ports" in _refused("--port", 8123, "--ui-port", 8123, cwd=tmp_path)


def test_pictures_that_are_not_there_are_refused(ports: tuple[int, int], tmp_path: Path) -> None:
    options = ("--port", ports[0], "--ui-port", ports[1])
    assert f"There is no {tmp_path / 'nowhere'}." in _refused(*options, "--images", "nowhere", cwd=tmp_path)


def test_artifacts_that_cannot_be_written_are_refused(ports: tuple[int, int], tmp_path: Path) -> None:
    options = ("--port", ports[0], "--ui-port", ports[1], "--artifacts", f"{__file__}/artifacts")
    assert "Nothing can be written in" in _refused(*options, cwd=tmp_path)


@pytest.mark.parametrize("port", ["0", "80", "70000", "-1", "http"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    done = subprocess.run([*DEMO, f"--port={port}"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Invalid value for '--port'" in done.stderr


def test_it_serves_what_is_there_and_ctrl_c_stops_both(folder: Path, ports: tuple[int, int]) -> None:
    command = [sys.executable, "-P", *DEMO[1:], "--port", str(ports[0]), "--ui-port", str(ports[1])]
    demo = subprocess.Popen(
        command,
        cwd=folder,
        env=environment(PYTHONPATH=str(ROOT)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        lines = []
        for line in demo.stdout or ():
            lines.append(line)
            if "Ctrl-C stops both and the worker" in line:
                break
        addresses = [f"http://127.0.0.1:{ports[1]}", f"http://127.0.0.1:{ports[0]}/docs"]
        assert all(any(address in line for line in lines) for address in addresses), lines
        for address in addresses:
            assert requests.get(address, timeout=10).status_code == 200
        os.killpg(demo.pid, signal.SIGINT)
        rest, _ = demo.communicate(timeout=60)
    finally:
        demo.kill()
    assert demo.returncode == 0
    assert "Traceback" not in rest
    for address in addresses:
        with pytest.raises(requests.ConnectionError):
            requests.get(address, timeout=5)


def test_every_other_source_and_configuration_has_a_folder_of_its_own() -> None:
    base = Path("artifacts")
    sources = ("/a/Shoes!", "/b/Shoes!", "/a/Shoes!.csv", "/a/Schuhe", POTTERY)
    folders = [artifacts_folder(base, source, config) for source in sources for config in (DEFAULT_CONFIG, "f.toml")]
    assert len(set(folders)) == 10
    assert artifacts_folder(base, "/a/Shoes!", DEFAULT_CONFIG) == folders[0]
    assert folders[0].name.startswith("shoes-")
    assert artifacts_folder(base, POTTERY, DEFAULT_CONFIG) == base


def test_a_folder_of_version_0_1_is_used_again() -> None:
    """Version 0.1 named the file of the configuration, not its name."""
    named, as_file = (artifacts_folder(Path(), "/a/b", name) for name in ("demo", "trainer/configs/demo.toml"))
    assert named == as_file == Path("own/b-08cd7c3e")
