"""`lookalike verify` of a bundle looks at its vectors, and at what the catalogue counts."""

import sqlite3
from contextlib import closing
from pathlib import Path

from retrieval.bundle.layout import bundle_path
from retrieval.vectors.embedded.generations import block_paths
from tests.conftest import run_trainer
from tests.support.bundles import pieces, write_artifacts


def test_vectors_and_counts_are_checked(tmp_path: Path) -> None:
    write_artifacts(tmp_path, pieces(8))
    folder = bundle_path(tmp_path, "tiny")
    output = run_trainer("verify", folder)
    assert output.returncode == 0, output.stderr
    assert "Its vectors are as they were written." in output.stdout
    assert "The catalogue's counts are right: 8 items." in output.stdout
    with closing(sqlite3.connect(tmp_path / "catalogue.sqlite")) as database, database:
        database.execute("UPDATE counts SET held = held + 1 WHERE name = 'glazed'")
    output = run_trainer("verify", folder)
    assert output.returncode == 1
    assert "rows of the table counts are missing" in output.stderr
    assert "Traceback" not in output.stderr
    (block,) = block_paths(tmp_path / "vectors" / "tiny.sqlite")
    block.write_bytes(block.read_bytes()[:-1] + b"!")
    output = run_trainer("verify", folder)
    assert output.returncode == 1
    assert "has changed" in output.stderr
