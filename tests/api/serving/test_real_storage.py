"""A real disk that is full, and a real folder that is read-only: mounted for one API alone, in its own namespace."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.conftest import ROOT, environment, free_port
from tests.support.bundles import picture, pieces, write_artifacts

pytestmark = [pytest.mark.slow, pytest.mark.crash]

NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")


@contextmanager
def api_in_namespace(mounting: str, artifacts: Path) -> Iterator[tuple[httpx2.Client, Path]]:
    """An API that starts after the shell commands `mounting`; a client, and the artifacts folder as it sees it."""
    if shutil.which("unshare") is None or subprocess.run([*NAMESPACE, "true"], check=False).returncode:
        pytest.skip("no mounts of one's own here: unshare --user --mount is not allowed")
    port = free_port()
    command = f'{mounting} && exec "{sys.executable}" -m api'
    settings = environment(LOOKALIKE_ARTIFACTS=str(artifacts), LOOKALIKE_API_PORT=str(port))
    process = subprocess.Popen([*NAMESPACE, "sh", "-c", command], cwd=ROOT, env=settings)
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            while not _is_ready(client):
                assert process.poll() is None
                time.sleep(0.05)
            yield client, Path(f"/proc/{process.pid}/root{artifacts}")
    finally:
        process.terminate()
        process.wait()


def _is_ready(client: httpx2.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx2.TransportError:
        return False


def until_writes(client: httpx2.Client, state: str) -> None:
    while client.get("/readyz").json()["writes"] != state:
        time.sleep(0.1)


def test_a_disk_that_fills_up_and_has_room_again(tmp_path: Path) -> None:
    made, artifacts = tmp_path / "made", tmp_path / "artifacts"
    write_artifacts(made, pieces(20))
    artifacts.mkdir()
    mounting = f'mount -t tmpfs -o size=12m tmpfs "{artifacts}" && cp -r "{made}/." "{artifacts}"'
    with api_in_namespace(mounting, artifacts) as (client, seen):
        assert client.post("/items", files={"file": picture(500)}).status_code == 201
        with (seen / "filler").open("wb") as filler:
            while True:
                try:
                    os.write(filler.fileno(), bytes(4096))
                except OSError:
                    break
        refused = client.post("/items", files={"file": picture(501, width=900, height=900)})
        assert (refused.status_code, refused.json()["code"]) == (507, "storage_full")
        until_writes(client, "unavailable")
        assert client.post("/search", files={"file": picture(1)}).status_code == 200
        assert client.get("/items").json()["total"] == 21
        (seen / "filler").unlink()
        until_writes(client, "available")
        assert client.post("/items", files={"file": picture(501, width=900, height=900)}).status_code == 201
        assert client.get("/items").json()["total"] == 22


def test_a_folder_of_pictures_that_is_read_only(tmp_path: Path) -> None:
    write_artifacts(tmp_path, pieces(20))
    images = tmp_path / "images"
    images.mkdir()
    mounting = f'mount --bind "{images}" "{images}" && mount -o remount,bind,ro "{images}"'
    with api_in_namespace(mounting, tmp_path) as (client, _seen):
        refused = client.post("/items", files={"file": picture(500)})
        assert (refused.status_code, refused.json()["code"]) == (503, "write_unavailable")
        assert int(refused.headers["retry-after"]) > 0
        until_writes(client, "unavailable")
        assert client.post("/search", files={"file": picture(1)}).status_code == 200
        assert client.patch("/item?id=shelf 0/piece-000", json={"label": "other"}).status_code == 200
