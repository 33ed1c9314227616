"""Stores of pictures, each empty: a folder, one by its URL, a store in memory, and a real S3 server."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import s3


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of those who use the server."""
    if s3.PROGRAM is None:
        pytest.skip(s3.ABSENT)
    with s3.server(tmp_path_factory.mktemp("s3")) as (_process, environment):
        yield environment


@pytest.fixture(params=["artifacts", "file", "memory", pytest.param("s3", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """Where the pictures are; None: in the artifacts folder."""
    name = secrets.token_hex(4)
    if request.param == "s3":
        for variable, value in request.getfixturevalue("s3_server").items():
            monkeypatch.setenv(variable, value)
        return f"s3://{s3.BUCKET}/{name}"
    places = {"artifacts": None, "file": f"file://{tmp_path / 'a shelf'}", "memory": f"memory://{name}/shop"}
    return places[request.param]
