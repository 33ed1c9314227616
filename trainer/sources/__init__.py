"""Where pictures come from: a folder, a CSV, the generated pottery shop, or a public data set."""

from pathlib import Path

from retrieval.text import spellings
from trainer.config import SourceConfig
from trainer.errors import SourceError
from trainer.progress import Progress
from trainer.sources import celeba, flowers102, lfw, pottery, public
from trainer.sources.base import Listing, Skipped, as_text, refusal
from trainer.sources.folder import read_folder
from trainer.sources.label_filter import choose_labels
from trainer.sources.public import DataSet
from trainer.sources.table import read_csv

DATA_SETS = {data_set.name: data_set for data_set in (flowers102.DATA_SET, lfw.DATA_SET, celeba.DATA_SET)}
ANYWHERE = SourceConfig()


def read_source(
    source: str, artifacts: Path, config: SourceConfig = ANYWHERE, progress: Progress | None = None
) -> Listing:
    """The pictures of `source`: a folder, a CSV file, `pottery` (rendered into `artifacts` once) or a public data set.

    A data set is looked for in `config.dir`; without one it is downloaded into `artifacts/datasets`. Labels that
    `config` finds too small are left out, with a note. Raises SourceError when no picture can be used, when `source` is
    none of these, or when a data set has to be fetched by hand.
    """
    listing = _read(source, artifacts, config, progress)
    refused = {picture.id: reason for picture in listing.pictures if (reason := refusal(picture))}
    usable = [picture for picture in listing.pictures if picture.id not in refused]
    if not usable:
        reason = next(iter(refused.values()), "there is none")
        raise SourceError(f"No picture of {source} can be used: {reason}.")
    skipped = [Skipped(p.place, refused[p.id]) for p in listing.pictures if p.id in refused]
    selected, notes = choose_labels(usable, config)
    skipped = [Skipped(as_text(entry.place), entry.reason) for entry in [*listing.skipped, *skipped]]
    return Listing(selected, skipped, [*listing.notes, *notes])


def data_set_folder(data_set: DataSet, artifacts: Path) -> Path:
    """Where a data set is downloaded to unless somebody says otherwise."""
    return artifacts / "datasets" / data_set.name


def _read(source: str, artifacts: Path, config: SourceConfig, progress: Progress | None) -> Listing:
    if source in DATA_SETS:
        return _read_data_set(DATA_SETS[source], artifacts, config, progress)
    if source == "pottery":
        return read_csv(pottery.make(artifacts / "pottery", progress=progress), artifacts / "fetched")
    if not source.strip():  # which would be the folder that somebody happens to be in
        raise SourceError("The source has no name. Name a folder of pictures or a CSV file; . is the current folder.")
    path = next((path for path in map(Path, spellings(source)) if path.exists()), Path(source))
    if path.is_file():
        return read_csv(path, artifacts / "fetched", progress)
    return read_folder(path)


def _read_data_set(data_set: DataSet, artifacts: Path, config: SourceConfig, progress: Progress | None) -> Listing:
    if config.dir is None:
        folder = data_set_folder(data_set, artifacts)
        public.download(data_set, folder, progress)
    else:
        folder = config.dir
        if data_set.missing(folder):
            raise SourceError(public.by_hand(data_set, folder, "nothing is downloaded into a folder that dir names"))
    return data_set.read(folder)
