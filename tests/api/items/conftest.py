"""Everything here is tested with the items in a file and in PostgreSQL."""

from tests.api.both_databases import _use_database, client, postgres_client

__all__ = ["_use_database", "client", "postgres_client"]
