"""`lookalike restore`: a backup takes the place of what is served."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from trainer.commands.terminal.arguments import Artifacts
from trainer.commands.terminal.console import Display, out


def restore(
    source: Annotated[Path | None, typer.Argument(metavar="FROM", help="The folder of a backup.")] = None,
    artifacts: Artifacts = Path("artifacts"),
    replace: Annotated[
        bool, typer.Option("--replace", help="Although there is a catalogue already, which is put aside.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Bring back what the last restore has put aside.")] = False,
) -> None:
    """Restore a backup, once all of its files agree with their checksums. Stop the API before.

    Example: `lookalike restore /mnt/backups/2026-11-24`
    """
    if (source is None) != undo:
        raise typer.BadParameter("Name the folder of a backup, or --undo.", param_hint="FROM")
    from trainer.backup import restore as restoring

    if source is None:
        replaced = restoring.undo(artifacts)
        out.print("What was there before the last restore is back in", Text(f"{artifacts}."), soft_wrap=True)
    else:
        done = restoring.restore(source, artifacts, Display(), replacing=replace)
        replaced = done.replaced
        when = f"{done.about.created.astimezone():%Y-%m-%d %H:%M}"
        out.print(
            f"Restored {done.about.items} items and {done.about.bundles} bundles of {when} in",
            Text(f"{artifacts}."),
            highlight=False,
            soft_wrap=True,
        )
    if replaced is not None:
        out.print(
            "What it has replaced is in",
            Text(f"{replaced}: `lookalike restore --undo` brings it back. Delete it when it is not needed."),
            soft_wrap=True,
        )
