"""`lookalike verify`: is a bundle or a backup whole?"""

from pathlib import Path
from typing import Annotated

import typer

from trainer.commands.terminal.console import Display, out


def verify(folder: Annotated[Path, typer.Argument(help="A folder below artifacts/bundles, or a backup.")]) -> None:
    """Check a bundle or a backup whole: every file against its checksum; of a bundle, also that it loads.

    Example: `lookalike verify artifacts/bundles/20261122-171500-ab12`
    """
    from retrieval import bundle
    from trainer.backup import contents

    if contents.is_backup(folder):
        with Display().step("Verifying the backup") as progress:
            files = contents.verify(folder, progress)
        about = contents.read_about(folder)
        out.print(f"The backup is whole: {len(files)} files, {about.items} items, {about.bundles} bundles.")
        return
    manifest = bundle.verify(folder)
    out.print(f"Bundle {manifest.id} is whole: {len(manifest.files)} files, format {manifest.format_version}.")
