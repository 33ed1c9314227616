"""A million ids in little memory: their text in one array, and a hash of each to find it by."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from retrieval.clusters import Numbers


@dataclass(frozen=True, slots=True, eq=False)
class PackedIds:
    """n different ids, by row."""

    text: NDArray[np.uint8]
    """All ids one after the other, UTF-8."""
    offsets: Numbers
    """Where each begins and ends in `text`, int64 [n + 1]."""
    hashes: NDArray[np.uint64]
    """A hash of each id, ascending [n]."""
    rows: Numbers
    """The row of each hash [n]."""

    @classmethod
    def of(cls, ids: Sequence[str]) -> "PackedIds":
        """Packs ids, which must be different."""
        encoded = [each.encode() for each in ids]
        offsets = np.zeros(len(ids) + 1, np.int64)
        np.cumsum([len(each) for each in encoded], out=offsets[1:])
        hashes = np.array([_hash(each) for each in encoded], np.uint64)
        rows = np.argsort(hashes, kind="stable")
        return cls(np.frombuffer(b"".join(encoded), np.uint8), offsets, hashes[rows], rows)

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, item_id: str) -> int | None:
        """The row of an id; None if it is not here."""
        encoded = item_id.encode()
        wanted = np.uint64(_hash(encoded))
        place = int(np.searchsorted(self.hashes, wanted))
        while place < len(self.hashes) and self.hashes[place] == wanted:  # two ids may have one hash
            row = int(self.rows[place])
            if self._bytes(row) == encoded:
                return row
            place += 1
        return None

    def names_of(self, rows: Numbers) -> list[str]:
        """The ids of these rows."""
        bounds = zip(self.offsets[rows].tolist(), self.offsets[rows + 1].tolist(), strict=True)
        return [str(self.text[start:end].data, "utf-8") for start, end in bounds]

    def name(self, row: int) -> str:
        """The id of a row."""
        return self._bytes(row).decode()

    def names(self) -> list[str]:
        """Every id, by row."""
        text, ends = self.text.tobytes(), self.offsets.tolist()
        return [text[start:end].decode() for start, end in pairwise(ends)]

    def _bytes(self, row: int) -> bytes:
        return self.text[self.offsets[row] : self.offsets[row + 1]].tobytes()


def _hash(encoded: bytes) -> int:
    return int.from_bytes(blake2b(encoded, digest_size=8).digest(), "little")
