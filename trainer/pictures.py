"""The pictures of items as files: where they lie, or as copies of what is kept in a store by its URL.

A run copies its pictures into such a store before their items exist, so that every server can read them.
"""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from retrieval import bundle
from retrieval.catalogue import Item
from retrieval.durable import write_atomically
from retrieval.errors import PictureMissing
from retrieval.pictures import is_ours, location_of, open_pictures
from trainer.data.features import PictureFile
from trainer.errors import SourceError
from trainer.progress import Progress
from trainer.threads import map_ahead


def picture_path(artifacts: Path, item: Item) -> Path:
    """A file with the item's picture; whether it can be read is not said. Raises PictureUnavailable, StorageError."""
    path = artifacts.absolute() / item.location
    url = bundle.pictures_url(artifacts)
    if url is None or not is_ours(item.location) or path.exists():
        return path
    copy = artifacts.absolute() / "cache" / item.location
    if not copy.exists():
        try:
            data = open_pictures(artifacts, url).read(item.location)
        except PictureMissing:
            return path
        copy.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(copy, several=True, durable=False) as draft:
            draft.write_bytes(data)
    return copy


def copy_pictures(artifacts: Path, files: Sequence[PictureFile], progress: Progress) -> dict[str, str]:
    """Copy pictures into the store that the folder names; where each is then, by SHA-256. Nothing without a store.

    Raises SourceError where a file has changed since it was read, and StorageError.
    """
    url = bundle.pictures_url(artifacts)
    if url is None:
        return {}
    store = open_pictures(artifacts, url)
    unique = list({file.sha256: file for file in files}.values())

    def copied(file: PictureFile) -> str:
        location = location_of(file.sha256, file.info.media_type)
        store.keep(location, _unchanged(file))
        return location

    locations: dict[str, str] = {}
    for done, (file, location) in enumerate(zip(unique, map_ahead(copied, unique), strict=True), start=1):
        locations[file.sha256] = location
        progress(done, len(unique))
    return locations


def to_item(file: PictureFile, artifacts: Path, copy: str | None = None) -> Item:
    """The catalogue's row, whose picture is at `copy`, or else where the source has it.

    A file inside the artifacts folder is named relative to it, so that the folder can move.
    """
    path, home = file.picture.path, artifacts.absolute()
    said = file.picture.source or file.picture  # the catalogue itself keeps what people corrected
    location = copy or (path.relative_to(home) if path.is_relative_to(home) else path)
    return Item(
        id=file.picture.id,
        location=str(location),
        sha256=file.sha256,
        media_type=file.info.media_type,
        width=file.info.width,
        height=file.info.height,
        label=said.label,
        attributes=said.attributes,
        origin="source",
    )


def _unchanged(file: PictureFile) -> bytes:
    try:
        data = file.picture.path.read_bytes()
    except OSError as error:
        place = file.picture.path
        raise SourceError(f"{place} could be read at the start of this run, but no longer: {error}") from error
    if sha256(data).hexdigest() != file.sha256:
        raise SourceError(f"{file.picture.path} has changed since it was read. Leave the pictures alone and run again.")
    return data
