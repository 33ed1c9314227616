"""Two APIs with artifacts folders of their own, over PostgreSQL with pgvector, behind the HAProxy that is shipped."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2

from retrieval import bundle
from retrieval.bundle.remote import BundleStore
from retrieval.catalogue import Catalogue
from retrieval.pictures import keep_all, location_of, open_pictures
from retrieval.vectors.stores import copy_store, vector_stores
from tests.conftest import ROOT, free_port
from tests.support import postgres
from tests.support.bundles import pieces, write_artifacts

BUNDLES = ("first", "second")
PIECES = 60
NAMES = ("api-1", "api-2")


@dataclass
class Fleet:
    """Where requests go, and what can be done to what answers them."""

    address: str
    """Of HAProxy."""
    addresses: list[str]
    """Of each API."""
    kill: Callable[[int], None]
    """SIGKILL to one API."""
    start: Callable[[int], None]
    """One API again, on the same port; does not wait until it is ready."""
    restart_database: Callable[[float], None]
    """Crash PostgreSQL, and start it again after so many seconds."""


@contextmanager
def fleet(home: Path, haproxy: str) -> Iterator[Fleet]:
    """All of it, ready, with two bundles of one shop, of which the first is live."""
    ports = [free_port() for _ in NAMES]
    addresses = [f"http://127.0.0.1:{port}" for port in ports]
    processes: dict[int, subprocess.Popen[bytes]] = {}
    with ExitStack() as stack:
        database = stack.enter_context(postgres.restartable(free_port(), postgres.programs_with_pgvector()))
        server, restart = database
        url, store = f"{server}postgres", f"file://{home / 'store'}"
        _fill(home, url, store)

        def start(number: int) -> None:
            settings = {
                "LOOKALIKE_ARTIFACTS": str(home / NAMES[number]),
                "LOOKALIKE_API_PORT": str(ports[number]),
                "LOOKALIKE_CATALOGUE_URL": url,
                "LOOKALIKE_VECTORS_URL": url.replace("+psycopg", ""),
                "LOOKALIKE_PICTURES_URL": f"file://{home / 'pictures'}",
                "LOOKALIKE_ARTIFACTS_URL": store,
                "LOOKALIKE_ONNX_THREADS": "1",
                "LOOKALIKE_KEEP_SECONDS": "20",
                "OMP_NUM_THREADS": "1",
            }
            (home / NAMES[number]).mkdir(exist_ok=True)
            log = stack.enter_context((home / f"{NAMES[number]}.log").open("ab"))
            processes[number] = subprocess.Popen(
                [sys.executable, "-m", "api"], cwd=ROOT, env=os.environ | settings, stdout=log, stderr=log
            )

        def kill(number: int) -> None:
            processes[number].kill()
            processes[number].wait()

        try:
            for number in range(len(NAMES)):
                start(number)
            port = free_port()
            command = [haproxy, "-db", "-f", str(_configuration(home, port, dict(zip(NAMES, ports, strict=True))))]
            balancer = stack.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL))
            stack.callback(balancer.terminate)
            for address in (*addresses, f"http://127.0.0.1:{port}"):
                wait_until_ready(address)
            yield Fleet(f"http://127.0.0.1:{port}", addresses, kill, start, restart)
        finally:
            for process in processes.values():
                process.kill()
                process.wait()


def wait_until_ready(address: str) -> None:
    """Return once /readyz says so."""
    while True:
        try:
            if httpx2.get(f"{address}/readyz", timeout=10).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.1)


def _fill(home: Path, url: str, store: str) -> None:
    """The shop: its items in the database, its vectors there as well, its pictures and its bundles by their URLs."""
    made, pictures = home / "made", open_pictures(home, f"file://{home / 'pictures'}")
    for seed, bundle_id in enumerate(BUNDLES):
        write_artifacts(made, pieces(PIECES), bundle_id=bundle_id, seed=7 + seed, publish=seed == 0)
    here, there = vector_stores(made), vector_stores(made, url.replace("+psycopg", ""))
    for bundle_id in BUNDLES:
        folder = bundle.bundle_path(made, bundle_id)
        copy_store(bundle_id, lambda folder=folder: bundle.read_clusters(folder), here, there)  # type: ignore[misc]
        BundleStore(store).keep(folder)
    with closing(Catalogue(bundle.catalogue_url(made))) as source, closing(Catalogue(url)) as target:
        items = [replace(item, location=location_of(item.sha256, item.media_type)) for item in source.items()]
        keep_all(
            pictures,
            {new.location: (made / old.location).read_bytes() for new, old in zip(items, source.items(), strict=True)},
        )
        target.replace_source(items)
        if target.releases is not None:
            target.releases.go_live(BUNDLES[0])


def _configuration(home: Path, port: int, servers: dict[str, int]) -> Path:
    """The file that is shipped, with addresses of this machine."""
    text = (ROOT / "deploy" / "cluster" / "haproxy.cfg").read_text()
    text = text.replace("bind :8000", f"bind 127.0.0.1:{port}")
    text = text.replace("bind :5000", f"bind 127.0.0.1:{free_port()}")
    for name, server_port in servers.items():
        text = re.sub(rf"server {name} \S+", f"server {name} 127.0.0.1:{server_port}", text)
    path = home / "haproxy.cfg"
    path.write_text(re.sub(r"server page \S+", f"server page 127.0.0.1:{free_port()}", text))
    return path
