"""`python -m benchmarks.chaos`: two APIs, HAProxy and PostgreSQL under writers, readers, kills, swaps and a crash."""

import argparse
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.chaos.run import Plan, run


def main() -> None:
    """Run it, print what came of it, and exit with 1 where anything went wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.chaos", description=__doc__, epilog="Example: python -m benchmarks.chaos --minutes 5"
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="how long, 5 unless given")
    parser.add_argument("--kill-every", type=float, default=20.0, help="seconds between two kills, 20 unless given")
    parser.add_argument("--swaps", type=int, default=3, help="how often another bundle goes live, 3 unless given")
    arguments = parser.parse_args()
    haproxy = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if haproxy is None:
        sys.exit("haproxy is not installed: make proxies installs it.")
    with tempfile.TemporaryDirectory() as folder:
        report = run(Path(folder), haproxy, Plan(60 * arguments.minutes, arguments.kill_every, arguments.swaps))
    for name, value in asdict(report).items():
        print(f"{name.replace('_', ' ')}: {value}")
    sys.exit(1 if report.faults else 0)


if __name__ == "__main__":
    main()
