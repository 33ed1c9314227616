"""The configurations of proxies that are shipped, with the real proxies before the real services, on loopback."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.conftest import ROOT, free_port, serving
from tests.support.bundles import pieces, write_artifacts

DEPLOY = ROOT / "deploy"
MAIN = """
{user} daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/lookalike.conf;
}}
"""

RunNginx = Callable[[str], None]


@dataclass(frozen=True)
class Site:
    """Page and API, and the ports that they listen on."""

    api: int
    page: int
    artifacts: Path


def needs(program: str) -> str:
    """The program's path; without it, the test is skipped and says what to do."""
    result = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    if result is None:
        pytest.skip(f"{program} is not installed; `make proxies` installs it")
    return result


def with_ports(text: str, *, listen: str, ports: dict[int, int]) -> str:
    """A shipped configuration with other ports; `listen`: its line that says where to listen, and what it becomes."""
    before, after = listen.split(" -> ")
    assert text.count(before) == 1
    text = text.replace(before, after)
    for shipped, port in ports.items():
        assert text.count(f"127.0.0.1:{shipped}") == 1
        text = text.replace(f"127.0.0.1:{shipped}", f"127.0.0.1:{port}")
    return text


@contextmanager
def running(*command: str, port: int) -> Iterator[str]:
    """A proxy in a process of its own, once it listens; returns its address."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        while True:
            assert process.poll() is None, process.communicate()[0]
            try:
                httpx2.get(f"http://127.0.0.1:{port}/lookalike")
                break
            except httpx2.TransportError:
                time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=30)


@contextmanager
def nginx(folder: Path, configuration: str, port: int) -> Iterator[str]:
    """A real nginx with this configuration inside its http block; returns its address."""
    program = needs("nginx")
    folder.mkdir(exist_ok=True)
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user="user root;" if os.geteuid() == 0 else ""))
    (folder / "lookalike.conf").write_text(configuration)
    options = ("-p", str(folder), "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf")
    with running(program, *options, port=port) as address:
        yield address


@pytest.fixture(scope="module")
def prefixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Page and API that know that they are reached under a path."""
    folder = tmp_path_factory.mktemp("site")
    report = folder / "report"
    report.mkdir()
    (report / "index.html").write_text("<title>r</title><a href='labels.csv'>labels</a>")
    (report / "labels.csv").write_text("label\n")
    write_artifacts(folder / "artifacts", pieces(30), report=report)
    site = Site(free_port(), free_port(), folder / "artifacts")
    public = "http://shop.example:8080/lookalike"
    with ExitStack() as stack:
        api = stack.enter_context(
            serving(
                "api",
                site.api,
                "/readyz",
                artifacts=site.artifacts,
                api_port=site.api,
                api_public_url=f"{public}/api",
                trusted_proxies="127.0.0.1",
            )
        )
        stack.enter_context(
            serving(
                "frontend",
                site.page,
                "/readyz",
                api_url=api,
                ui_port=site.page,
                public_url=public,
                trusted_proxies="127.0.0.1",
            )
        )
        yield site
