"""`lookalike download`: bring a public data set here, or the published models for faces."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from trainer.commands.terminal.arguments import Artifacts
from trainer.commands.terminal.console import Display, out


def download(
    name: Annotated[
        str, typer.Argument(help="flowers102, lfw, celeba, or faces: the models of the configuration faces.")
    ],
    folder: Annotated[
        Path | None,
        typer.Option(
            "--dir",
            help="Where to; if absent, artifacts/datasets/NAME, or artifacts/models for faces.",
            file_okay=False,
        ),
    ] = None,
    artifacts: Artifacts = Path("artifacts"),
) -> None:
    """Fetch, verify and unpack a public data set, or the models for faces. A download that was stopped goes on.

    Example: `lookalike download faces`
    """
    from trainer.errors import SourceError
    from trainer.sources import DATA_SETS, data_set_folder, face_models, public

    if name == face_models.NAME:
        _download_models(folder or face_models.models_folder(artifacts))
        return

    data_set = DATA_SETS.get(name)
    if data_set is None:
        raise SourceError(
            f"There is no data set {name}. Known are {', '.join(DATA_SETS)}, and {face_models.NAME} for models."
        )
    place = folder or data_set_folder(data_set, artifacts)
    with Display().step(f"Downloading {name} (MB)") as progress:
        public.download(data_set, place, progress)
    listing = data_set.read(place)
    out.print(f"{name} is complete, with {len(listing.pictures)} pictures, in", Text(f"{place}."))
    setting = "" if folder is None else f", and with dir = {str(folder)!r} under [source] in its configuration"
    out.print(Text(f"Train on it with --source {name}{setting}."), style="dim")


def _download_models(folder: Path) -> None:
    from trainer.sources import face_models

    with Display().step("Downloading models for faces (MB)") as progress:
        face_models.download(folder, progress)
    names = ", ".join(file.name for file in face_models.FILES)
    out.print(Text(f"{names} are complete in {folder}."), soft_wrap=True)
    out.print(Text("Train with --config faces."), style="dim")
