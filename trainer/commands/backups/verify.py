"""`lookalike verify`: is a bundle or a backup whole?"""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from trainer.commands.terminal.console import Display, out


def verify(folder: Annotated[Path, typer.Argument(help="A folder below artifacts/bundles, or a backup.")]) -> None:
    """Check a bundle or a backup whole: every file against its checksum; of a bundle, also that it loads.

    Of a bundle in an artifacts folder, its vectors are checked, too, and the counts and facts of the catalogue.

    Example: `lookalike verify artifacts/bundles/20261122-171500-ab12`
    """
    from retrieval import bundle
    from retrieval.catalogue import Catalogue
    from trainer.backup import contents
    from trainer.bundles import stores_of

    if contents.is_backup(folder):
        with Display().step("Verifying the backup") as progress:
            files = contents.verify(folder, progress)
        about = contents.read_about(folder)
        out.print(f"The backup is whole: {len(files)} files, {about.items} items, {about.bundles} bundles.")
        return
    manifest = bundle.verify(folder)
    out.print(f"Bundle {manifest.id} is whole: {len(manifest.files)} files, format {manifest.format_version}.")
    artifacts = folder.absolute().parent.parent
    stores = stores_of(artifacts)
    if stores.exists(manifest.id):
        stores.verify(manifest.id)
        out.print("Its vectors are as they were written.")
    if (artifacts / "catalogue.sqlite").is_file():
        with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
            catalogue.check()
            out.print(f"The catalogue's counts are right: {catalogue.count()} items.")
