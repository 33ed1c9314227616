"""`lookalike demo`: train if nothing is published yet, then serve, from any folder.

Without --images it is the generated pottery shop, in the artifacts folder itself; every other source or configuration
gets a folder of its own below artifacts/own, so that several can lie side by side and each starts at once the second
time.
"""

import re
import shlex
import signal
import sys
from hashlib import sha256
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.text import Text

from lookalike.extras import missing_for_demo
from lookalike.processes import HOST, is_free, run_trainer, serve
from retrieval.durable import check_writable
from retrieval.errors import FolderNotWritable
from trainer.commands.terminal.arguments import SOURCE_NAMES, Artifacts
from trainer.commands.terminal.console import err, out

POTTERY = "pottery"
DEFAULT_CONFIG = "demo"
AUTOMATIC = "automatic"
"""Stands in the name of a folder whose recipe was found within --minutes."""
MISTAKE_EXIT_CODE = 2


def demo(
    images: Annotated[
        str, typer.Option(help="A folder or a CSV of pictures, or a data set's name; the generated shop if absent.")
    ] = POTTERY,
    config: Annotated[str, typer.Option(help="A TOML file, or the name of a ready configuration.")] = DEFAULT_CONFIG,
    port: Annotated[int, typer.Option(min=1024, max=65_535, help="Port of the API.")] = 8000,
    ui_port: Annotated[int, typer.Option(min=1024, max=65_535, help="Port of the page.")] = 5000,
    artifacts: Artifacts = Path("artifacts"),
    minutes: Annotated[
        float | None, typer.Option(min=1, help="Find the best encoder and head first, within so many minutes in all.")
    ] = None,
) -> None:
    """Train if nothing is published yet, then serve the API and the page until Ctrl-C.

    Example: `lookalike demo --images ~/Pictures --port 8080`
    """
    for end in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(end, lambda *_: sys.exit(0))
    if advice := missing_for_demo():
        _refuse(advice)
    source = _source(images)
    _check_ports(port, ui_port)
    try:
        check_writable(artifacts)
    except FolderNotWritable as error:
        _refuse(f"{error} Choose another folder with --artifacts, or LOOKALIKE_ARTIFACTS.")
    home = artifacts_folder(artifacts, source, config if minutes is None else f"{config} {AUTOMATIC}")
    if (home / "CURRENT").exists():
        current = shlex.quote(str(home / "CURRENT"))
        out.print(Text(f"Serving what is published in {home}. To train anew: rm {current}"), soft_wrap=True)
    elif code := run_trainer("train", *_training(source, config, home, minutes)):
        raise typer.Exit(code)
    raise typer.Exit(serve(home, port, ui_port))


def _training(source: str, config: str, home: Path, minutes: float | None) -> list[str]:
    """The arguments of `lookalike train`."""
    budget = [] if minutes is None else ["--minutes", f"{minutes:g}"]
    return ["--source", source, "--config", config, "--artifacts", str(home), *budget]


def artifacts_folder(base: Path, source: str, config: str) -> Path:
    """Where a demo keeps what it makes: the same each time for the same pictures and configuration."""
    if config.isidentifier():  # the name of a ready one, which is the same as its file in a clone
        config = f"trainer/configs/{config}.toml"
    if (source, config) == (POTTERY, f"trainer/configs/{DEFAULT_CONFIG}.toml"):
        return base
    name = re.sub(r"[^a-z0-9]+", "-", Path(source).stem.lower()).strip("-") or "pictures"
    digest = sha256(f"{source} {config}".encode("utf-8", "surrogateescape")).hexdigest()
    return base / "own" / f"{name}-{digest[:8]}"


def _source(images: str) -> str:
    """The trainer's --source: a data set's name, or the whole path of a folder or file that is there."""
    if images in SOURCE_NAMES:
        return images
    path = Path(images).expanduser().absolute()
    if not path.exists():
        _refuse(
            f"There is no {path}. Name a folder or a CSV of pictures, or one of {', '.join(SOURCE_NAMES)}: --images."
        )
    return str(path)


def _check_ports(port: int, ui_port: int) -> None:
    if port == ui_port:
        _refuse("The API and the page need two different ports: --port and --ui-port.")
    for option, variable, number in (("--port", "PORT", port), ("--ui-port", "UI_PORT", ui_port)):
        if not is_free(number):
            other = number + 1 if number < 65_535 else number - 1
            _refuse(
                f"Port {number} of {HOST} is taken. Choose another: {option} {other} (make demo {variable}={other})."
            )


def _refuse(message: str) -> NoReturn:
    """End with one line on standard error, before anything is trained or served."""
    err.print("[red]Error:[/]", Text(message), highlight=False, soft_wrap=True)
    raise typer.Exit(MISTAKE_EXIT_CODE)
