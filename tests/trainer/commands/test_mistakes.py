"""A user's mistake is told before anything slow is imported: here the slow libraries cannot be imported at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, environment
from trainer.commands.terminal.arguments import SOURCE_NAMES
from trainer.sources import DATA_SETS

SLOW_LIBRARIES = ("tensorflow", "keras", "sklearn", "bokeh", "matplotlib", "tf2onnx")
UNKNOWN_KEY = "[head]\nmargn = 0.3\n"
ABSENT_MODEL = '[encoder]\nonnx = "absent.onnx"\n'
WRONG_DETECTOR = '[faces]\ndetector = "yunet"\nfile = "model.toml"\n'
ABSENT_WEIGHTS = '[encoder]\nbackbone = "resnet50"\nweights = "absent.h5"\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder: configurations with mistakes, tables with mistakes, and no artifacts."""
    home = tmp_path_factory.mktemp("mistakes")
    (home / "empty").mkdir()
    (home / "copies").mkdir()
    for number in range(4):
        (home / "copies" / f"{number}.jpg").write_bytes(b"the same")
    (home / "packed.csv").write_bytes(b"PK\x03\x04")
    (home / "table.csv").write_text("name,label\na.jpg,x\n")
    (home / "rows.csv").write_text("path,label\nabsent.jpg,x\n")
    (home / "key.toml").write_text(UNKNOWN_KEY)
    (home / "model.toml").write_text(ABSENT_MODEL)
    (home / "detector.toml").write_text(WRONG_DETECTOR)
    (home / "weights.toml").write_text(ABSENT_WEIGHTS)
    (home / "broken.toml").write_text("[head\n")
    for name in SLOW_LIBRARIES:
        (home / "blocked").mkdir(exist_ok=True)
        (home / "blocked" / f"{name}.py").write_text(f"raise RuntimeError('{name} was imported')\n")
    return home


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("train --source nowhere", "nowhere is not a folder"),
        ("train --source s3://bucket/pictures", "is an address. Download what is there"),
        ("train --source copies", "All 4 pictures of copies are copies of one file"),
        ("train --source packed.csv", "it is a ZIP file. Unpack it"),
        ("train --source empty", "empty holds no pictures"),
        ("train --source table.csv", "needs a column path or url"),
        ("train --source rows.csv", "there is no such file"),
        ("train --source empty --config key.toml", "head.margn"),
        ("train --source empty --config broken.toml", "broken.toml is not a TOML file"),
        ("train --source empty --config absent", "There is no configuration absent"),
        ("train --source empty --config model.toml", "There is no ONNX model absent.onnx"),
        ("train --source empty --config faces", "`lookalike download faces` fetches the published files"),
        ("train --source empty --config detector.toml", "model.toml is not a YuNet network that OpenCV can read"),
        ("train --source empty --config weights.toml", "There is no weights file absent.h5"),
        ("train --source empty --artifacts table.csv", "Nothing can be written in table.csv"),
        ("run --source nowhere", "nowhere is not a folder"),
        ("compare demo --source nowhere", "nowhere is not a folder"),
        ("compare key.toml --source empty", "head.margn"),
        ("compare demo --source empty --artifacts table.csv", "Nothing can be written in table.csv"),
        ("evaluate --queries nowhere", "nowhere is not a folder"),
        ("evaluate --gallery nowhere", "nowhere is not a folder"),
        ("publish 20261122-171500-ab12 --pin nowhere", "nowhere is not a folder"),
        ("evaluate", "Nothing is published"),
        ("evaluate --bundle absent", "There is no bundle in"),
        ("rank --queries nowhere --gallery empty --out ranks.json", "nowhere is not a folder"),
        ("rank --queries empty --gallery empty --out ranks.json", "empty holds no pictures"),
        ("search absent.jpg", "Nothing is published"),
        ("report", "Nothing is published"),
        ("publish absent", "There is no bundle absent"),
        ("verify empty", "There is no bundle in"),
    ],
)
def test_it_is_told_before_slow_libraries_are_imported(command: str, message: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lookalike", *command.split()],
        cwd=folder,
        env=environment(PYTHONPATH=f"{folder / 'blocked'}{os.pathsep}{ROOT}"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith(("Error:", "Failed:"))]
    assert message in line
    assert not (folder / "artifacts").exists()
    assert not (folder / "ranks.json").exists()


def test_the_names_of_sources_are_those_that_can_be_read() -> None:
    assert set(SOURCE_NAMES) == {"pottery", *DATA_SETS}
