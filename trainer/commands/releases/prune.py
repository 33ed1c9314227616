"""`lookalike prune`: remove old bundles."""

from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal
from rich.text import Text

from trainer.commands.terminal.arguments import Artifacts
from trainer.commands.terminal.console import out


def prune(
    keep: Annotated[int, typer.Option(min=0, help="How many of the newest bundles stay, besides the live one.")],
    artifacts: Artifacts = Path("artifacts"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be freed.")] = False,
) -> None:
    """Remove all but the newest bundles and the live one, with their vectors.

    Example: `lookalike prune --keep 3 --dry-run`
    """
    from trainer.releases import inventory

    done = inventory.prune(artifacts, keep, dry_run=dry_run)
    verb = "Would remove" if dry_run else "Removed"
    for info in done.removed:
        out.print(f"{verb} {info.id} ({decimal(info.size)})", highlight=False)
    for info in done.unreadable:
        out.print(Text(f"Left alone: {info.id}, as it cannot be read: {info.problem}"), soft_wrap=True)
    out.print(f"{decimal(done.freed)} {'would be ' if dry_run else ''}freed.", highlight=False)
