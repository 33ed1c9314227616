"""What runs on a change: `.ci/run` and the targets of the Makefile that the tests are divided into."""

import itertools
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
SELECTIONS = dict(re.findall(r'^([a-z-]+):.*\n\t\$\(TESTS\) -m "(.*)"$', MAKEFILE, re.MULTILINE))
INSTALLERS = ("browser", "servers", "proxies", "node")
KINDS = ("browser", "security", "crash", "quality", "milvus")


def run(folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """`.ci/run` in a folder with the Makefile, where every `make TARGET` only writes its name down, or fails."""
    (folder / ".ci").mkdir()
    for name in (".ci/run", "Makefile"):
        shutil.copy(ROOT / name, folder / name)
    fake = folder / "bin" / "make"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\necho "$1" >> {folder}/made\n[ "$1" != "$FAILING" ]\n')
    fake.chmod(0o755)
    env = os.environ | {"PATH": f"{fake.parent}{os.pathsep}{os.environ['PATH']}"} | variables
    return subprocess.run(["bash", ".ci/run"], cwd=folder, env=env, capture_output=True, text=True, check=False)


def made(folder: Path) -> list[str]:
    """The targets that were made, in order, but for those that install programs."""
    targets = (folder / "made").read_text().split()
    return [target for target in targets if target not in INSTALLERS]


def test_every_test_belongs_to_one_target() -> None:
    assert set(SELECTIONS) == {"test", *(f"test-{kind}" for kind in KINDS), "test-training"}
    for marks in itertools.product((False, True), repeat=len(KINDS) + 1):
        names = dict(zip(("slow", *KINDS), marks, strict=True))
        targets = [target for target, text in SELECTIONS.items() if eval(text, {}, names)]  # noqa: S307 - our own text
        assert len(targets) == 1, names


def test_the_run_makes_every_target_in_time(tmp_path: Path) -> None:
    done = run(tmp_path, CI_MINUTES="1000")
    assert done.returncode == 0, done.stderr
    first, *rest = made(tmp_path)
    assert first == "test"
    assert sorted(rest) == sorted(SELECTIONS.keys() - {"test"})
    assert "left out" not in done.stdout


def test_what_does_not_fit_is_left_out_and_said(tmp_path: Path) -> None:
    done = run(tmp_path, CI_MINUTES="1")
    assert done.returncode == 0, done.stderr
    assert made(tmp_path) == ["test"]
    assert done.stdout.count("is left out") == len(SELECTIONS) - 1


@pytest.mark.parametrize("target", ["browser", "test", "test-crash"])
def test_a_target_that_fails_fails_the_run(target: str, tmp_path: Path) -> None:
    assert run(tmp_path, FAILING=target).returncode != 0
    assert (tmp_path / "made").read_text().split()[-1] == target


def test_the_public_forge_runs_the_same() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    (job,) = workflow["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == ["bash .ci/run"]


def test_pre_commit_runs_what_lint_runs() -> None:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    programs = {hook["entry"].split()[0].removeprefix(".venv/bin/") for hook in repository["hooks"]}
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert lint
    assert programs == set(re.findall(r"\$\(BIN\)/([a-z-]+)", lint[1]))
