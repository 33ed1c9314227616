"""The trainer's commands in one place, for `lookalike` and `python -m trainer`, and how a mistake ends.

TensorFlow takes seconds to import, so each command imports what it needs when it runs. Only this file, the commands
and the display print.
"""

import logging
import os
import sqlite3
import sys
from collections.abc import Callable

import typer
from rich.text import Text

from retrieval.errors import LookalikeError
from trainer.commands.backups.backup import backup
from trainer.commands.backups.restore import restore
from trainer.commands.backups.verify import verify
from trainer.commands.compare import compare
from trainer.commands.download import download
from trainer.commands.embed import embed
from trainer.commands.evaluate import evaluate
from trainer.commands.learn import learn
from trainer.commands.people.cluster import cluster
from trainer.commands.people.name import name as name_group
from trainer.commands.rank import rank
from trainer.commands.releases.bundles import bundles
from trainer.commands.releases.migrate import migrate
from trainer.commands.releases.prune import prune
from trainer.commands.releases.publish import publish, rollback
from trainer.commands.report import report
from trainer.commands.search import search
from trainer.commands.terminal.console import err
from trainer.commands.train import train
from trainer.commands.worker import worker

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's own lines would tear the progress bar;
logging.getLogger("tensorflow").setLevel(logging.ERROR)  # what goes wrong is raised as an exception as well

INTERRUPTED = 130  # what Typer makes of Ctrl-C
ERROR_EXIT_CODE = 1

COMMANDS: dict[str, Callable[..., None]] = {
    "train": train,
    "learn": learn,
    "worker": worker,
    "evaluate": evaluate,
    "report": report,
    "compare": compare,
    "search": search,
    "rank": rank,
    "embed": embed,
    "cluster": cluster,
    "name": name_group,
    "publish": publish,
    "rollback": rollback,
    "bundles": bundles,
    "prune": prune,
    "migrate": migrate,
    "verify": verify,
    "backup": backup,
    "restore": restore,
    "download": download,
}

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown")
for name, command in COMMANDS.items():
    app.command(name)(command)
app.command("run", hidden=True)(train)  # its name before version 0.2


@app.callback()
def describe() -> None:
    """Tune an encoder on your pictures, and publish it for search."""


def main() -> None:
    """Run `python -m trainer`."""
    run_app(app)


def run_app(commands: typer.Typer) -> None:
    """Run a command line. What a user can mend ends as one line on standard error and exit code 1."""
    try:
        commands()
    except (LookalikeError, OSError, sqlite3.Error) as error:
        said = str(error) if isinstance(error, LookalikeError) else f"{type(error).__name__}: {error}"
        err.print("[red]Error:[/]", Text(said), highlight=False, soft_wrap=True)
        sys.exit(ERROR_EXIT_CODE)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            err.print("Stopped. What was computed is kept: the same command goes on from here, `train` with --resume.")
        raise
