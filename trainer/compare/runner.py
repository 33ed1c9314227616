"""Several configurations on one source, each before and after tuning, measured on pictures that no run has looked at.

What a run chooses by its held-out pictures flatters it on these pictures, and a head is published fitted on them too.
So the configuration's own [split] is applied twice: once for the test pictures that are set aside, and once more to
the rest, for what the run itself holds out. A publisher's own test part is taken as it is.

    artifacts/compare/
      <configuration>-<hash>/    an artifacts folder for each run; one whose hash is known is not trained again
      frozen-<hash>/             the same before tuning, shared by all configurations that start from it
"""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import keras

from retrieval.errors import LookalikeError
from trainer.compare.plan import Candidate, Failure, SetAside
from trainer.compare.results import Comparison, Row, measure
from trainer.config import AutoencoderConfig, Config, FinetuneConfig, HeadConfig, SourceConfig, SplitConfig
from trainer.progress import Listener
from trainer.run import pipeline
from trainer.run.inputs import read_inputs

UNTUNED = {"autoencoder": AutoencoderConfig(), "head": HeadConfig(enabled=False), "finetune": FinetuneConfig()}


def compare(planned: Sequence[Candidate | Failure], source: str, artifacts: Path, listener: Listener) -> Comparison:
    """Train each candidate, or reuse it, and measure it before and after tuning.

    What a user can mend in one configuration is kept as its Failure, and the others go on; where it fails after tuning,
    what it was before is kept as well.
    """
    rows: list[Row] = []
    failures: list[Failure] = []
    for candidate in planned:
        if isinstance(candidate, Failure):
            failures.append(candidate)
            continue
        try:
            _compare_one(candidate, artifacts, listener, rows)
        except (LookalikeError, OSError, sqlite3.Error) as error:
            failures.append(Failure(candidate.name, str(error)))
            listener.note(f"{candidate.name} failed: {error}")
    return Comparison(source, datetime.now(UTC), tuple(rows), tuple(failures))


def _compare_one(candidate: Candidate, artifacts: Path, listener: Listener, rows: list[Row]) -> None:
    """Add to `rows` what one configuration is before and after tuning, each as soon as it is known."""
    config, pictures = candidate.config, candidate.pictures
    # The table says all that [source] and [split] did.
    after = config.model_copy(update={"source": SourceConfig(), "split": SplitConfig(by="publisher")})
    before = after.model_copy(update=UNTUNED)
    runs = [("frozen", before)]
    if any(stage.enabled for stage in (config.autoencoder, config.head, config.finetune)):
        runs.append((candidate.stem, after))
    for tuned, (stem, settings) in enumerate(runs):
        listener.note(f"{candidate.name}, {'after' if tuned else 'before'} tuning")
        folder = _trained(stem, settings, pictures, artifacts, listener)
        with listener.step("Measuring") as progress:
            rows.append(measure(folder, candidate.name, config, pictures.test, tuned=bool(tuned), progress=progress))


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
    pipeline.run(read_inputs(str(table), config, folder, listener), listener, resume=True)
    return folder
