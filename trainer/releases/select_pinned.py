"""Where pinned pictures come from: the items of the first labelled bundle to go live, or a source of one's choice."""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from retrieval import bundle
from retrieval.bundle import Bundle
from retrieval.catalogue import Item
from trainer.errors import ReleaseError
from trainer.progress import Listener
from trainer.releases.pinned import Pin, choose
from trainer.releases.replay import parts


def from_items(items: Iterable[Item], artifacts: Path, loaded: Bundle) -> list[Pin]:
    """What to pin of these items; nothing where no label has two pictures."""
    home = artifacts.absolute()
    pins = (Pin(home / item.location, item.label, item.sha256) for item in items if item.label)
    return _select(pins, artifacts, loaded)


def from_source(source: str, artifacts: Path, loaded: Bundle, listener: Listener) -> list[Pin]:
    """What to pin of a source. Raises SourceError for one that cannot be read, ReleaseError where no label has two."""
    from trainer.sources import read_source  # brings what renders and downloads

    with listener.step("Reading what is to be pinned") as progress:
        pictures = [picture for picture in read_source(source, artifacts, progress=progress).pictures if picture.label]
        pins = []
        for done, picture in enumerate(pictures, start=1):
            try:
                digest = sha256(picture.path.read_bytes()).hexdigest()
            except OSError as error:
                listener.note(f"{picture.path} is not pinned: {error.strerror or error}")
                continue
            pins.append(Pin(picture.path, str(picture.label), digest, origin="source"))
            progress(done, len(pictures))
    selected = _select(pins, artifacts, loaded)
    if not selected:
        raise ReleaseError(f"Nothing of {source} can be pinned: no label has two different pictures.")
    return selected


def _select(pins: Iterable[Pin], artifacts: Path, loaded: Bundle) -> list[Pin]:
    part_by_digest = parts(bundle.bundle_path(artifacts, loaded.manifest.id)) or {}
    selected = choose(pins, frozenset(digest for digest, part in part_by_digest.items() if part != "train"))
    return selected if any(pin.query for pin in selected) else []
