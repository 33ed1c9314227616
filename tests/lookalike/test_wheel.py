"""The wheel, installed into an empty environment: the command and its demo run from an empty folder."""

import os
import shutil
import signal
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image

from lookalike import __version__
from tests.conftest import ROOT, free_port

pytestmark = pytest.mark.slow  # it installs every service, TensorFlow among them

PIP_INSTALL = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from this very folder."""
    folder = tmp_path_factory.mktemp("wheel")
    build = (
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(folder),
        str(ROOT),
    )
    subprocess.run([sys.executable, *build], check=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The programs of an environment that holds the wheel alone, without any extra; removed at the end."""
    home = tmp_path_factory.mktemp("empty") / "venv"
    venv.create(home, with_pip=True)
    subprocess.run([home / "bin" / "python", *PIP_INSTALL, str(wheel)], check=True)
    yield home / "bin"
    shutil.rmtree(home)  # gigabytes, which pytest would keep


def run(*command: object, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """A program in a folder of its own, as somebody who knows nothing of a clone runs it."""
    return subprocess.run([*map(str, command)], cwd=cwd, env=clean(), capture_output=True, text=True, check=False)


def clean() -> dict[str, str]:
    """The environment without what points at a clone or at settings of the tests."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "LOOKALIKE_", "VIRTUAL_ENV", "COV_"))
    }


def test_without_an_extra_the_command_says_which_one_it_needs(installed: Path, tmp_path: Path) -> None:
    assert run(installed / "lookalike", "--version", cwd=tmp_path).stdout == f"lookalike {__version__}\n"
    assert run(installed / "lookalike", "search", "--help", cwd=tmp_path).returncode == 0
    for command, extra in {("train", "--source", "."): "trainer", ("api",): "api", ("page",): "frontend"}.items():
        done = run(installed / "lookalike", *command, cwd=tmp_path)
        assert done.returncode != 0
        (line,) = done.stderr.splitlines()
        assert line.endswith(f"pip install 'lookalike[{extra}]'")
    done = run(installed / "lookalike", "demo", cwd=tmp_path)
    assert done.stderr.startswith("Error: lookalike demo needs ")
    assert list(tmp_path.iterdir()) == []


def test_the_demo_runs_from_an_empty_folder(installed: Path, wheel: Path, tmp_path: Path) -> None:
    pinned = [part for name in ("api", "frontend", "trainer") for part in ("-r", ROOT / "requirements" / f"{name}.txt")]
    subprocess.run([installed / "python", *PIP_INSTALL, "--require-hashes", *pinned], check=True)
    subprocess.run([installed / "python", *PIP_INSTALL, f"{wheel}[all]"], check=True)
    folder = tmp_path / "empty"
    folder.mkdir()
    pictures = make_pictures(tmp_path / "pictures")
    port, ui_port = free_port(), free_port()
    options = ("--images", pictures, "--port", port, "--ui-port", ui_port)
    demo = subprocess.Popen(
        [*map(str, (installed / "lookalike", "demo", *options))],
        cwd=folder,
        env=clean(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    lines = []
    try:
        for line in demo.stdout or ():
            lines.append(line)
            if "Ctrl-C stops both" in line:
                break
        page = requests.get(f"http://127.0.0.1:{ui_port}/", timeout=30)
        assert page.status_code == 200, "".join(lines)
        style = requests.get(f"http://127.0.0.1:{ui_port}/static/css/base.css", timeout=30)
        assert style.status_code == 200
        (artifacts,) = (folder / "artifacts" / "own").iterdir()
        query = next(pictures.rglob("*.png"))
        done = run(installed / "lookalike", "search", query, "--k", 3, "--artifacts", artifacts, cwd=folder)
        assert done.returncode == 0, done.stderr
        assert query.parent.name in done.stdout
        assert (artifacts / "CURRENT").exists()
        os.killpg(demo.pid, signal.SIGINT)
        demo.communicate(timeout=60)
    finally:
        demo.kill()
    assert demo.returncode == 0


def make_pictures(folder: Path) -> Path:
    """Twelve pictures each of three labels, which differ in their colour."""
    random = np.random.default_rng(5)
    for label, colour in {"red": (200, 40, 40), "green": (40, 160, 60), "blue": (40, 60, 200)}.items():
        (folder / label).mkdir(parents=True)
        for number in range(12):
            noise = random.integers(-40, 40, (96, 96, 3))
            pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{number}.png")
    return folder
