"""Options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Artifacts = Annotated[Path, typer.Option(help="Folder that bundles, vectors and catalogue live in.")]


class Metric(StrEnum):
    """The two measures, as words of the command line."""

    cosine = "cosine"
    euclidean = "euclidean"
