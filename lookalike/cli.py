"""`lookalike ...`: every command in one place.

Nothing but Typer and Rich is imported before a command runs, so that help and shell completion answer at once.
"""

import sys
from typing import Annotated

import typer
from rich.text import Text

from lookalike import __version__
from lookalike.demo import demo
from lookalike.extras import missing_extra
from lookalike.services import api, page
from trainer.cli import COMMANDS, ERROR_EXIT_CODE, run_app
from trainer.commands.terminal.console import err

SERVICES = "Services"
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}

app = typer.Typer(name="lookalike", no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown")
app.command(rich_help_panel=SERVICES)(demo)
for service in (api, page):
    app.command(rich_help_panel=SERVICES, add_help_option=False, context_settings=PASS_ON)(service)
for name, command in COMMANDS.items():
    app.command(name)(command)
app.command("run", hidden=True)(COMMANDS["train"])  # its name before version 0.2


def print_version(asks_for_it: bool) -> None:
    """Print the version and stop, where `--version` was given."""
    if asks_for_it:
        typer.echo(f"lookalike {__version__}")
        raise typer.Exit


@app.callback()
def describe(
    _version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Image search that is tuned on your own pictures, and that you run yourself.

    Example: `lookalike train --source ~/Pictures/shoes`, then `lookalike api` and, in another terminal,
    `lookalike page`. `lookalike demo` does it all with a generated shop.
    """


def main() -> None:
    """Run the command line. A package that is not installed is answered with the extra that brings it."""
    try:
        run_app(app)
    except ModuleNotFoundError as error:
        advice = missing_extra(error, sys.argv[1:])
        if advice is None:
            raise
        err.print("[red]Error:[/]", Text(advice), highlight=False, soft_wrap=True)
        sys.exit(ERROR_EXIT_CODE)
