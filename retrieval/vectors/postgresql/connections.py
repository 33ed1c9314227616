"""Connections to the PostgreSQL database in which a vector store keeps its tables."""

from collections.abc import Callable
from urllib.parse import urlsplit

from psycopg_pool import ConnectionPool, PoolTimeout

from retrieval.errors import StorageError
from retrieval.vectors.postgresql.tables import Rows

POOL_SIZE = 16
"""Connections of one open store, at most: as many searches at once."""
CONNECT_SECONDS = 10.0


def open_pool(
    url: str, bundle: str, *, busy_seconds: float, prepare: Callable[[Rows], None] | None = None
) -> ConnectionPool[Rows]:
    """The connections of a store; `prepare` sets each of them up. Raises StorageError."""

    def configure(connection: Rows) -> None:
        if prepare is not None:
            prepare(connection)
        connection.execute("SET jit = off")  # it costs more than these queries take
        connection.execute(f"SET lock_timeout = {max(1, round(1000 * busy_seconds))}")
        connection.commit()

    pool = ConnectionPool[Rows](
        url,
        min_size=1,
        max_size=POOL_SIZE,
        open=False,
        timeout=busy_seconds,
        configure=configure,
        check=ConnectionPool.check_connection,
    )
    try:
        pool.open(wait=True, timeout=CONNECT_SECONDS)
    except PoolTimeout as error:
        pool.close()
        raise StorageError(f"the vectors of {bundle} cannot be reached: {error}") from error
    except BaseException:
        pool.close()
        raise
    return pool


def driver_url(url: str) -> str:
    """The URL without the driver that SQLAlchemy's form names, as psycopg takes it."""
    scheme = urlsplit(url).scheme
    return "postgresql" + url[len(scheme) :]
