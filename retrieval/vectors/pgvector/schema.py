"""The vectors of a store in PostgreSQL, one row each, and how they change. Every function is a part of a transaction.

`vectors_<number>` has each vector, its cluster and what it was made of; see `postgresql/tables.py` for the tables
beside it.
"""

from collections.abc import Collection, Sequence

import numpy as np

from retrieval.clusters import Clusters, Vectors
from retrieval.errors import VectorStoreError
from retrieval.vectors.postgresql import tables as shared
from retrieval.vectors.postgresql.tables import Family, Rows, Tables

FAMILY = Family()

MIN_LENGTH = 1e-15
"""A shorter vector has no direction in pgvector, which squares its numbers in float32."""
MAX_DIMS = 2_000
"""More do not fit into a page of PostgreSQL."""

_VECTORS = """
CREATE TABLE {vectors} (
    row bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item text COLLATE "C" NOT NULL UNIQUE,
    cluster integer NOT NULL,
    sha256 text,
    short boolean NOT NULL,
    vector vector({dims}) NOT NULL
);
ALTER TABLE {vectors} ALTER COLUMN vector SET STORAGE PLAIN;
"""
_DELETE = """
WITH gone AS (DELETE FROM {vectors} WHERE item = ANY(%s) RETURNING cluster),
    counts AS (SELECT cluster, count(*) AS members FROM gone GROUP BY cluster),
    fewer AS (
        UPDATE {reach} AS reach SET members = reach.members - counts.members, version = %s
        FROM counts WHERE reach.cluster = counts.cluster
    )
SELECT coalesce(sum(members), 0)::bigint FROM counts
"""


def create_tables(connection: Rows, bundle: str, clusters: Clusters) -> Tables:
    """Make the tables of a new store. Raises psycopg's UniqueViolation if the bundle has one."""
    if clusters.dims > MAX_DIMS:
        raise VectorStoreError(
            f"PostgreSQL keeps vectors of at most {MAX_DIMS:,} numbers; these have {clusters.dims:,}"
        )
    tables = shared.register(connection, FAMILY, bundle, clusters)
    connection.execute(tables.of(_VECTORS))
    return tables


def create_indexes(connection: Rows, tables: Tables, index: str) -> None:
    """Make the indexes by cluster, and in an order that has nothing to do with the ids; once the vectors are there.

    With `hnsw` also one for each measure, which searches then use.
    """
    connection.execute(tables.of("CREATE INDEX ON {vectors} (cluster)"))
    connection.execute(tables.of("CREATE INDEX ON {vectors} (hashtextextended(item, 0))"))
    if index == "hnsw":
        for measure in ("cosine", "l2"):
            connection.execute(tables.of(f"CREATE INDEX ON {{vectors}} USING hnsw (vector vector_{measure}_ops)"))


def has_hnsw(connection: Rows, tables: Tables) -> bool:
    """Whether the vectors have such indexes."""
    found = connection.execute(
        "SELECT 1 FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam"
        " WHERE indrelid = %s::regclass AND amname = 'hnsw'",
        [tables.names()["vectors"]],
    )
    return found.fetchone() is not None


def insert(
    connection: Rows,
    tables: Tables,
    clusters: Clusters,
    ids: Sequence[str],
    vectors: Vectors,
    digests: Sequence[str | None] | None,
    version: int,
) -> None:
    """Insert vectors [n, d] under ids that are not in use, and widen the reach of their clusters."""
    assigned = clusters.assign(vectors)
    shared.widen(connection, tables, clusters, vectors, assigned, version)
    short = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64) < MIN_LENGTH**2
    with (
        connection.cursor() as cursor,
        cursor.copy(
            tables.of("COPY {vectors} (item, cluster, sha256, short, vector) FROM STDIN (FORMAT BINARY)")
        ) as copy,
    ):
        copy.set_types(["text", "int4", "text", "bool", "vector"])
        for row in np.argsort(assigned, kind="stable").tolist():  # a cluster's vectors lie side by side
            digest = digests[row] if digests else None
            copy.write_row((ids[row], int(assigned[row]), digest, bool(short[row]), vectors[row]))


def delete(connection: Rows, tables: Tables, ids: Collection[str], version: int) -> None:
    """Remove the vectors of these ids."""
    deleted = connection.execute(tables.of(_DELETE), [list(ids), version])
    shared.resize(connection, tables, -shared.value_of(deleted.fetchone()))
