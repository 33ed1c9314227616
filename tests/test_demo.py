"""`make demo` without the waiting: taken ports, serving what is there, and stopping both on Ctrl-C."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import ROOT, Trained, free_port

DEMO = [sys.executable, "scripts/demo.py"]


@pytest.fixture
def ports() -> tuple[int, int]:
    """Two free ports."""
    return free_port(), free_port()


@pytest.fixture
def clone(trained: Trained, tmp_path: Path) -> Iterator[Path]:
    """The parts of a clone that the demo needs, with the small shop published as its own."""
    for part in ("api", "frontend", "retrieval", "scripts"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(trained.artifacts, tmp_path / "artifacts")
    return tmp_path


@pytest.mark.parametrize("which", ["--port", "--ui-port"])
def test_a_taken_port_is_said_before_any_training(ports: tuple[int, int], which: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        options = {"--port": str(ports[0]), "--ui-port": str(ports[1])} | {which: str(port)}
        command = [*DEMO, *(part for pair in options.items() for part in pair)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    name = {"--port": "PORT", "--ui-port": "UI_PORT"}[which]
    assert done.stderr == f"Port {port} is taken. Choose another: make demo {name}={port + 1}\n"
    assert not (tmp_path / "artifacts").exists()


def test_it_serves_what_is_there_and_ctrl_c_stops_both(clone: Path, ports: tuple[int, int]) -> None:
    command = [*DEMO, "--port", str(ports[0]), "--ui-port", str(ports[1])]
    demo = subprocess.Popen(
        command, cwd=clone, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        lines = []
        for line in demo.stdout or ():
            lines.append(line)
            if "Ctrl-C stops both" in line:
                break
        addresses = [f"http://127.0.0.1:{ports[1]}", f"http://127.0.0.1:{ports[0]}/docs"]
        assert all(any(address in line for line in lines) for address in addresses)
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
    sys.path.insert(0, str(ROOT / "scripts"))
    import demo

    default = demo.DEFAULT_CONFIG
    sources = ("/a/Shoes!", "/b/Shoes!", "/a/Shoes!.csv", "/a/Schuhe", demo.POTTERY)
    folders = [demo.artifacts_folder(source, config) for source in sources for config in (default, "frozen.toml")]
    assert len(set(folders)) == 10
    assert demo.artifacts_folder("/a/Shoes!", default) == folders[0]
    assert folders[0].name.startswith("shoes-")
    assert demo.artifacts_folder(demo.POTTERY, default) == demo.ROOT / "artifacts"


@pytest.mark.parametrize("port", ["0", "80", "70000", "-1", "http"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    done = subprocess.run([*DEMO, f"--port={port}"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{port} is not a port number from 1024 to 65535" in done.stderr
