"""`lookalike verify`: is a bundle whole?"""

from pathlib import Path
from typing import Annotated

import typer

from trainer.commands.console import out


def verify(folder: Annotated[Path, typer.Argument(help="A folder below artifacts/bundles.")]) -> None:
    """Check a bundle whole: every file against its checksum, and that it loads.

    Example: `lookalike verify artifacts/bundles/20261122-171500-ab12`
    """
    from retrieval import bundle

    manifest = bundle.verify(folder)
    out.print(f"Bundle {manifest.id} is whole: {len(manifest.files)} files, format {manifest.format_version}.")
