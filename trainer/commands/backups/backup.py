"""`lookalike backup`: everything that is served, in a folder of its own."""

from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal
from rich.text import Text

from trainer.commands.terminal.arguments import Artifacts
from trainer.commands.terminal.console import MAX_SKIPPED_SHOWN, Display, err, out


def backup(
    target: Annotated[Path, typer.Argument(metavar="TO", help="A new folder.")],
    artifacts: Artifacts = Path("artifacts"),
) -> None:
    """Back up the catalogue, the pictures, the vectors and the bundles. The API may go on meanwhile.

    Pictures that lie outside the artifacts folder are copied as well. Bundles and added pictures never change: on the
    same disk they take no room twice.

    Example: `lookalike backup /mnt/backups/2026-11-24`
    """
    from trainer.backup.create import create

    about = create(artifacts, target, Display())
    for missing in about.missing[:MAX_SKIPPED_SHOWN]:
        err.print(Text(f"Without its picture: {missing.id} ({missing.location}: {missing.reason})"), soft_wrap=True)
    if about.missing:
        err.print(f"{len(about.missing)} items have no picture that can be read; they are in the backup without it.")
    out.print(
        f"Backed up {about.items} items with {about.pictures} pictures and {about.bundles} bundles "
        f"({decimal(about.bytes)}) in",
        Text(f"{target}."),
        highlight=False,
        soft_wrap=True,
    )
