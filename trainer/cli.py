"""`python -m trainer ...`: the commands in one place, and how a mistake ends.

TensorFlow takes seconds to import, so each command imports what it needs when it runs. Only this file, the commands
and the display print.
"""

import logging
import os
import sqlite3
import sys

import typer
from rich.text import Text

from retrieval.errors import LookalikeError
from trainer.commands.bundles import bundles
from trainer.commands.compare import compare
from trainer.commands.console import err
from trainer.commands.download import download
from trainer.commands.evaluate import evaluate
from trainer.commands.prune import prune
from trainer.commands.publish import publish
from trainer.commands.rank import rank
from trainer.commands.report import report
from trainer.commands.rollback import rollback
from trainer.commands.run import run
from trainer.commands.search import search
from trainer.commands.verify import verify

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's own lines would tear the progress bar;
logging.getLogger("tensorflow").setLevel(logging.ERROR)  # what goes wrong is raised as an exception as well

INTERRUPTED = 130  # what Typer makes of Ctrl-C

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown")
for command in (run, evaluate, report, compare, search, rank, publish, rollback, bundles, prune, verify, download):
    app.command()(command)


@app.callback()
def describe() -> None:
    """Tune an encoder on your pictures, and publish it for search."""


def main() -> None:
    """Run the command line. What a user can mend ends as one line on standard error and exit code 1."""
    try:
        app()
    except (LookalikeError, OSError, sqlite3.Error) as error:
        said = str(error) if isinstance(error, LookalikeError) else f"{type(error).__name__}: {error}"
        err.print("[red]Error:[/]", Text(said), highlight=False, soft_wrap=True)
        sys.exit(1)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            err.print("Stopped. What was computed is kept: the same command goes on from here, `run` with --resume.")
        raise
