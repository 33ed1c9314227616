"""A small artifacts folder with everything that a backup has to take along."""

import shutil
from pathlib import Path

import pytest

from tests.support.bundles import pieces, write_artifacts
from tests.trainer.releases.quiet import Quiet
from trainer.backup.create import create

PIECES = pieces(12)


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """Two bundles, the second one live."""
    folder = tmp_path / "artifacts"
    folder.mkdir()
    write_artifacts(folder, PIECES, bundle_id="first")
    write_artifacts(folder, PIECES, bundle_id="second", seed=8)
    (folder / "encoder.onnx").unlink()  # what it was all written from
    shutil.rmtree(folder / "training")
    return folder


@pytest.fixture
def backup(artifacts: Path, tmp_path: Path) -> Path:
    """What `lookalike backup` writes of them."""
    create(artifacts, tmp_path / "backup", Quiet())
    return tmp_path / "backup"
