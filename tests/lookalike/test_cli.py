"""The command `lookalike`: help, version and completion at once, and what is missing in one line."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lookalike import __version__
from lookalike.extras import missing_extra
from tests.conftest import ROOT, environment

SLOW_PACKAGES = {"numpy", "sqlalchemy", "faiss", "onnxruntime", "cv2", "PIL", "fastapi", "flask", "keras"}
SLOW_PACKAGES |= {"tensorflow", "sklearn", "scipy", "bokeh", "requests"}


def lookalike(*arguments: Any, cwd: Path = ROOT, **variables: str) -> "subprocess.CompletedProcess[str]":
    """`lookalike ...` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "lookalike", *map(str, arguments)],
        cwd=cwd,
        env=environment(PYTHONPATH=str(ROOT), **variables),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("arguments", [["--help"], ["search", "--help"], ["train", "--help"], ["--version"]])
def test_help_imports_nothing_slow(arguments: list[str]) -> None:
    script = f"""
import sys
sys.argv[1:] = {arguments}
from lookalike.cli import main
try:
    main()
except SystemExit as end:
    print(end.code, *{{name.partition(".")[0] for name in sys.modules}})
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    code, *modules = done.stdout.splitlines()[-1].split()
    assert code == "0"
    assert "typer" in modules
    assert not SLOW_PACKAGES & set(modules)


def test_help_lists_services_and_commands() -> None:
    done = lookalike("--help")
    assert done.returncode == 0
    for name in ("demo", "api", "page", "train", "evaluate", "search", "rank", "compare", "publish", "rollback"):
        assert f"│ {name} " in done.stdout
    assert "│ run " not in done.stdout  # the name of version 0.1 still works, but is not shown


def test_the_version() -> None:
    done = lookalike("--version")
    assert (done.returncode, done.stdout) == (0, f"lookalike {__version__}\n")


def test_the_shell_completes_commands() -> None:
    variables = {"COMP_WORDS": "lookalike pu", "COMP_CWORD": "1", "_LOOKALIKE_COMPLETE": "complete_bash"}
    script = "import sys; sys.argv = ['lookalike']; from lookalike.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["publish"]


@pytest.mark.parametrize(("service", "setting"), [("api", "LOOKALIKE_API_HOST"), ("page", "LOOKALIKE_UI_HOST")])
def test_services_have_their_own_help(service: str, setting: str) -> None:
    done = lookalike(service, "--help")
    assert done.returncode == 0
    assert f"usage: lookalike {service}" in done.stdout
    assert setting in done.stdout
    assert f"  lookalike {service} --" in done.stdout


def test_a_key_is_made() -> None:
    done = lookalike("api", "key", "shop", "--scope", "write")
    assert done.returncode == 0
    assert "LOOKALIKE_API_KEYS" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["train", "--source", "x"], "trainer"),
        (["search", "x.jpg"], "trainer"),
        (["api"], "api"),
        (["page"], "frontend"),
        (["demo"], "all"),
    ],
)
def test_a_missing_package_is_answered_with_its_extra(arguments: list[str], extra: str) -> None:
    error = ModuleNotFoundError("No module named 'numpy.linalg'", name="numpy.linalg")
    assert missing_extra(error, arguments) == (
        f"lookalike {arguments[0]} needs numpy, which is not installed: pip install 'lookalike[{extra}]'"
    )


def test_a_missing_module_of_our_own_is_no_missing_package() -> None:
    assert missing_extra(ModuleNotFoundError("No module named 'trainer.gone'", name="trainer.gone"), ["search"]) is None


def test_a_missing_package_ends_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "sqlalchemy.py").write_text("raise ModuleNotFoundError('no', name='sqlalchemy')")
    done = subprocess.run(
        [sys.executable, "-m", "lookalike", "bundles"],
        cwd=tmp_path,
        env=environment(PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "Error: lookalike bundles needs sqlalchemy, which is not installed: pip install 'lookalike[trainer]'"
    ]
