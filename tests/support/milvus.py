"""A real Milvus server for tests, in a virtual environment of its own, started once and gone at the end.

It listens on all interfaces, whatever it is told, so it is only started where there is no other network than loopback:
`make test-milvus` runs the tests in such a network.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.conftest import ROOT

PROGRAM = shutil.which("milvus-server", path=os.pathsep.join([str(ROOT / ".venv-milvus" / "bin"), os.environ["PATH"]]))
ABSENT = "no Milvus server here: make test-milvus installs it into .venv-milvus, and runs these tests"
OPEN = "Milvus listens on all interfaces: make test-milvus runs these tests in a network of their own"
SECONDS = 120
HASTE = {
    "QUERYCOORD_CHECKCHANNELINTERVAL": "50",
    "QUERYCOORD_CHECKSEGMENTINTERVAL": "50",
    "QUERYCOORD_DISTPULLINTERVAL": "50",
    "PROXY_TIMETICKINTERVAL": "50",
}
"""Settings by which it looks for work more often than it would for a user."""


def reason_to_skip() -> str | None:
    """Why no server can be started; None where one can."""
    if PROGRAM is None:
        return ABSENT
    addresses = [
        each.address for some in psutil.net_if_addrs().values() for each in some if each.family == socket.AF_INET
    ]
    return OPEN if any(not address.startswith("127.") for address in addresses) else None


@contextmanager
def server(home: Path, port: int) -> Iterator[str]:
    """The URL of a server that keeps its data in a folder: a new one, or the one that was there before."""
    data = home / "milvus"
    command = [str(PROGRAM), "--data", str(data), "--proxy-port", str(port)]
    if data.exists():  # the launcher would give it other ports, as long as connections of the first one linger
        command = [str(data / "bin" / "milvus"), "run", "standalone"]
    env = os.environ | HASTE | {"DEPLOY_MODE": "STANDALONE", "LD_LIBRARY_PATH": str(data / "bin")}
    with (home / "server.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=env, cwd=data if data.exists() else home)
        try:
            wait_until_ready(f"http://127.0.0.1:{port}")
            yield f"milvus://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGINT)  # which the launcher passes on to the server proper
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:  # it waits for clients that are still there
                process.kill()
                process.wait()


def wait_until_ready(address: str) -> None:
    """Wait until a server answers. Raises RuntimeError where none does."""
    from pymilvus import MilvusClient, MilvusException

    end = time.monotonic() + SECONDS
    while True:
        try:
            MilvusClient(address, timeout=2, dedicated=True).close()  # a connection of its own, which is made anew
            return
        except MilvusException as error:
            if time.monotonic() > end:
                raise RuntimeError(f"Milvus did not start: {error.message}") from error
            time.sleep(0.2)
