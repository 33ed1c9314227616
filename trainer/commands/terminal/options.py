"""Options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Artifacts = Annotated[
    Path, typer.Option(envvar="LOOKALIKE_ARTIFACTS", help="Folder that bundles, vectors and catalogue live in.")
]
ConfigFile = Annotated[
    Path,
    typer.Option(
        "--config", metavar="CONFIG", help="A TOML file, or the name of a ready configuration: frozen, faces, ..."
    ),
]


class Metric(StrEnum):
    """The two measures, as words of the command line."""

    cosine = "cosine"
    euclidean = "euclidean"
