"""The two collections that a bundle has in Milvus, and all that is asked of them.

Milvus compares by one measure in each collection: inner products of the vectors' directions in one of them, which are
cosines, and squared Euclidean distances of the vectors themselves in the other. Each row has a number, which is never
used twice, and its cluster. A search waits until it sees all that was written before a timestamp of Milvus.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc
import numpy as np
from pymilvus import DataType, MilvusClient, MilvusException

from retrieval.clusters import Metric, Numbers, Vectors, directions_of
from retrieval.errors import LookalikeError, StorageError, VectorStoreError, VectorsUnavailable
from retrieval.vectors.address import VectorsAddress
from retrieval.vectors.milvus.indexes import INDEXES

SECONDS = 10.0
"""How long Milvus may take for one answer."""
LOAD_SECONDS = 600.0
"""How long it may take to load a collection into its memory."""
RETRIES = 5
"""How often a call is repeated at once where Milvus does not take it: 1 s together."""
INSERT_BYTES = 4 << 20
"""Of vectors in one message; Milvus takes 64 MB."""
ROWS_TOGETHER = 2_000
"""Rows fetched by their numbers, or deleted, at once."""
MAX_ROWS = 16_384
"""More rows Milvus does not return for one search."""
COLLECTION_MISSING = 100


def connect(address: VectorsAddress) -> MilvusClient:
    """A client of a server; those of one server share a connection. Raises StorageError.

    Where the address has no token, the environment variable MILVUS_TOKEN is used, as psycopg and fsspec use theirs.
    """
    token = address.token or os.environ.get("MILVUS_TOKEN", "")
    with reported("all bundles"):
        return MilvusClient(address.url, token=token, db_name=address.database, timeout=SECONDS)


def check(client: MilvusClient) -> None:
    """Raise StorageError unless the server answers."""
    with reported("all bundles"):
        client.get_server_version(timeout=SECONDS, retry_times=0)


@contextmanager
def reported(bundle: str, unreachable: type[LookalikeError] = StorageError) -> Iterator[None]:
    """Turn what the client raises into the errors of this package; `unreachable` where Milvus does not answer."""
    try:
        yield
    except MilvusException as error:
        if error.code == COLLECTION_MISSING:
            raise VectorStoreError(f"the vectors of {bundle} are not in Milvus any more: {error.message}") from error
        raise unreachable(f"the vectors of {bundle} cannot be reached in Milvus: {error.message}") from error
    except grpc.RpcError as error:
        raise unreachable(f"the vectors of {bundle} cannot be reached in Milvus: {error}") from error


@dataclass(frozen=True, slots=True)
class Collections:
    """Of one bundle. Safe to use from many threads."""

    client: MilvusClient
    bundle: str
    name: str
    index: str
    clusters: int

    def names(self) -> dict[Metric, str]:
        """Of the collections, by the measure that each is searched by."""
        return {"cosine": f"{self.name}_directions", "euclidean": f"{self.name}_vectors"}

    def create(self, dims: int) -> None:
        """Make both, empty, and let Milvus load them for searches. Raises StorageError."""
        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("cluster", DataType.INT32)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dims)
        kind = INDEXES[self.index]
        with reported(self.bundle):
            for metric, name in self.names().items():
                indexes = MilvusClient.prepare_index_params()
                measure = "IP" if metric == "cosine" else "L2"
                indexes.add_index(
                    "vector", index_type=kind.name, metric_type=measure, params=kind.building(self.clusters)
                )
                indexes.add_index("cluster", index_type="STL_SORT")
                # One shard: then a message is seen as a whole, or not at all.
                self.client.create_collection(name, schema=schema, num_shards=1, timeout=SECONDS)
                self.client.create_index(name, indexes, sync=False, timeout=SECONDS)

    def load(self) -> None:
        """Wait until both are in Milvus's memory; a moment where they are already. Raises as `reported` does."""
        load = partial(self.client.load_collection, timeout=LOAD_SECONDS)
        with reported(self.bundle), ThreadPoolExecutor(len(self.names())) as both:
            list(both.map(load, self.names().values()))

    def drop(self) -> None:
        """Remove both, where they exist."""
        with reported(self.bundle):
            for name in self.names().values():
                self.client.drop_collection(name, timeout=SECONDS)

    def insert(self, rows: Numbers, clusters: Numbers, vectors: Vectors) -> int:
        """Add vectors [n, d]: the timestamp at which all of them can be seen. Durable when it returns."""
        together = max(1, INSERT_BYTES // vectors[:1].nbytes) if len(vectors) else 1
        written = 0
        for start in range(0, len(rows), together):
            some = slice(start, start + together)
            numbers, cells = rows[some].tolist(), clusters[some].tolist()
            for metric, name in self.names().items():
                points = directions_of(vectors[some].astype(np.float64)) if metric == "cosine" else vectors[some]
                entities = [
                    {"id": number, "cluster": cell, "vector": point}
                    for number, cell, point in zip(numbers, cells, points, strict=True)
                ]
                with reported(self.bundle):
                    # MilvusClient.insert is this call, but keeps the timestamp to itself.
                    result = self.client._get_connection().insert_rows(
                        name, entities, timeout=SECONDS, retry_times=RETRIES
                    )
                written = max(written, int(result.timestamp))
        return written

    def delete(self, rows: Sequence[int]) -> None:
        """Remove rows; those that are not here are passed over."""
        for start in range(0, len(rows), ROWS_TOGETHER):
            condition = f"id in {list(rows[start : start + ROWS_TOGETHER])}"
            with reported(self.bundle):
                for name in self.names().values():
                    self.client.delete(name, filter=condition, timeout=SECONDS, retry_times=RETRIES)

    def flush(self) -> None:
        """Let Milvus write what is new into segments, which it then builds indexes of."""
        with reported(self.bundle):
            for name in self.names().values():
                self.client.flush(name, timeout=LOAD_SECONDS)

    def nearest(
        self, metric: Metric, point: Vectors, limit: int, *, opened: Numbers | None, written: int
    ) -> tuple[Numbers, Vectors]:
        """Of the rows in the opened clusters (None: of all) the nearest: numbers, and products or squared distances."""
        condition = "" if opened is None else f"cluster in {opened.tolist()}"
        params = INDEXES[self.index].searching(limit, self.clusters)
        with reported(self.bundle, VectorsUnavailable):
            (hits,) = self._waiting(written)(
                self.client.search,
                self.names()[metric],
                [point],
                filter=condition,
                limit=limit,
                search_params={"metric_type": "IP" if metric == "cosine" else "L2", "params": params},
            )
        numbers = np.array([hit["id"] for hit in hits], np.int64)
        return numbers, np.array([hit["distance"] for hit in hits], np.float32)

    def vectors(self, rows: Numbers, written: int) -> dict[int, Vectors]:
        """The vectors of these rows, by number. Raises VectorStoreError if one has got lost."""
        vectors: dict[int, Vectors] = {}
        for start in range(0, len(rows), ROWS_TOGETHER):
            some = rows[start : start + ROWS_TOGETHER].tolist()
            with reported(self.bundle, VectorsUnavailable):
                entities = self._waiting(written)(
                    self.client.query,
                    self.names()["euclidean"],
                    filter=f"id in {some}",
                    output_fields=["vector"],
                )
            vectors.update((entity["id"], np.array(entity["vector"], np.float32)) for entity in entities)
            if len(vectors) < min(start + ROWS_TOGETHER, len(rows)):
                raise VectorStoreError(
                    f"Milvus has lost vectors of {self.bundle}: add its items again, or migrate again"
                )
        return vectors

    def rows_between(self, first: int, last: int, metric: Metric, written: int) -> set[int]:
        """The numbers of the rows from one number to another, at most 16,384 of them."""
        with reported(self.bundle, VectorsUnavailable):
            entities = self._waiting(written)(
                self.client.query,
                self.names()[metric],
                filter=f"id >= {first} and id <= {last}",
                output_fields=["id"],
                limit=MAX_ROWS,
            )
        return {int(entity["id"]) for entity in entities}

    def _waiting(self, written: int) -> Any:
        """Calls a function so that it sees what was written until this timestamp."""
        return lambda function, *arguments, **options: function(
            *arguments,
            guarantee_timestamp=written,
            consistency_level="Customized",
            timeout=SECONDS,
            retry_times=RETRIES,
            **options,
        )
