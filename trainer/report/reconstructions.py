"""What the autoencoder made of a few pictures, epoch by epoch: the sheets that it left in the report's folder."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from retrieval.errors import ImageError
from retrieval.images import inspect
from trainer.report.images import address

NAME = re.compile(r"autoencoder-epoch-(\d+)\.webp")
MOST = 4  # sheets shown: the first, the last, and some between
MOST_BYTES = 500_000  # of one sheet


@dataclass(frozen=True, slots=True)
class Sheet:
    """One epoch's sheet as a data: address."""

    epoch: int
    picture: str


def sheets(folder: Path | None) -> Sequence[Sheet]:
    """The sheets of a few epochs, first and last among them. What is no picture, or a huge one, is left out."""
    if folder is None or not folder.is_dir():
        return []
    named = {int(found[1]): path for path in folder.iterdir() if (found := NAME.fullmatch(path.name))}
    epochs = sorted(named)
    last = len(epochs) - 1
    steps = max(1, min(MOST - 1, last))
    chosen = sorted({epochs[round(step * last / steps)] for step in range(steps + 1)}) if epochs else []
    read = [(epoch, _read(named[epoch])) for epoch in chosen]
    return [Sheet(epoch, address(data)) for epoch, data in read if data is not None]


def _read(path: Path) -> bytes | None:
    try:
        data = path.read_bytes()
        fine = len(data) <= MOST_BYTES and inspect(data).format == "WebP"
    except (OSError, ImageError):
        return None
    return data if fine else None
