"""A block: vectors ordered by cluster, with all that a search needs beside them, as the arrays of one safetensors file.

    vectors float32 [n, d], lengths float32 [n]
    offsets int64 [C + 1]         where each cluster begins and ends
    reach float64 [4, C]          radii, angles, shortest, longest (see `Reach`)
    digests uint8 [n, 32]         SHA-256 of the file that a vector was made of; zeros where it is not known
    text, text_offsets, hashes, hash_rows    the ids (see `PackedIds`)
    codes, code_grid, code_error  the vectors in a quarter of the room, if they are wanted (see `Codes`)

Written once, never changed. Opening maps the file into memory and reads almost nothing. The metadata has the SHA-256 of
all arrays, one after the other in the order of their names.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from retrieval.clusters import Clusters, Numbers, Reach, Vectors, lengths_of
from retrieval.durable import write_atomically
from retrieval.errors import VectorStoreError
from retrieval.vectors.codes import Codes, Kind
from retrieval.vectors.embedded.packed_ids import PackedIds
from retrieval.vectors.embedded.row_reader import RowReader

DIGEST_BYTES = 32
UNKNOWN = bytes(DIGEST_BYTES)  # in place of a SHA-256 that is not known
MAX_HEADER_BYTES = 1 << 16
DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "U64": "<u8", "U8": "u1", "I8": "i1"}
"""The names of safetensors for the types that a block has."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """n vectors float32 [n, d], ordered by cluster."""

    vectors: Vectors
    lengths: Vectors
    offsets: Numbers
    reach: Reach
    digests: NDArray[np.uint8]
    ids: PackedIds
    codes: Codes | None = None
    reader: RowReader | None = None
    """Reads vectors from the file, where they are not to take memory."""

    def __len__(self) -> int:
        return len(self.vectors)

    @classmethod
    def arrange(
        cls,
        clusters: Clusters,
        ids: Sequence[str],
        vectors: Vectors,
        assigned: Numbers,
        digests: NDArray[np.uint8],
        codes: Kind = "none",
    ) -> "Block":
        """Puts vectors [n, d] under n different ids in the order of their clusters [n]."""
        order = np.argsort(assigned, kind="stable")
        vectors, assigned = vectors[order], assigned[order]
        return cls(
            vectors,
            lengths_of(vectors).astype(np.float32),
            np.searchsorted(assigned, np.arange(len(clusters) + 1)),
            Reach.nowhere(clusters).widened(vectors, assigned),
            digests[order],
            PackedIds.of([ids[row] for row in order.tolist()]),
            Codes.of(vectors) if codes == "int8" else None,
        )

    @property
    def kind(self) -> Kind:
        """What searches go through."""
        return "none" if self.codes is None else "int8"

    def rows(self, rows: Numbers) -> Vectors:
        """The vectors [n, d] of these rows [n]."""
        return np.asarray(self.vectors[rows]) if self.reader is None else self.reader.read(rows)

    def digest_texts(self) -> list[str | None]:
        """The SHA-256 of each vector's file in hexadecimal; None where it is not known."""
        text, size, unknown = self.digests.tobytes().hex(), 2 * DIGEST_BYTES, "0" * 2 * DIGEST_BYTES
        digests = (text[start : start + size] for start in range(0, len(text), size))
        return [None if digest == unknown else digest for digest in digests]

    def write(self, path: Path) -> None:
        """Writes a new file, durably: whole or not at all. Raises OSError."""
        reach, ids = self.reach, self.ids
        arrays: dict[str, NDArray[Any]] = {
            "vectors": self.vectors,
            "lengths": self.lengths,
            "offsets": self.offsets,
            "reach": np.stack([reach.radii, reach.angles, reach.shortest, reach.longest]),
            "digests": self.digests,
            "text": ids.text,
            "text_offsets": ids.offsets,
            "hashes": ids.hashes,
            "hash_rows": ids.rows,
        }
        arrays |= self.codes.arrays() if self.codes else {}
        arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        with write_atomically(path) as draft:
            save_file(arrays, draft, {"sha256": _digest(arrays)})

    @classmethod
    def open(cls, path: Path, clusters: Clusters) -> "Block":
        """Maps what `write` wrote. Raises VectorStoreError if it does not fit, or was cut off."""
        arrays, _, offsets_in_file = _map(path)
        try:
            count, cells = len(arrays["vectors"]), len(clusters)
            shapes = {
                "vectors": (count, clusters.dims),
                "lengths": (count,),
                "offsets": (cells + 1,),
                "reach": (4, cells),
            }
            shapes |= {"digests": (count, DIGEST_BYTES), "text_offsets": (count + 1,), "hashes": (count,)}
            shapes |= {"hash_rows": (count,)}
            if "codes" in arrays:
                shapes |= {"codes": (count, clusters.dims), "code_grid": (2, clusters.dims), "code_error": (1,)}
            for name, shape in shapes.items():
                if arrays[name].shape != shape:
                    raise VectorStoreError(
                        f"{path} has {name} of the shape {arrays[name].shape}, but {shape} is wanted"
                    )
            ids = PackedIds(arrays["text"], arrays["text_offsets"], arrays["hashes"], arrays["hash_rows"])
            offsets = np.array(arrays["offsets"])
            reach = Reach(clusters, *(np.array(row) for row in arrays["reach"]))
            codes = Codes.from_arrays(arrays)
            reader = RowReader(path, offsets_in_file["vectors"], clusters.dims) if codes else None
            block = cls(arrays["vectors"], arrays["lengths"], offsets, reach, arrays["digests"], ids, codes, reader)
        except KeyError as error:
            raise VectorStoreError(f"{path} has no array {error}; build the vectors anew") from error
        if offsets[0] != 0 or offsets[-1] != count or (np.diff(offsets) < 0).any():
            raise VectorStoreError(f"the offsets of {path} do not divide {count} vectors; build the vectors anew")
        return block


