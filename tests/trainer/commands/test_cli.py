"""The command line: help with an example, and a user's mistake as one line on standard error."""

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.conftest import ROOT, Trained, environment, run_trainer
from trainer.cli import COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    done = run_trainer(command, "--help")
    assert done.returncode == 0
    assert f"lookalike {command}" in done.stdout


def _fails(*arguments: Any) -> str:
    """The one line that a mistake ends in."""
    done = run_trainer(*arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Error:")]
    return line


@pytest.fixture
def kinds(tmp_path: Path) -> Path:
    """A folder of two kinds, four pictures each."""
    for kind in ("red", "blue"):
        (tmp_path / "pictures" / kind).mkdir(parents=True)
        for number in range(4):
            Image.new("RGB", (64, 64), (number * 9, 40, 90)).save(tmp_path / "pictures" / kind / f"{number}.png")
    return tmp_path / "pictures"


def test_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("none here")
    assert "holds no pictures" in _fails("run", "--source", tmp_path, "--artifacts", tmp_path / "a")


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    assert "is not a folder" in _fails("run", "--source", tmp_path / "nowhere", "--artifacts", tmp_path / "a")


def test_an_unknown_key_in_the_configuration(kinds: Path, tmp_path: Path) -> None:
    config = tmp_path / "typo.toml"
    config.write_text("[head]\nmargn = 0.3\n")
    assert "head.margn" in _fails("run", "--source", kinds, "--config", config, "--artifacts", tmp_path / "a")


def test_nothing_published(kinds: Path, tmp_path: Path) -> None:
    picture = kinds / "red" / "0.png"
    for arguments in (("search", picture), ("evaluate", "--queries", kinds)):
        assert "Nothing is published" in _fails(*arguments, "--artifacts", tmp_path)


def test_a_query_that_is_no_picture(trained: Trained, tmp_path: Path) -> None:
    note = tmp_path / "note.jpg"
    note.write_text("no picture")
    assert "this is a text file, not a picture" in _fails("search", note, "--artifacts", trained.artifacts)
    assert "cannot be read" in _fails("search", tmp_path / "gone.jpg", "--artifacts", trained.artifacts)


def test_a_backbone_without_that_block(kinds: Path, tmp_path: Path) -> None:
    config = tmp_path / "blocks.toml"
    config.write_text(
        '[encoder]\nbackbone = "siamese"\nweights = "none"\nsize = 32\ntrain_from = "conv5"\n'
        "[head]\nenabled = false\n[finetune]\nenabled = true\n"
    )
    line = _fails("run", "--source", kinds, "--config", config, "--artifacts", tmp_path / "a")
    assert "siamese has no block conv5. Its blocks are: " in line


def test_nothing_to_go_on_with_is_said(kinds: Path, tmp_path: Path) -> None:
    config = tmp_path / "none.toml"
    model = tmp_path / "text.onnx"
    model.write_text("no model")
    config.write_text(f"[encoder]\nonnx = {str(model)!r}\n")
    done = run_trainer("run", "--resume", "--source", kinds, "--config", config, "--artifacts", tmp_path / "a")
    assert done.returncode == 1
    assert "There is no stopped run: this is a new one." in done.stderr


def test_ctrl_c_keeps_what_was_computed(trained: Trained, tmp_path: Path) -> None:
    options = ["--source", trained.table, "--config", trained.config, "--artifacts", tmp_path]
    command = [sys.executable, "-m", "trainer", "run", *map(str, options)]
    run = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=environment())
    while not list(tmp_path.glob("cache/*.sqlite-wal")):  # it has begun to compute features
        assert run.poll() is None
        time.sleep(0.01)
    time.sleep(0.3)
    run.send_signal(signal.SIGINT)
    _out, errors = run.communicate()
    assert run.returncode == 130
    assert "goes on from here, `train` with --resume" in errors
    assert "Traceback" not in errors
    assert len(list((tmp_path / "work").iterdir())) == 1
    (cache,) = tmp_path.glob("cache/*.sqlite")
    with closing(sqlite3.connect(cache)) as database:
        (kept,) = database.execute("SELECT count(*) FROM features").fetchone()
    assert 0 < kept < 96


def test_a_folder_that_is_no_bundle(tmp_path: Path) -> None:
    assert "There is no bundle" in _fails("verify", tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Name either a picture"),
        (("a.jpg", "--text", "bowl"), "Name either a picture"),
        (("--text", "?!"), "1 to 16 words"),
        (("--text", "bowl", "--metric", "cosine"), "--metric compares pictures"),
    ],
)
def test_a_search_with_words_needs_words_and_nothing_of_pictures(
    trained: Trained, arguments: tuple[str, ...], message: str
) -> None:
    assert message in _fails("search", *arguments, "--artifacts", trained.artifacts)
