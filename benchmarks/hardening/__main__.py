"""`python -m benchmarks.hardening`: treat an API badly, and say what it did.

Each measurement starts `python -m api` on a loopback port of its own. Small artifacts are made up, with an encoder that
costs next to nothing; load is measured with a real one: name your artifacts, which stay as they are.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

import psutil

from benchmarks import setup
from benchmarks.hardening import bomb_bodies, load, malformed, wire
from tests.conftest import free_port, running
from tests.support.bundles import picture, pieces, write_artifacts

BOMB_ROUNDS = 10
EXAMPLE = "Example: python -m benchmarks.hardening malformed --count 100000"


def main() -> None:
    """Run the named measurements, or all of them."""
    measures = {"malformed": _malformed, "bombs": _bombs, "overload": _overload, "slow": _slow, "soak": _soak}
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE)
    parser.add_argument("names", nargs="*", choices=[*measures, []], help="all of them unless named")
    parser.add_argument("--count", type=int, default=10_000, help="malformed requests (default 10,000)")
    parser.add_argument("--seconds", type=float, default=60, help="of each run under load (default 60)")
    parser.add_argument("--seed", type=int, default=0, help="of the malformed requests (default 0)")
    parser.add_argument("--artifacts", type=Path, help="what is served; made up unless named")
    parser.add_argument("--publish", action="store_true", help="write the figures into docs/benchmarks.md")
    options = parser.parse_args()
    for name in options.names or list(measures):
        with tempfile.TemporaryDirectory() as folder:
            if options.artifacts is None:
                write_artifacts(Path(folder), pieces(60))
            else:
                shutil.copytree(options.artifacts, folder, dirs_exist_ok=True)
            port = free_port()
            settings = {"artifacts": folder, "api_port": port, "fetch_urls": "false", "query_cache_size": 0}
            with running("api", port, "/readyz", **settings) as server:
                text = measures[name](port, psutil.Process(server.pid), options)
                print(f"{name}: {text}", flush=True)
        if options.publish:
            setup.publish(f"hardening_{name}", "\n".join(f"- {line}" for line in text.splitlines()))


def _malformed(port: int, process: psutil.Process, options: argparse.Namespace) -> str:
    return str(malformed.run(port, process, options.count, options.seed))


def _bombs(port: int, process: psutil.Process, _options: argparse.Namespace) -> str:
    return str(malformed.send_all(port, process, bomb_bodies.requests() * BOMB_ROUNDS))


def _overload(port: int, _process: psutil.Process, options: argparse.Namespace) -> str:
    return str(wire.run(load.overload(port, _photographs(), seconds=options.seconds)))


def _slow(port: int, _process: psutil.Process, options: argparse.Namespace) -> str:
    return str(wire.run(load.slow_sockets(port, _photographs(), sockets=500, seconds=options.seconds / 2)))


def _soak(port: int, process: psutil.Process, options: argparse.Namespace) -> str:
    return str(wire.run(load.soak(port, process, _photographs(), seconds=options.seconds)))


def _photographs() -> list[bytes]:
    """As large as a camera's preview, so that decoding takes as long as it usually does."""
    return [picture(number, width=2400, height=1800) for number in range(16)]


if __name__ == "__main__":
    main()
