"""Vectors read from a file one by one: they stay in the system's cache, and are no memory of this process."""

import os
from pathlib import Path
from weakref import finalize

import numpy as np

from retrieval.clusters import Numbers, Vectors
from retrieval.errors import VectorStoreError


class RowReader:
    """Reads rows of a float32 array [n, d] that begins somewhere in a file; from any thread."""

    def __init__(self, path: Path, offset: int, dims: int) -> None:
        """Opens the file, which may be removed meanwhile. Raises OSError."""
        self._path, self._offset, self._dims = path, offset, dims
        self._file = os.open(path, os.O_RDONLY)
        finalize(self, os.close, self._file)

    def read(self, rows: Numbers) -> Vectors:
        """The rows [n, d] of these numbers [n]. Raises VectorStoreError."""
        size = 4 * self._dims
        try:
            parts = [os.pread(self._file, size, self._offset + row * size) for row in rows.tolist()]
        except OSError as error:
            raise VectorStoreError(f"{self._path} cannot be read: {error}") from error
        if any(len(part) != size for part in parts):
            raise VectorStoreError(f"{self._path} was cut off; build the vectors anew")
        return np.frombuffer(b"".join(parts), "<f4").reshape(len(rows), self._dims).astype(np.float32, copy=False)
