"""The tour of the API, docs/how-to/api.md: its commands are run against a real server, and reach every operation."""

import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.main import create_app
from api.settings import Settings
from tests.conftest import ROOT
from tests.support.bundles import Piece, face_stage, picture, pieces, portrait, some_calibration, write_artifacts
from tests.trainer.sources.serving import Handler, serving

API = "http://127.0.0.1:8000"
SHOP = "https://shop.example"
BUNDLE = "20261122-101500-efficientnet-lite0"
ITEMS = ("vases/amphora 3.jpg", "bowls/7.jpg", "bowls/8.jpg")

BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "how-to" / "api.md").read_text(), re.DOTALL)
# Whatever is no success stops a command with an error, and no proxy of the environment comes between.
CURL = "curl() { command curl --fail-with-body --noproxy '*' --max-time 60 \"$@\"; }\n"


class Recorder:
    """What a server was asked and with which status it answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.answered: list[tuple[str, str, int]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.answered.append((scope["method"], scope["raw_path"].decode(), message["status"]))
            await send(message)

        await self._app(scope, receive, noting)


@contextmanager
def serving_api(**settings: Any) -> Iterator[tuple[str, Recorder]]:
    recorder = Recorder(create_app(Settings(**settings)))
    server = uvicorn.Server(uvicorn.Config(recorder, port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        while httpx2.get(f"{address}/readyz", timeout=60).status_code != 200:
            time.sleep(0.01)
        recorder.answered.clear()
        yield address, recorder
    finally:
        server.should_exit = True
        thread.join()


class Shop(Handler):
    """The picture on the web."""

    def respond(self) -> None:
        self.answer(200, picture(7))


@pytest.mark.skipif(not shutil.which("curl"), reason="curl, which the tour uses, is not installed")
def test_every_command_of_the_tour_succeeds_and_together_they_reach_every_operation(tmp_path: Path) -> None:
    report = tmp_path / "report"
    report.mkdir()
    (report / "index.html").write_text("<!doctype html><title>A report</title>")
    named = [Piece(id_, picture(number), "amphora", {"price": 3.5}) for number, id_ in enumerate(ITEMS, start=100)]
    write_artifacts(
        tmp_path / "shop",
        [*pieces(30), *named],
        bundle_id=BUNDLE,
        calibration=some_calibration(),
        report=report,
    )
    people = [Piece(f"{n}.png", portrait(n), None, {}) for n in range(12)]
    write_artifacts(tmp_path / "people", people, faces=face_stage())
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "query.jpg").write_bytes(picture(3))
    (folder / "portrait.jpg").write_bytes(portrait(20))

    commands = []
    with serving(Shop) as web:
        allowed = (web.url.removeprefix("http://"),)
        with (
            serving_api(artifacts=tmp_path / "shop", fetch_allowed=allowed) as (shop, shops),
            serving_api(artifacts=tmp_path / "people") as (faces, finders),
        ):
            for block in BLOCKS:
                command = block.replace(API, faces if re.search("/(faces|groups)", block) else shop).replace(
                    SHOP, web.url
                )
                done = subprocess.run(
                    ["bash", "-euo", "pipefail", "-c", CURL + command],
                    cwd=folder,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
                assert '"problem":{' not in done.stdout, done.stdout
            commands = [*shops.answered, *finders.answered]
    assert all(status < 400 for _, _, status in commands)
    assert {name for method, path, _ in commands for name in reached(method, path)} == set(operations())


@cache
def operations() -> dict[str, tuple[str, str]]:
    """The method and path of every operation that is not deprecated, by its name."""
    paths = create_app(Settings()).openapi()["paths"]
    return {
        operation["operationId"]: (method.upper(), path)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if not operation.get("deprecated")
    }


def reached(method: str, path: str) -> list[str]:
    """The operation that a request reaches: of those whose path fits, the one with the fewest parameters."""
    fitting = [
        (template.count("{"), name)
        for name, (taken, template) in operations().items()
        if taken == method and re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path)
    ]
    return [min(fitting)[1]] if fitting else []
