"""What several rooms' tests share: one small shop, trained once through the command line as a user would."""

import gc
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import requests
from filelock import FileLock
from playwright.sync_api import Browser, expect, sync_playwright
from schemathesis.pytest.plugin import SchemathesisFunction

from tests.support import postgres
from tests.support.marks import IN_MATRIX, examples
from trainer.sources import pottery

ROOT = Path(__file__).parent.parent
CHROMIUM = os.environ.get("LOOKALIKE_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

QUICK_ON_POSTGRESQL = {"test_changes.py"}
"""Files of which the fast suite runs the tests on PostgreSQL, too."""

expect.set_options(timeout=30_000)  # milliseconds; a busy machine is no failure
hypothesis.settings.register_profile("lookalike", deadline=None, max_examples=examples(100))  # nor is it here
hypothesis.settings.load_profile("lookalike")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell does in the background; tests send it to processes
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The real encoder at a small size: the whole path in well under a minute.
CONFIG = """
[encoder]
size = 96

[head]
dims = [32]
views = 2
max_epochs = 15

[reduce]
dims = 24
"""


def environment(**changes: str) -> dict[str, str]:
    """For processes of their own: wide enough that no line is broken, and one thread, as several run side by side."""
    return os.environ | {"COLUMNS": "200", "OMP_NUM_THREADS": "1"} | changes


def run_trainer(*arguments: Any) -> "subprocess.CompletedProcess[str]":
    """`python -m trainer ...`, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "trainer", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(module: str, port: int, health: str, **settings: Any) -> Iterator[str]:
    """`python -m module` in a process of its own; its address, once `health` answers with success."""
    with running(module, port, health, **settings):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def running(module: str, port: int, health: str, **settings: Any) -> Iterator[subprocess.Popen[bytes]]:
    """The same as a process, which a test may treat badly."""
    environment = {f"LOOKALIKE_{name.upper()}": str(value) for name, value in settings.items()}
    server = subprocess.Popen([sys.executable, "-m", module], cwd=ROOT, env=os.environ | environment)
    try:
        while not _answers(f"http://127.0.0.1:{port}{health}"):
            if server.poll() is not None:
                raise RuntimeError(f"python -m {module} stopped while starting")
            time.sleep(0.05)
        yield server
    finally:
        server.terminate()
        server.wait()


def _answers(address: str) -> bool:
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy of the environment knows nothing of our loopback
            return session.get(address, timeout=5).ok
    except requests.ConnectionError:
        return False


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give each operation that schemathesis tests an id of its own, which pytest 9.2 leaves out; mark what is slow."""
    if isinstance(item, SchemathesisFunction) and item.parent is not None:
        item._id = item.parent.id.child(item.name)

    if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
        slow = item.callspec.params.get("database") == "postgresql" and item.path.name not in QUICK_ON_POSTGRESQL
        if slow:
            item.add_marker(pytest.mark.slow)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a browser. Of tests with the same id, pytest-xdist runs one and says nothing of the others."""
    for item in items:
        if isinstance(item, pytest.Function) and "browser" in item.fixturenames:
            item.add_marker(pytest.mark.browser)
    twice = [name for name, count in Counter(item.nodeid for item in items).items() if count > 1]
    if twice:
        raise pytest.UsageError(f"Several tests have the same id, and some would not be run: {', '.join(twice)}")


def pytest_collection_finish() -> None:
    """Keep the garbage collector from going through some thousand tests and their modules again and again."""
    gc.freeze()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Each kind of database that items can be kept in."""
    return str(request.param)


@pytest.fixture
def url(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> str:
    """An empty database of each kind."""
    return (
        str(request.getfixturevalue("postgres_url"))
        if database == "postgresql"
        else f"sqlite:///{tmp_path}/catalogue.sqlite"
    )


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server, to which the name of a database is to be added."""
    if not postgres.is_installed():
        pytest.skip(postgres.ABSENT)
    with postgres.server(free_port()) as address:
        yield address


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """An empty database."""
    return postgres.new_database(postgres_server)


@dataclass(frozen=True)
class Trained:
    """A shop of 12 pieces with 8 photographs each, three broken files beside them, and what training made of it."""

    pictures: Path
    table: Path
    config: Path
    artifacts: Path
    output: str
    errors: str


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Not to be changed. Trained by the first process of pytest-xdist that needs it; each has a copy of its own."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "trained-once"
    with FileLock(f"{shared}.lock"):
        if not (shared / "said.json").exists():
            _train(shared)
    home = Path(shutil.copytree(shared, tmp_path_factory.mktemp("trained") / "shop"))
    output, errors = json.loads((home / "said.json").read_text())
    table = home / "pictures" / "pottery.csv"
    return Trained(table.parent, table, home / "config.toml", home / "artifacts", output, errors)


def _train(home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    pictures = home / "pictures"
    table = pottery.make(pictures, pieces=12, photos=8, size=128)
    (pictures / "cut.jpg").write_bytes((pictures / pottery.plan(12, 8)[0].path).read_bytes()[:900])
    (pictures / "text.jpg").write_text("no picture at all")
    with table.open("a") as rows:
        rows.write(
            "cut.jpg,Broken,bowl,plain,blue\ntext.jpg,Broken,bowl,plain,blue\nmissing.jpg,Broken,bowl,plain,red\n"
        )
    config = home / "config.toml"
    config.write_text(CONFIG)
    done = run_trainer("run", "--source", table, "--config", config, "--artifacts", home / "artifacts")
    if done.returncode:
        raise RuntimeError(f"training failed:\n{done.stdout}\n{done.stderr}")
    (home / "said.json").write_text(json.dumps([done.stdout, done.stderr]))


@pytest.fixture(scope="module")  # Playwright keeps an event loop, which other tests must not find running
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        path = CHROMIUM or playwright.chromium.executable_path  # the last is Playwright's own, if it was installed
        if not Path(path).exists():
            pytest.skip("no Chromium here: make browser installs it; or name it in LOOKALIKE_CHROMIUM")
        chromium = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield chromium
        chromium.close()


@pytest.fixture(params=[pytest.param(390, marks=IN_MATRIX), 1440])
def width(request: pytest.FixtureRequest) -> int:
    """Of the browser's window, in pixels: a desk; and a phone, in the full matrix."""
    return int(request.param)


@pytest.fixture(scope="session")
def api_address(trained: Trained) -> Iterator[str]:
    """The address of a real API over the small shop."""
    port = free_port()
    with serving("api", port, "/readyz", artifacts=trained.artifacts, api_port=port) as address:
        yield address


@pytest.fixture(scope="session")
def pgvector_url() -> Iterator[str]:
    """The database of a PostgreSQL server with the extension `vector`."""
    with postgres.server(free_port(), postgres.programs_with_pgvector()) as address:
        yield f"{address}postgres"


@pytest.fixture(scope="session")
def milvus_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Milvus server."""
    from tests.support import milvus

    reason = milvus.reason_to_skip()
    if reason is not None:
        pytest.skip(reason)
    with milvus.server(tmp_path_factory.mktemp("milvus"), free_port()) as address:
        yield address
