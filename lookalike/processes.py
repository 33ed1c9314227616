"""The processes of the demo: the trainer, then the API and the page side by side, all on this machine alone."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

from trainer.commands.terminal.console import err, out

HOST = "127.0.0.1"
HOME = Path(__file__).resolve().parent.parent  # that holds the packages: a clone, or site-packages
DIRECT = build_opener(ProxyHandler({}))  # a proxy of the environment knows nothing of our loopback
START_SECONDS = 120  # until both services must answer

Process = subprocess.Popen[bytes]


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a port in TIME_WAIT is free
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def run_trainer(*arguments: str) -> int:
    """Run a command of the trainer to its end; returns its exit code. Ctrl-C reaches it too: it can keep its work."""
    trainer = _start(arguments)
    try:
        return trainer.wait()
    except KeyboardInterrupt:
        return trainer.wait()
    finally:
        if trainer.poll() is None:
            trainer.send_signal(signal.SIGINT)
            trainer.wait()


def serve(artifacts: Path, port: int, ui_port: int) -> int:
    """Run both services and a worker until Ctrl-C, or until one of them stops by itself. Returns the exit code."""
    api, page = f"http://{HOST}:{port}", f"http://{HOST}:{ui_port}"
    settings = {
        "LOOKALIKE_ARTIFACTS": str(artifacts),
        "LOOKALIKE_API_HOST": HOST,
        "LOOKALIKE_API_PORT": str(port),
        "LOOKALIKE_API_URL": api,
        "LOOKALIKE_UI_HOST": HOST,
        "LOOKALIKE_UI_PORT": str(ui_port),
    }
    # In sessions of their own: Ctrl-C reaches this process alone, which then stops them in good order.
    commands = [["api"], ["page"], ["worker", "--artifacts", str(artifacts)]]
    services = [_start(command, settings, own_session=True) for command in commands]
    try:
        if _wait_until_ready(services, [f"{api}/readyz", page]):
            out.print(
                f"\nThe page:  {page}\nThe API:   {api}/docs\n\nCtrl-C stops both and the worker.", highlight=False
            )
            while all(service.poll() is None for service in services):
                time.sleep(0.2)
        if all(service.poll() is None for service in services):
            err.print(f"Not ready after {START_SECONDS} s: {_reason(f'{api}/readyz')}", markup=False, soft_wrap=True)
        else:
            err.print("A service has stopped by itself; its last lines above say why.")
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(services)


def _start(
    arguments: Sequence[str], settings: Mapping[str, str] | None = None, *, own_session: bool = False
) -> Process:
    """`lookalike ...` by this very interpreter and package, whatever lies in the folder it is called from."""
    path = os.pathsep.join(filter(None, (str(HOME), os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(  # noqa: S603 - it runs our own command
        [sys.executable, "-P", "-m", "lookalike", *arguments],
        env={**os.environ, "PYTHONPATH": path, **(settings or {})},
        start_new_session=own_session,
    )


def _wait_until_ready(services: Sequence[Process], addresses: Sequence[str]) -> bool:
    """True once every address answers with success; False when a service dies or it takes too long."""
    waiting, deadline = list(addresses), time.monotonic() + START_SECONDS
    while waiting and time.monotonic() < deadline and all(service.poll() is None for service in services):
        try:
            with DIRECT.open(waiting[0], timeout=5):
                waiting.pop(0)
        except (URLError, OSError):
            time.sleep(0.1)
    return not waiting


def _reason(address: str) -> str:
    """What a service says of itself."""
    try:
        with DIRECT.open(address, timeout=5) as answer:
            return str(answer.read().decode())
    except HTTPError as error:
        return error.read().decode()
    except OSError as error:
        return str(error)


def _stop(services: Sequence[Process]) -> None:
    """Ask each to end, and insist after ten seconds."""
    for service in services:
        service.terminate()
    for service in services:
        try:
            service.wait(10)
        except subprocess.TimeoutExpired:
            service.kill()
