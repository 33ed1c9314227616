"""What the driver of PostgreSQL raises, as the errors of this package."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from retrieval.errors import StorageBusy, StorageError, VectorStoreError


@contextmanager
def reported(bundle: str) -> Iterator[None]:
    """Turn what the driver raises into the errors of this package."""
    try:
        yield
    except psycopg.errors.LockNotAvailable as error:
        raise StorageBusy(f"the vectors of {bundle} are being changed by another process") from error
    except (psycopg.OperationalError, psycopg.errors.InsufficientResources) as error:
        raise StorageError(f"the vectors of {bundle} cannot be reached: {error}") from error
    except psycopg.Error as error:
        raise VectorStoreError(f"the vectors of {bundle} cannot be used: {error}") from error
