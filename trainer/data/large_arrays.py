"""Arrays with a row for each picture: a large one lies in a file that is mapped into memory.

The operating system keeps of it what is in use, and gives the memory to others that need it.
"""

import os
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from numpy.typing import NDArray

from retrieval.durable import storage_error

MAX_IN_MEMORY_BYTES = 64_000_000


def empty_rows(shape: tuple[int, ...], folder: Path) -> NDArray[np.float32]:
    """A new array float32 of this shape; one of more than MAX_IN_MEMORY_BYTES in a file in `folder`.

    The file has no name, so it is gone once the array is, also after a kill. Raises StorageError for a full disk.
    """
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(np.float32).itemsize
    if size <= MAX_IN_MEMORY_BYTES:
        return np.empty(shape, np.float32)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):  # a disk that is full must not be noticed only when rows are written
                os.posix_fallocate(file.fileno(), 0, size)
            return np.asarray(
                np.memmap(file, np.float32, "r+" if hasattr(os, "posix_fallocate") else "w+", shape=shape)
            )
    except OSError as error:
        raise storage_error(error, str(folder)) from error
