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
        hash_ = np.uint64(_hash(encoded))
        place = int(np.searchsorted(self.hashes, hash_))
        while place < len(self.hashes) and self.hashes[place] == hash_:  # two ids may have one hash
            row = int(self.rows[place])
            if self._bytes(row) == encoded:
                return row
            place += 1
        return None

    def names_of(self, rows: Numbers) -> list[str]:
        """The ids of these rows."""
        bounds = zip(self.offsets[rows].tolist(), self.offsets[rows + 1].tolist(), strict=True)
        return [str(self.text[start:end].data, "utf-8") for start, end in bounds]

    def rows_of(self, ids: Sequence[str]) -> Numbers:
        """The row of each of these ids, int64 [n]; -1 for one that is not here."""
        encoded = [each.encode() for each in ids]
        places = np.searchsorted(self.hashes, np.array([_hash(each) for each in encoded], np.uint64))
        rows = np.append(self.rows, -1)[places]
        for place, row in enumerate(rows.tolist()):
            if row >= 0 and self._bytes(row) != encoded[place]:
                other = self.row(ids[place])  # two ids may have one hash
                rows[place] = -1 if other is None else other
        return rows

    def rows_in(self, other: "PackedIds", late: Sequence[str]) -> Numbers:
        """Where the ids of these rows, and behind them the `late` ones, are in `other`; -1 for those that are not."""
        hashes = np.empty(len(self) + len(late), np.uint64)
        hashes[self.rows] = self.hashes
        hashes[len(self) :] = [_hash(each.encode()) for each in late]
        places = np.searchsorted(other.hashes, hashes)
        after = np.append(other.hashes, 0)
        # Of two ids with one hash nothing is said here.
        alike = (after[places] == hashes) & ((np.append(after, 0)[places + 1] != hashes) | (places + 1 >= len(other)))
        rows: Numbers = np.where((places < len(other)) & alike, np.append(other.rows, -1)[places], -1)
        return rows

    def name(self, row: int) -> str:
        """The id of a row."""
        return self._bytes(row).decode()

    def names(self) -> list[str]:
        """Every id, by row."""
        text, ends = self.text.tobytes(), self.offsets.tolist()
        return [text[start:end].decode() for start, end in pairwise(ends)]

    def _bytes(self, row: int) -> bytes:
        return self.text[self.offsets[row] : self.offsets[row + 1]].tobytes()


def hash_of(item_id: str) -> int:
    """The hash that an id is found by."""
    return _hash(item_id.encode())


def _hash(encoded: bytes) -> int:
    return int.from_bytes(blake2b(encoded, digest_size=8).digest(), "little")
