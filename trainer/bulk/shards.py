"""Shards: Parquet files, each with the embedded pictures of one part of a source. A whole one need not be made again.

One row for each item: its columns are those of SCHEMA, and `vector`, float32 [d]. The metadata has the pictures that
were skipped, and the key of the part: see `parts.py`.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from retrieval.durable import write_atomically
from retrieval.images import ImageInfo
from trainer.data.features import PictureFile
from trainer.data.loading import EmbeddedPictures
from trainer.errors import BulkError
from trainer.sources.base import Picture, Skipped

SCHEMA = (
    ("id", pa.string()),
    ("path", pa.string()),
    ("sha256", pa.string()),
    ("format", pa.string()),
    ("media_type", pa.string()),
    ("width", pa.int32()),
    ("height", pa.int32()),
    ("face", pa.int32()),
    ("label", pa.string()),
    ("attributes", pa.string()),  # JSON
)
KEY, SKIPPED = b"lookalike.key", b"lookalike.skipped"


@dataclass(frozen=True, slots=True)
class Shard:
    """The files in a shard, and their vectors float32 [n, d] in the same order."""

    files: Sequence[PictureFile]
    vectors: NDArray[np.float32]


def write_shard(path: Path, key: str, embedded: EmbeddedPictures) -> None:
    """Write a shard, whole or not at all. Raises OSError."""
    rows = [
        {
            "id": picture.id,
            "path": str(picture.path),
            "sha256": digest,
            "format": info.format,
            "media_type": info.media_type,
            "width": info.width,
            "height": info.height,
            "face": picture.face,
            "label": picture.label,
            "attributes": json.dumps(dict(picture.attributes)),
        }
        for picture, digest, info in zip(embedded.pictures, embedded.digests, embedded.infos, strict=True)
    ]
    columns = [pa.array([row[name] for row in rows], kind) for name, kind in SCHEMA]
    count, dims = embedded.vectors.shape
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(embedded.vectors.reshape(count * dims)), dims)
    skipped = json.dumps([asdict(entry) for entry in embedded.skipped])
    table = pa.table([*columns, vectors], [*(name for name, _ in SCHEMA), "vector"])
    with write_atomically(path, several=True) as draft:
        pq.write_table(table.replace_schema_metadata({KEY: key.encode(), SKIPPED: skipped.encode()}), draft)


def is_whole(path: Path, key: str) -> bool:
    """Whether there is a shard of the part with this key."""
    try:
        return (pq.read_schema(path).metadata or {}).get(KEY) == key.encode()
    except (OSError, pa.ArrowException):
        return False


@dataclass(frozen=True, slots=True)
class Summary:
    """How many items a shard holds, and what was skipped."""

    items: int
    skipped: Sequence[Skipped]


def summary(path: Path) -> Summary:
    """What a shard holds, without its rows. Raises BulkError as `read_shard`."""
    try:
        metadata = pq.read_metadata(path)
        return Summary(metadata.num_rows, [Skipped(**entry) for entry in json.loads(metadata.metadata[SKIPPED])])
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error


def read_shard(path: Path) -> Shard:
    """A shard as `write_shard` wrote it. Raises BulkError for a file that is none."""
    try:
        table = pq.read_table(path)
        vectors = table["vector"].combine_chunks()
        dims = table.schema.field("vector").type.list_size
        files = [_file(row) for row in table.drop_columns("vector").to_pylist()]
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error
    values = vectors.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    return Shard(files, values.reshape(len(files), dims))


def _damaged(path: Path, error: Exception) -> BulkError:
    return BulkError(f"{path} is not a whole shard ({error}). Delete it, and run the command again.")


def _file(row: dict[str, object]) -> PictureFile:
    info = ImageInfo(*(row[name] for name in ("format", "media_type", "width", "height")))  # type: ignore[arg-type]
    picture = Picture(
        id=str(row["id"]),
        path=Path(str(row["path"])),
        label=row["label"],  # type: ignore[arg-type]
        attributes=json.loads(str(row["attributes"])),
        face=int(str(row["face"])),
    )
    return PictureFile(picture, str(row["sha256"]), info)
