"""A real S3 server for tests: moto, in a virtual environment of its own, started on loopback and gone at the end."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.conftest import ROOT, free_port

ABSENT = "no S3 server here: make servers installs moto into .venv-s3"
PROGRAM = shutil.which("moto_server", path=os.pathsep.join([str(ROOT / ".venv-s3" / "bin"), os.environ["PATH"]]))
BUCKET = "lookalike"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "a-secret-of-tests", "AWS_REGION": "eu-west-1"}


@contextmanager
def server(home: Path) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str]]]:
    """A new server with an empty bucket: its process, and the environment of those who use it."""
    port = free_port()
    with (home / "moto.log").open("wb") as log:
        process = subprocess.Popen([str(PROGRAM), "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            while not _made(f"{address}/{BUCKET}"):
                if process.poll() is not None:
                    raise RuntimeError(f"moto_server stopped: {(home / 'moto.log').read_text()}")
                time.sleep(0.05)
            yield process, CREDENTIALS | {"AWS_ENDPOINT_URL": address}
        finally:
            process.kill()
            process.wait()


def _made(bucket: str) -> bool:
    """Whether the bucket could be made: moto believes whatever credentials it is told."""
    headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=someone/20260101/us-east-1/s3/aws4_request"}
    try:
        with requests.Session() as session:
            session.trust_env = False
            return session.put(bucket, headers=headers, timeout=10).ok
    except requests.ConnectionError:
        return False
