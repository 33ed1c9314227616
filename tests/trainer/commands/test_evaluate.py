"""`evaluate` from the command line: what it writes, and what it does not load."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tests.trainer.evaluation.shops import Publish
from trainer.commands.evaluate import evaluate as command
from trainer.evaluation.measures import FORMULAS
from trainer.evaluation.results import from_json


@pytest.fixture
def run() -> Callable[..., str]:
    app = typer.Typer()
    app.command()(command)

    def invoke(*arguments: Any) -> str:
        done = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    return invoke


def test_the_command_writes_everything_as_json(publish: Publish, tmp_path: Path, run: Callable[..., str]) -> None:
    home, _vectors = publish()
    out = tmp_path / "new" / "evaluation.json"
    run("--artifacts", home, "--out", out, "--metric", "euclidean", "--formulas")
    written = json.loads(out.read_text())
    assert written["formulas"] == FORMULAS
    assert [p["name"] for p in written["protocols"]] == ["known labels", "new labels"]
    result = from_json(out.read_bytes(), "here")
    assert result.metric == "euclidean"
    assert {row.probes for row in result.ladder} == {1, 2, 4, "all", "auto", "brute force", "kd-tree"}
    assert all(row.recall_at_10 == 1 for row in result.ladder if not isinstance(row.probes, int))


@pytest.mark.parametrize("options", [["--no-ladder"], []])
def test_scikit_learn_is_loaded_for_the_ladder_alone_and_tensorflow_never(publish: Publish, options: list[str]) -> None:
    home, _vectors = publish()
    arguments = ["trainer", "evaluate", "--artifacts", str(home), "--json", *options]
    code = (
        f"import sys; sys.argv = {arguments!r}\nfrom trainer.cli import app\ntry: app()\nexcept SystemExit: pass\n"
        "print('loaded', *sorted({'tensorflow', 'keras', 'sklearn'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["bundle_id"] == "tiny"
    assert done.stderr.splitlines()[-1] == ("loaded" if options else "loaded sklearn")