def packed_digests(digests: Sequence[str | None]) -> NDArray[np.uint8]:
    """SHA-256 in hexadecimal as uint8 [n, 32]; zeros for one that is not known."""
    packed = b"".join(bytes.fromhex(digest) if digest else UNKNOWN for digest in digests)
    return np.frombuffer(packed, np.uint8).reshape(len(digests), DIGEST_BYTES)


def verify(path: Path) -> None:
    """Compare the arrays of a block with their checksum. Raises VectorStoreError if they have changed."""
    arrays, metadata, _ = _map(path)
    expected, actual = metadata.get("sha256"), _digest(arrays)
    if actual != expected:
        raise VectorStoreError(
            f"{path} has changed: the SHA-256 of its arrays is {actual}, but {expected} is wanted; build it anew"
        )


def _map(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str], dict[str, int]]:
    """The arrays of a safetensors file, mapped, its metadata, and where in the file each array begins.

    (The library's own reader copies them.)
    """
    try:
        whole = np.memmap(path, np.uint8, "r")
        size = int.from_bytes(whole[:8].tobytes(), "little")
        if size > MAX_HEADER_BYTES:
            raise ValueError(f"a header of {size} bytes")
        header = json.loads(whole[8 : 8 + size].tobytes())
        metadata = header.pop("__metadata__", {})
        data = np.asarray(whole[8 + size :])
        if len(data) != max(entry["data_offsets"][1] for entry in header.values()):
            raise ValueError(f"{len(data)} bytes of arrays")
        arrays = {name: _array(data, entry) for name, entry in header.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise VectorStoreError(f"{path} cannot be read: {error}; build the vectors anew") from error
    return arrays, metadata, {name: 8 + size + entry["data_offsets"][0] for name, entry in header.items()}


def _array(data: NDArray[np.uint8], entry: Mapping[str, Any]) -> NDArray[Any]:
    start, end = entry["data_offsets"]
    array: NDArray[Any] = data[start:end].view(DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return array


def _digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = sha256()
    for name in sorted(arrays):
        digest.update(arrays[name].data if arrays[name].size else b"")
    return digest.hexdigest()
