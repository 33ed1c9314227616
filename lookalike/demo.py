"""Train if nothing is published yet, then serve: the whole of `make demo`.

Without --images it is the generated pottery shop in artifacts/; every other source or configuration gets a folder of
its own below artifacts/own, so that several can lie side by side and each starts at once the second time.
"""

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
POTTERY = "pottery"
DEFAULT_CONFIG = "trainer/configs/demo.toml"
DIRECTLY = build_opener(ProxyHandler({}))  # a proxy of the environment knows nothing of our loopback
START_SECONDS = 120  # until both services must answer


def main() -> int:
    """Parse, check, train, serve. Returns the exit code."""
    options = parse()
    for end in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(end, lambda *_: sys.exit(0))
    for name, port in {"PORT": options.port, "UI_PORT": options.ui_port}.items():
        if not is_free(port):
            print(f"Port {port} is taken. Choose another: make demo {name}={port + 1}", file=sys.stderr)
            return 1
    artifacts = artifacts_folder(options.images, options.config)
    if (artifacts / "CURRENT").exists():
        print(f"Serving what is published in {shown(artifacts)}. To train anew: rm {shown(artifacts / 'CURRENT')}")
    elif code := train(options.images, options.config, artifacts):
        return code
    return serve(artifacts, options.port, options.ui_port)


def parse() -> argparse.Namespace:
    """The options, as the Makefile passes them."""
    parser = argparse.ArgumentParser(description=__doc__, epilog="Example: make demo IMAGES=~/Pictures PORT=8080")
    parser.add_argument("--images", default=POTTERY, help="a folder or a CSV of pictures; empty: the pottery shop")
    parser.add_argument("--config", default=DEFAULT_CONFIG, help="training configuration")
    parser.add_argument("--port", type=port_number, default=8000, help="of the API")
    parser.add_argument("--ui-port", type=port_number, default=5000, help="of the page")
    options = parser.parse_args()
    if options.images in ("", POTTERY):
        options.images = POTTERY
    else:
        options.images = str(Path(options.images).expanduser().absolute())
    if options.port == options.ui_port:
        parser.error("the API and the page need two different ports")
    return options


def port_number(text: str) -> int:
    """A port that an ordinary user may listen on."""
    if not (text.isdecimal() and 1024 <= int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"{text} is not a port number from 1024 to 65535")
    return int(text)


def train(source: str, config: str, artifacts: Path) -> int:
    """Run the trainer and return its exit code. Ctrl-C reaches it as well; it is given the time to keep its work."""
    command = [sys.executable, "-m", "trainer", "run", "--source", source, "--config", config]
    trainer = subprocess.Popen([*command, "--artifacts", artifacts], cwd=ROOT)
    try:
        return trainer.wait()
    except KeyboardInterrupt:
        return trainer.wait()
    finally:
        if trainer.poll() is None:
            trainer.send_signal(signal.SIGINT)
            trainer.wait()


def is_free(port: int) -> bool:
    """Whether a server could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a port in TIME_WAIT is free
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def artifacts_folder(source: str, config: str) -> Path:
    """Where a demo keeps what it makes: the same each time for the same pictures and configuration."""
    if (source, config) == (POTTERY, DEFAULT_CONFIG):
        return ROOT / "artifacts"
    name = re.sub(r"[^a-z0-9]+", "-", Path(source).stem.lower()).strip("-") or "pictures"
    digest = sha256(f"{source} {config}".encode("utf-8", "surrogateescape")).hexdigest()
    return ROOT / "artifacts" / "own" / f"{name}-{digest[:8]}"


def serve(artifacts: Path, port: int, ui_port: int) -> int:
    """Run both services until Ctrl-C, or until one of them stops by itself."""
    api, page = f"http://{HOST}:{port}", f"http://{HOST}:{ui_port}"
    settings = {
        "LOOKALIKE_ARTIFACTS": str(artifacts),
        "LOOKALIKE_API_HOST": HOST,
        "LOOKALIKE_API_PORT": str(port),
        "LOOKALIKE_API_URL": api,
        "LOOKALIKE_UI_HOST": HOST,
        "LOOKALIKE_UI_PORT": str(ui_port),
    }
    services = [  # in sessions of their own: Ctrl-C reaches this process alone, which then stops them in good order
        subprocess.Popen([sys.executable, "-m", module], cwd=ROOT, env=os.environ | settings, start_new_session=True)
        for module in ("api", "frontend")
    ]
    try:
        if wait_until_ready(services, [f"{api}/readyz", page]):
            print(f"\nThe page:  {page}\nThe API:   {api}/docs\n\nCtrl-C stops both.", flush=True)
            while all(service.poll() is None for service in services):
                time.sleep(0.2)
        if all(service.poll() is None for service in services):
            print(f"Not ready after {START_SECONDS} s: {reason(f'{api}/readyz')}", file=sys.stderr)
        else:
            print("A service has stopped by itself; its last lines above say why.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        stop(services)


def wait_until_ready(services: list[subprocess.Popen[bytes]], addresses: list[str]) -> bool:
    """True once every address answers with success; False when a service dies or it takes too long."""
    waiting, deadline = list(addresses), time.monotonic() + START_SECONDS
    while waiting and time.monotonic() < deadline and all(service.poll() is None for service in services):
        try:
            with DIRECTLY.open(waiting[0], timeout=5):
                waiting.pop(0)
        except (URLError, OSError):
            time.sleep(0.1)
    return not waiting


def reason(address: str) -> str:
    """What a service says of itself."""
    try:
        with DIRECTLY.open(address, timeout=5) as answer:
            return answer.read().decode()
    except HTTPError as error:
        return error.read().decode()
    except OSError as error:
        return str(error)


def stop(services: list[subprocess.Popen[bytes]]) -> None:
    """Ask each to end, and insist after ten seconds."""
    for service in services:
        service.terminate()
    for service in services:
        try:
            service.wait(10)
        except subprocess.TimeoutExpired:
            service.kill()


def shown(path: Path) -> str:
    """A path as short as it can be said."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


if __name__ == "__main__":
    sys.exit(main())
