"""One search from the command line, without a server: the same bundle, store and catalogue."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from retrieval import bundle
from retrieval.catalogue import Catalogue, Item, WordHits
from retrieval.clusters import Metric
from retrieval.errors import BundleMissing
from retrieval.vectors.base import VectorStore
from retrieval.vectors.stores import VectorStores, vector_stores
from retrieval.words import MAX_WORDS, words_of
from trainer.errors import SourceError

MAX_NEAR = 5
"""Known words that are told for one that no item has."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Items with their cosine and Euclidean distance, best first, and how the search was done."""

    bundle_id: str
    hits: Sequence[tuple[Item, float, float]]
    exact: bool
    recall_estimate: float | None
    clusters_opened: int
    clusters_total: int


def load_current(artifacts: Path) -> bundle.Bundle:
    """The published bundle. Raises BundleError."""
    return bundle.load(bundle.fetched(artifacts, bundle.current(artifacts)))


@dataclass(frozen=True, slots=True)
class NamedBundle:
    """A bundle that was asked for by name, and the artifacts folder that it lies in."""

    artifacts: Path
    bundle: bundle.Bundle

    @property
    def folder(self) -> Path:
        return bundle.bundle_path(self.artifacts, self.bundle.manifest.id)


LIVE = "live"


def load_named(artifacts: Path, name: str) -> NamedBundle:
    """The bundle that `find_named` finds. Raises BundleError."""
    home, folder = find_named(artifacts, name)
    return NamedBundle(home, bundle.load(folder))


def find_named(artifacts: Path, name: str) -> tuple[Path, Path]:
    """The artifacts folder and the bundle folder that a name stands for; nothing is opened.

    The name is `live` (the published one), an id, or the path of a bundle or of another artifacts folder, of which the
    published one is meant. Raises BundleMissing.
    """
    path, folder = Path(name), bundle.bundle_path(artifacts, name)
    if name == LIVE:
        home, folder = artifacts, bundle.fetched(artifacts, bundle.current(artifacts))
    elif path.name == name and (folder.is_dir() or not path.is_dir()):
        home, folder = artifacts, bundle.fetched(artifacts, name)
    elif (path / "CURRENT").exists() or (path / "store.json").exists():
        home, folder = path, bundle.fetched(path, bundle.current(path))
    else:
        home, folder = path.resolve().parent.parent, path
    if not folder.is_dir():
        raise BundleMissing(f"There is no bundle in {folder}.")
    return home, folder


def stores_of(artifacts: Path) -> VectorStores:
    """The vector stores of an artifacts folder, in files or where it says. Raises BundleDamaged."""
    return vector_stores(artifacts, bundle.vectors_url(artifacts), bundle.catalogue_url(artifacts))


def open_store(artifacts: Path, loaded: bundle.Bundle) -> VectorStore:
    """The vectors of a bundle. Raises VectorStoreError when they are missing or do not fit it."""
    return stores_of(artifacts).open(
        loaded.manifest.id, loaded.clusters, auto_probes=loaded.auto_probes, margins=loaded.margins
    )


def search_words(artifacts: Path, text: str, k: int) -> tuple[WordHits, dict[str, list[str]]]:
    """The first k items that have all words of a text; where there are none, known words near those that nothing has.

    Raises SourceError where there is no word in it, or more than 16, and CatalogueError.
    """
    words = words_of(text)
    if not 0 < len(words) <= MAX_WORDS:
        raise SourceError(f"--text needs 1 to {MAX_WORDS} words of letters or numbers, and has {len(words)}.")
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
        hits = catalogue.find_words(words, limit=k)
        return hits, {} if hits.total else catalogue.near_words(words, limit=MAX_NEAR)


def search_picture(artifacts: Path, picture: Path, k: int, metric: Metric) -> SearchResult:
    """The k items most like a picture file. Raises ImageError, BundleError, or SourceError where there is no file."""
    loaded = load_current(artifacts)
    try:
        data = picture.read_bytes()
    except OSError as error:
        raise SourceError(f"{picture} cannot be read: {error.strerror}.") from error
    (query,) = loaded.embedder.embed([loaded.embedder.prepare(data)])
    catalogue, store = Catalogue(bundle.catalogue_url(artifacts)), open_store(artifacts, loaded)
    try:
        hits = store.search(query, k=k, metric=metric)
        items = catalogue.get_many(hits.ids)
    finally:
        store.close()
        catalogue.close()
    ranked = [
        (items[item_id], float(cosine), float(distance))
        for item_id, cosine, distance in zip(hits.ids, hits.cosine, hits.euclidean, strict=True)
        if item_id in items
    ]
    return SearchResult(
        loaded.manifest.id, ranked, hits.exact, hits.recall_estimate, hits.clusters_opened, hits.clusters_total
    )
