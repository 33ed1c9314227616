"""Vectors of pictures that were searched with lately, so that the same picture is not decoded and encoded again."""

import threading
from collections import OrderedDict
from hashlib import sha256

from retrieval.clusters import Vectors


class QueryVectorCache:
    """The vectors of at most `capacity` pictures under one bundle, the latest asked for. Safe to use from many threads.

    `hits` and `misses` count what was asked for and was here, and was not.
    """

    def __init__(self, capacity: int) -> None:
        self.hits = self.misses = 0
        self._capacity = capacity
        self._vectors: OrderedDict[bytes, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: bytes) -> Vectors | None:
        """The vector float32 [d] of what has this name, if it is here."""
        with self._lock:
            vector = self._vectors.get(name)
            if vector is None:
                self.misses += 1
                return None
            self.hits += 1
            self._vectors.move_to_end(name)
            return vector

    def put(self, name: bytes, vector: Vectors) -> None:
        """Keep a vector, in place of the one that was asked for least lately."""
        own_copy = vector.copy()  # and not a view that keeps a whole batch alive
        with self._lock:
            self._vectors[name] = own_copy
            self._vectors.move_to_end(name)
            while len(self._vectors) > self._capacity:
                self._vectors.popitem(last=False)


def name_of(data: bytes, part: object) -> bytes:
    """The same for the same file and the same part of it; `part` says by its repr() which one."""
    return sha256(data).digest() + repr(part).encode()
