"""A small artifacts folder with everything that a backup has to take along."""

import shutil
from pathlib import Path

import pytest

from tests.bundles import pieces, write_artifacts

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
