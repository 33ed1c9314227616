"""Several configurations on one source, each before and after tuning, measured on pictures that no run has looked at.

What a run chooses by its held-out pictures flatters it on these pictures, and a head is published fitted on them too.
So the configuration's own [split] is applied twice: once for the test pictures that are set aside, and once more to
the rest, for what the run itself holds out. A publisher's own test part is taken as it is.

    artifacts/compare/
      <configuration>-<hash>/    an artifacts folder for each run; one whose hash is known is not trained again
      frozen-<hash>/             the same before tuning, shared by all configurations that start from it
"""

import csv
import io
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import keras
import numpy as np

from retrieval.errors import LookalikeError
from trainer.compare.results import Comparison, Failure, Row, measure
from trainer.config import (
    AutoencoderConfig,
    Config,
    FinetuneConfig,
    HeadConfig,
    SourceConfig,
    SplitConfig,
    load_config,
)
from trainer.data.split import PART_NUMBERS, TEST, VALIDATION, split
from trainer.errors import SourceError
from trainer.progress import Listener, Progress
from trainer.run import pipeline
from trainer.sources import read_source

UNTUNED = {"autoencoder": AutoencoderConfig(), "head": HeadConfig(enabled=False), "finetune": FinetuneConfig()}


@dataclass(frozen=True, slots=True)
class SetAside:
    """A source with its parts: the CSV that runs are given, and which of its pictures they do not look at.

    `digest` stands for the table and the files that it names.
    """

    table: str
    test: frozenset[Path]
    digest: str


def compare(paths: Sequence[Path], source: str, artifacts: Path, listener: Listener) -> Comparison:
    """Train each configuration, or reuse it, and measure it before and after tuning.

    What a user can mend in one configuration, or in the source, is kept as its Failure, and the others go on; where it
    fails after tuning, what it was before is kept as well.
    """
    rows: list[Row] = []
    failures: list[Failure] = []
    for path, name in zip(paths, _names(paths), strict=True):
        try:
            _compare_one(path, name, source, artifacts, listener, rows)
        except (LookalikeError, OSError, sqlite3.Error) as error:
            failures.append(Failure(name, str(error)))
            listener.note(f"{name} failed: {error}")
    return Comparison(source, datetime.now(UTC), tuple(rows), tuple(failures))


def set_aside(source: str, config: Config, artifacts: Path, progress: Progress) -> SetAside:
    """Read a source and choose its test pictures. Raises SourceError for one without labels, or with too few pictures.

    Pictures that are rendered or downloaded come to lie in `artifacts`, once for all configurations.
    """
    pictures = read_source(source, artifacts, config.source, progress=progress).pictures
    if len({picture.label for picture in pictures} - {None}) < 2:
        raise SourceError(
            f"{source} has no two labels, so there is nothing to compare by. Put the pictures of each label into a "
            "folder of its own, or name the labels in the column label of a CSV."
        )
    parts = split(pictures, config.split, config.seed)
    if not (parts == TEST).any():
        parts[parts == VALIDATION] = TEST
        rest = np.flatnonzero(parts != TEST).tolist()
        again = SplitConfig(share=config.split.share) if config.split.by == "publisher" else config.split
        try:
            parts[rest] = split([pictures[row] for row in rest], again, config.seed)
        except SourceError as error:
            raise SourceError(f"Once the test pictures are set aside, the rest is too little: {error}") from error
    names = {number: name for name, number in PART_NUMBERS.items() if name}
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(["id", "path", "label", "part"])
    writer.writerows((p.id, p.path, p.label, names[part]) for p, part in zip(pictures, parts, strict=True))
    digest = sha256(table.getvalue().encode())
    for picture in pictures:
        about = picture.path.stat()
        digest.update(f"{about.st_size} {about.st_mtime_ns}\n".encode())
    test = frozenset(picture.path for picture, part in zip(pictures, parts, strict=True) if part == TEST)
    return SetAside(table.getvalue(), test, digest.hexdigest())


def _compare_one(path: Path, name: str, source: str, artifacts: Path, listener: Listener, rows: list[Row]) -> None:
    """Add to `rows` what one configuration is before and after tuning, each as soon as it is known."""
    config = load_config(path)
    with listener.step(f"Reading the source of {name}") as progress:
        pictures = set_aside(source, config, artifacts, progress)
    # The table says all that [source] and [split] did.
    after = config.model_copy(update={"source": SourceConfig(), "split": SplitConfig(by="publisher")})
    before = after.model_copy(update=UNTUNED)
    runs = [("frozen", before)]
    if any(stage.enabled for stage in (config.autoencoder, config.head, config.finetune)):
        runs.append((path.stem, after))
    for tuned, (stem, settings) in enumerate(runs):
        listener.note(f"{name}, {'after' if tuned else 'before'} tuning")
        folder = _trained(stem, settings, pictures, artifacts, listener)
        with listener.step("Measuring") as progress:
            rows.append(measure(folder, name, config, pictures.test, tuned=bool(tuned), progress=progress))


def _trained(stem: str, config: Config, pictures: SetAside, artifacts: Path, listener: Listener) -> Path:
    """The artifacts folder of this very run, which is trained unless it has been."""
    digest = sha256((config.model_dump_json() + pictures.digest).encode()).hexdigest()[:12]
    folder = artifacts / "compare" / f"{stem}-{digest}"
    if (folder / "CURRENT").exists():
        listener.note(f"Trained before: {folder}")
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    (artifacts / "cache").mkdir(exist_ok=True)
    if not (folder / "cache").exists():
        with suppress(OSError):  # where links are not allowed, features are computed once for each run
            (folder / "cache").symlink_to(Path("..", "..", "cache"), target_is_directory=True)
    table = folder / "source.csv"
    table.write_text(pictures.table, encoding="utf-8", newline="")
    keras.utils.clear_session()  # what the run before has left in memory
    pipeline.run(str(table), config, folder, listener, resume=True)
    return folder


def _names(paths: Sequence[Path]) -> list[str]:
    """What the configurations are called: the file's stem, or the whole path where two have the same."""
    stems = [path.stem for path in paths]
    return [
        stem if stems.count(stem) == 1 else str(path.with_suffix("")) for stem, path in zip(stems, paths, strict=True)
    ]
