"""A vector store on disk as a whole: the file with the changes, and beside it the block of its generation."""

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from retrieval.clusters import Clusters, Vectors
from retrieval.durable import copy_database, storage_error, sync
from retrieval.errors import VectorStoreError
from retrieval.vectors.codes import Kind
from retrieval.vectors.embedded.block import Block, packed_digests
from retrieval.vectors.embedded.rows import Batch, Shape, VectorFile, generation_of

ATTEMPTS = 5
"""Times that a block is looked for which another process may have replaced meanwhile."""


def block_path(path: Path, generation: int) -> Path:
    """The file of a block beside the file `path`."""
    return path.with_name(f"{path.stem}.{generation}.safetensors")


def block_paths(path: Path) -> list[Path]:
    """Every block beside the file `path`."""
    name = re.compile(re.escape(path.stem) + r"\.\d+\.safetensors", re.ASCII)
    return [each for each in path.parent.glob("*") if name.fullmatch(each.name)]


def create(
    path: Path,
    clusters: Clusters,
    shape: Shape,
    ids: Sequence[str],
    vectors: Vectors,
    digests: Sequence[str | None] | None,
    codes: Kind = "none",
) -> None:
    """Writes a new store with the vectors [n, d] of n different ids: the block first, the file last.

    Raises VectorStoreError if the file exists, StorageError if it cannot be written.
    """
    if path.exists():
        raise VectorStoreError(f"there is a vector store at {path} already; delete it to build it anew")
    packed = packed_digests(digests if digests is not None else [None] * len(ids))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_blocks(path)
        block = Block.arrange(clusters, ids, vectors, clusters.assign(vectors), packed, codes)
        block.write(block_path(path, 1))
    except OSError as error:
        raise storage_error(error, f"the vector store {path}") from error
    try:
        VectorFile.create(path, shape, generation=1)
    except BaseException:
        remove_blocks(path)
        raise


@contextmanager
def reading(file: VectorFile, clusters: Clusters) -> Iterator[Block]:
    """One state of the store: its block, and the file as it is beside that. Raises VectorStoreError."""
    for attempt in range(1, ATTEMPTS + 1):
        with file.reading() as generation:
            try:
                block = open_block(file.path, clusters, generation)
            except VectorStoreError:  # another process may just have replaced the block
                if attempt == ATTEMPTS:
                    raise
                continue
            yield block
            return


def read(file: VectorFile, clusters: Clusters) -> tuple[Block, set[str], list[Batch]]:
    """The block, which of its ids are there no more, and what came since. Raises VectorStoreError."""
    with reading(file, clusters) as block:
        return block, file.removed(), list(file.changes())


def held(file: VectorFile, clusters: Clusters) -> dict[str, str | None]:
    """Every id that has a vector, with the SHA-256 of the file it was made of; None where that is not known."""
    with reading(file, clusters) as block:
        digests = dict(zip(block.ids.names(), block.digest_texts(), strict=True))
        for item in file.removed():
            digests.pop(item, None)
        return digests | file.change_digests()


def open_block(path: Path, clusters: Clusters, generation: int) -> Block:
    """The block of a generation; an empty one for generation 0. Raises VectorStoreError."""
    if generation == 0:
        return arrange(clusters, [])
    return Block.open(block_path(path, generation), clusters)


def compact(file: VectorFile, clusters: Clusters) -> Block:
    """Puts all vectors into a new block, and takes the old one away. Raises StorageError, VectorStoreError."""
    with file.replacing_block() as generation:
        block = merged(open_block(file.path, clusters, generation), clusters, file.removed(), list(file.changes()))
        successor = block_path(file.path, generation + 1)
        try:
            block.write(successor)
        except OSError as error:
            raise storage_error(error, f"the vector store {file.path}") from error
    for old in block_paths(file.path):
        if old != successor:
            old.unlink(missing_ok=True)  # who has it open keeps it until closing
    return Block.open(successor, clusters)


def copy(path: Path, target: Path) -> None:
    """Copies a store that others may be writing to: the file as it is at one moment, and the block it names.

    Raises OSError, sqlite3.Error.
    """
    for attempt in range(1, ATTEMPTS + 1):
        copy_database(path, target)
        generation = generation_of(target)
        if generation == 0:
            return
        try:
            shutil.copyfile(block_path(path, generation), block_path(target, generation))
        except FileNotFoundError:  # another process has just replaced the block
            if attempt == ATTEMPTS:
                raise
            continue
        sync(block_path(target, generation))
        return


def merged(block: Block, clusters: Clusters, removed: set[str], batches: Sequence[Batch]) -> Block:
    """One block of all vectors."""
    hidden = removed.union(*(batch.ids for batch in batches))
    names = block.ids.names()
    kept_rows = np.array([row for row, name in enumerate(names) if name not in hidden], np.int64)
    assigned = np.repeat(np.arange(len(clusters)), np.diff(block.offsets))
    first = Batch(
        [names[row] for row in kept_rows.tolist()],
        assigned[kept_rows],
        block.vectors[kept_rows],
        block.digests[kept_rows],
    )
    return arrange(clusters, [first, *batches], block.kind)


def arrange(clusters: Clusters, batches: Sequence[Batch], codes: Kind = "none") -> Block:
    """A block of the vectors of these batches, whose ids are all different."""
    if not batches:
        nothing = np.empty((0, clusters.dims), np.float32)
        batches = [Batch((), np.empty(0, np.int64), nothing, packed_digests(()))]
    return Block.arrange(
        clusters,
        [name for batch in batches for name in batch.ids],
        np.concatenate([batch.vectors for batch in batches]),
        np.concatenate([batch.clusters for batch in batches]),
        np.concatenate([batch.digests for batch in batches]),
        codes,
    )


def remove_blocks(path: Path) -> None:
    """Removes every block beside the file `path`."""
    for block in block_paths(path):
        block.unlink(missing_ok=True)
