"""The catalogue of an artifacts folder copied into a database, or back, with what is live."""

from contextlib import closing
from pathlib import Path

from retrieval.bundle.publishing import write_current
from retrieval.catalogue import Catalogue
from retrieval.catalogue.transfer import transfer
from retrieval.remote import database_url
from trainer.errors import SourceError
from trainer.releases.lock import alone


def migrate_items(artifacts: Path, source: str | None, target: str | None) -> tuple[dict[str, int], bool]:
    """As `transfer`; None is the file of the folder. What the database says is live, CURRENT says where the items go.

    Raises SourceError for what is no URL of a database, PublisherBusy, CatalogueError, StorageError.
    """
    if source is None and not (artifacts / "catalogue.sqlite").is_file():
        raise SourceError(f"There is no catalogue.sqlite in {artifacts}: name where the items are by --from.")
    source_url, target_url = (_url(artifacts, each) for each in (source, target))
    with alone(artifacts):
        counts, copied = transfer(source_url, target_url)
        with closing(Catalogue(source_url)) as catalogue:
            live = catalogue.releases.live() if catalogue.releases else None
        with closing(Catalogue(target_url)) as catalogue:
            if live is None:
                pass  # until something is published, CURRENT counts
            elif catalogue.releases is None:
                write_current(artifacts, live.bundle_id)
            else:
                catalogue.releases.go_live(live.bundle_id)
    return counts, copied


def _url(artifacts: Path, text: str | None) -> str:
    if text is None:
        return f"sqlite:///{(artifacts / 'catalogue.sqlite').absolute()}"
    try:
        return database_url(text)
    except ValueError as error:
        raise SourceError(f"{text.partition('://')[0]}://...: {error}") from None
