"""The documentation: its commands exist and run, its links lead somewhere, and the site builds without a warning."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.core import TyperGroup

import api.__main__
import frontend.__main__
from lookalike.cli import app
from tests.conftest import ROOT, Trained

PAGES = [*sorted((ROOT / "docs").rglob("*.md")), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md"))]
API = "http://127.0.0.1:8000"
# The documentation assumes an installed package and an artifacts folder; nothing of the environment comes between.
SERVICES = {"api": api.__main__.main, "page": frontend.__main__.main}
SHELL = f"""
lookalike() {{ {shlex.quote(sys.executable)} -m lookalike "$@"; }}
curl() {{ command curl --fail --noproxy "*" "$@"; }}
"""


def blocks(page: Path, languages: str) -> list[str]:
    """The code blocks of a page in one of these languages."""
    texts: list[str] = re.findall(rf"```(?:{languages})\n(.*?)```", page.read_text(), re.DOTALL)
    return texts


def commands() -> Iterator[tuple[str, str]]:
    """Every line of the documentation that starts with `lookalike`, and the page that it is on."""
    for page in PAGES:
        for block in blocks(page, "sh|text"):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith("lookalike "):
                    yield page.name, line


@pytest.mark.parametrize(("page", "line"), list(commands()))
def test_every_command_that_is_named_exists_with_its_options(
    page: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    _, name, *arguments = shlex.split(line, comments=True)
    if name.startswith("--"):
        assert name in {option for parameter in group.params for option in parameter.opts} | {"--help"}
        return
    command = group.get_command(typer.Context(group), name)
    assert command is not None, f"{page}: there is no command {name}"
    context = typer.Context(command, info_name=name, **command.context_settings)
    command.make_parser(context).parse_args(arguments)
    if name in SERVICES:  # which read their options themselves
        with pytest.raises(SystemExit, match="0"):
            SERVICES[name]([*arguments, "--help"])
        printed = capsys.readouterr().out
        assert all(option in printed for option in arguments if option.startswith("--"))


@pytest.fixture
def folder(trained: Trained, tmp_path: Path) -> Path:
    """A working folder as the tutorial leaves it: published artifacts, a query, and labelled pictures that are new."""
    shutil.copytree(trained.artifacts, tmp_path / "artifacts")
    pictures = sorted(path for path in trained.pictures.rglob("*.jpg") if path.parent != trained.pictures)
    shutil.copy(pictures[0], tmp_path / "query.jpg")
    shutil.copytree(trained.pictures, tmp_path / "shoes" / "train")
    for path in pictures:
        new = tmp_path / "shoes" / "test" / path.relative_to(trained.pictures)
        new.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as image:
            image.crop((8, 8, *image.size)).save(new)
    return tmp_path


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("curl"), reason="curl, which the tutorial uses, is not installed")
def test_the_commands_of_the_tutorial_run(api_address: str, folder: Path) -> None:
    (blocks_of_tutorial,) = [blocks(page, "sh") for page in PAGES if page.name == "tutorial.md"]
    assert len(blocks_of_tutorial) >= 3
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for block in blocks_of_tutorial:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", SHELL + block.replace(API, api_address)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    page = (tmp_path / "site" / "index.html").read_text()
    assert not re.search(r'(?:src|href)="https?://(?:fonts|cdn|unpkg)', page)
