"""`lookalike download`: bring a public data set here."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from trainer.commands.terminal.arguments import Artifacts
from trainer.commands.terminal.console import Display, out


def download(
    name: Annotated[str, typer.Argument(help="flowers102, lfw or celeba.")],
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Where to; artifacts/datasets/NAME if absent.", file_okay=False)
    ] = None,
    artifacts: Artifacts = Path("artifacts"),
) -> None:
    """Fetch, verify and unpack a public data set. A download that was stopped goes on where it was.

    Example: `lookalike download flowers102`
    """
    from trainer.errors import SourceError
    from trainer.sources import DATA_SETS, data_set_folder, public

    data_set = DATA_SETS.get(name)
    if data_set is None:
        raise SourceError(f"There is no data set {name}. Known are {', '.join(DATA_SETS)}.")
    place = folder or data_set_folder(data_set, artifacts)
    with Display().step(f"Downloading {name} (MB)") as progress:
        public.download(data_set, place, progress)
    listing = data_set.read(place)
    out.print(f"{name} is complete, with {len(listing.pictures)} pictures, in", Text(f"{place}."))
    setting = "" if folder is None else f", and with dir = {str(folder)!r} under [source] in its configuration"
    out.print(Text(f"Train on it with --source {name}{setting}."), style="dim")
