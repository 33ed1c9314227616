"""What several rooms' tests share: one small shop, trained once through the command line as a user would."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from trainer.sources import pottery

ROOT = Path(__file__).parent.parent

# The real encoder at a small size: the whole path in well under a minute.
CONFIG = """
[encoder]
size = 96

[head]
dims = 32
views = 2
max_epochs = 15

[reduce]
dims = 24
"""


def run_trainer(*arguments: object, timeout: float = 600) -> "subprocess.CompletedProcess[str]":
    """`python -m trainer ...`, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "trainer", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=os.environ | {"COLUMNS": "200"},
    )


@dataclass(frozen=True)
class Trained:
    """A shop of 12 pieces with 8 photographs each, three broken files beside them, and what training made of it."""

    pictures: Path
    table: Path
    config: Path
    artifacts: Path
    output: str
    errors: str


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Not to be changed."""
    home = tmp_path_factory.mktemp("trained")
    pictures = home / "pictures"
    table = pottery.make(pictures, pieces=12, photos=8, size=128)
    (pictures / "cut.jpg").write_bytes((pictures / pottery.plan(12, 8)[0].path).read_bytes()[:900])
    (pictures / "text.jpg").write_text("no picture at all")
    with table.open("a") as rows:
        rows.write(
            "cut.jpg,Broken,bowl,plain,blue\ntext.jpg,Broken,bowl,plain,blue\nmissing.jpg,Broken,bowl,plain,red\n"
        )
    config = home / "config.toml"
    config.write_text(CONFIG)
    artifacts = home / "artifacts"
    done = run_trainer("run", "--source", table, "--config", config, "--artifacts", artifacts)
    if done.returncode:
        raise RuntimeError(f"training failed:\n{done.stdout}\n{done.stderr}")
    return Trained(pictures, table, config, artifacts, done.stdout, done.stderr)
