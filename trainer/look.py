"""Where the two halves of an evaluation come from, and the bundles that look at them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from pathlib import Path

from retrieval import bundle
from retrieval.bundle import Bundle
from retrieval.catalogue import Catalogue, Item
from retrieval.vectors.base import VectorStore
from trainer.bundles import LIVE, Named, load_named
from trainer.errors import SourceError
from trainer.evaluation import query_gallery
from trainer.evaluation.query_gallery import Half
from trainer.progress import Progress
from trainer.sources import read_source
from trainer.sources.base import Picture, Skipped

ITSELF = ""  # the name of the bundle that is measured, among those it is held against

Step = Callable[[str], AbstractContextManager[Progress]]


@dataclass(frozen=True, slots=True)
class Look:
    """Pictures as the bundle that is measured, and those it is held against, see them."""

    judged: Named
    others: Mapping[str, Named]
    store: VectorStore
    step: Step

    def at_source(self, half: str, source: str) -> Half:
        """The labelled pictures of a source. Raises SourceError when none can be used."""
        pictures, unlabelled = labelled(source, self.judged.artifacts)
        with self.step(f"Embedding {half}") as progress:
            found = query_gallery.embed(pictures, self._bundles(), progress)
        skipped = [*unlabelled, *found.skipped]
        if not found.pictures:
            raise SourceError(f"No picture of {source} can be used: {skipped[0].place}: {skipped[0].reason}.")
        return replace(found, skipped=skipped)

    def at_items(self, half: str, items: Sequence[Item]) -> Half:
        """Labelled items, the vectors of which the measured bundle has already. Raises SourceError for none."""
        items = [item for item in items if item.label is not None]
        if not items:
            raise SourceError(f"The catalogue has no labelled items to be the {half}; name --{half}.")
        pictures = query_gallery.as_pictures(items, self.judged.artifacts)
        served = query_gallery.as_served(pictures, items, self.store)
        with self.step(f"Embedding {half}") as progress:
            found = query_gallery.embed(pictures, self._bundles(), progress, {ITSELF: served})
        if not found.pictures:
            raise SourceError(f"None of the catalogue's items can be the {half}: {found.skipped[0].reason}.")
        return found

    def _bundles(self) -> dict[str, Bundle]:
        return {ITSELF: self.judged.bundle} | {name: other.bundle for name, other in self.others.items()}


def name_others(artifacts: Path, judged: Named, against: Sequence[str]) -> dict[str, Named]:
    """What the bundle is held against: `live`, the `frozen` network, or any other one by its id."""
    found: dict[str, Named] = {}
    for wanted in against:
        other = load_named(artifacts, wanted)
        manifest = other.bundle.manifest
        if other.folder.resolve() == judged.folder.resolve():
            raise SourceError(f"{wanted} is the bundle that is measured, {manifest.id}: there is nothing to compare.")
        short = LIVE if wanted == LIVE else "frozen" if manifest.encoder.stage == "frozen" else manifest.id
        found[manifest.id if short in found else short] = other
    return found


def all_items(artifacts: Path) -> list[Item]:
    """The catalogue, labelled or not."""
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
        return list(catalogue.items())


def labelled(source: str, artifacts: Path) -> tuple[list[Picture], list[Skipped]]:
    """The labelled pictures of a source, and what cannot be used, with the reason."""
    listing = read_source(source, artifacts)
    unlabelled = [
        Skipped(str(picture.path), "it has no label to measure by")
        for picture in listing.pictures
        if picture.label is None
    ]
    return [picture for picture in listing.pictures if picture.label is not None], [*listing.skipped, *unlabelled]
