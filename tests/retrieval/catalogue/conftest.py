"""An empty database of each kind that a catalogue can be kept in."""

from pathlib import Path

import pytest


@pytest.fixture
def url(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> str:
    """An empty database."""
    if database == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'catalogue.sqlite'}"
