"""The two kinds of databases that a catalogue can be kept in."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests import postgres
from tests.conftest import free_port


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    if not postgres.is_installed():
        pytest.skip(postgres.ABSENT)
    with postgres.server(free_port()) as address:
        yield address


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """An empty database."""
    name = f"test_{secrets.token_hex(4)}"
    engine = sa.create_engine(f"{postgres_server}postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{postgres_server}{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'catalogue.sqlite'}"
