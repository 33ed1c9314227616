"""Arrays with a row for each picture: in memory, or in a file without a name."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from retrieval.errors import StorageFull
from trainer.data import large_arrays
from trainer.data.large_arrays import empty_rows


@pytest.mark.parametrize(("limit", "mapped"), [(10_000, False), (1_000, True)])
def test_an_array_is_written_and_read_wherever_it_lies(
    limit: int, mapped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_arrays, "MAX_IN_MEMORY_BYTES", limit)
    folder = tmp_path / "cache"
    rows = empty_rows((50, 2, 5), folder)
    assert (rows.shape, rows.dtype, type(rows)) == ((50, 2, 5), np.float32, np.ndarray)
    assert folder.exists() == mapped
    numbers = np.arange(500, dtype=np.float32).reshape(50, 2, 5)
    rows[:] = numbers
    np.testing.assert_array_equal(rows[:, 0] @ np.eye(5), numbers[:, 0])
    assert list(tmp_path.rglob("*.*")) == []  # nothing that a kill would leave


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot set room aside")
def test_a_full_disk_is_told_before_rows_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(large_arrays, "MAX_IN_MEMORY_BYTES", 0)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StorageFull, match="free room on the disk"):
        empty_rows((2, 2), tmp_path)
