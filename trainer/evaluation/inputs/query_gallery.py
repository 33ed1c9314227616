"""The two sides of an evaluation, queries and gallery: labelled pictures as each of several bundles sees them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval import bundle
from retrieval.bundle import Bundle
from retrieval.catalogue import Catalogue, Item
from retrieval.vectors.base import VectorStore
from trainer.bundles import LIVE, NamedBundle, load_named
from trainer.data.labelled import LabelledPictures
from trainer.data.loading import EmbeddedPictures, embed_readable
from trainer.errors import SourceError
from trainer.evaluation.inputs.leaks import Files
from trainer.pictures import picture_path
from trainer.progress import Progress
from trainer.sources.base import Picture, Skipped

Rows = NDArray[np.int64] | NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class EmbeddedSet:
    """Labelled pictures: `vectors` maps the name of a bundle to float32 [n, d], in the order of `pictures`.

    `digests` are the SHA-256 of their files; `skipped` pictures could not be used by one bundle or another.
    """

    pictures: Sequence[Picture]
    digests: Sequence[str]
    vectors: Mapping[str, NDArray[np.float32]]
    skipped: Sequence[Skipped] = ()

    @property
    def labels(self) -> NDArray[np.str_]:
        """Of every picture [n]."""
        return np.array([str(picture.label) for picture in self.pictures], np.str_)

    @property
    def files(self) -> Files:
        """Where the pictures lie."""
        return Files([picture.path for picture in self.pictures], self.digests)

    def subset(self, rows: Rows) -> "EmbeddedSet":
        """Some of the pictures, by their rows or by a mask."""
        numbers = np.arange(len(self.pictures))[rows].tolist()
        return EmbeddedSet(
            [self.pictures[row] for row in numbers],
            [self.digests[row] for row in numbers],
            {name: vectors[numbers] for name, vectors in self.vectors.items()},
        )

    def union(self, other: "EmbeddedSet") -> "EmbeddedSet":
        """These pictures, and those of another set that are not among them."""
        paths = {picture.path for picture in self.pictures}
        more = other.subset(np.array([picture.path not in paths for picture in other.pictures], bool))
        return EmbeddedSet(
            [*self.pictures, *more.pictures],
            [*self.digests, *more.digests],
            {name: np.concatenate([vectors, more.vectors[name]]) for name, vectors in self.vectors.items()},
        )


def embed(
    pictures: Sequence[Picture],
    bundles: Mapping[str, Bundle],
    progress: Progress,
    served: Mapping[str, EmbeddedPictures] | None = None,
) -> EmbeddedSet:
    """The pictures through each of the bundles, but for those whose vectors are `served` already.

    A picture that one of them cannot use is left out for all.
    """
    by_bundle = dict(served or {})
    for name in [name for name in bundles if name not in by_bundle]:
        by_bundle[name] = embed_readable(pictures, bundles[name].embedder, progress)
    usable = set.intersection(*({id(picture) for picture in embedded.pictures} for embedded in by_bundle.values()))
    vectors = {
        name: embedded.vectors[[id(picture) in usable for picture in embedded.pictures]]
        for name, embedded in by_bundle.items()
    }
    first = next(iter(by_bundle.values()))
    pairs = [(p, digest) for p, digest in zip(first.pictures, first.digests, strict=True) if id(p) in usable]
    skipped = {entry.place: entry for embedded in by_bundle.values() for entry in embedded.skipped}
    return EmbeddedSet([p for p, _ in pairs], [digest for _, digest in pairs], vectors, list(skipped.values()))


def as_pictures(items: Sequence[Item], artifacts: Path) -> list[Picture]:
    """Items of the catalogue as pictures of a source."""
    return [Picture(item.id, picture_path(artifacts, item), item.label) for item in items]


def as_served(pictures: Sequence[Picture], items: Sequence[Item], store: VectorStore) -> EmbeddedPictures:
    """Items of the catalogue, and the pictures made of them, with the vectors that they are served with."""
    stored_ids = set(store.ids())
    rows = [row for row, item in enumerate(items) if item.id in stored_ids]
    vectors = np.stack([store.get(items[row].id) for row in rows]) if rows else np.zeros((0, 0), np.float32)
    skipped = [
        Skipped(picture.place, "it has no vector under this bundle")
        for picture, item in zip(pictures, items, strict=True)
        if item.id not in stored_ids
    ]
    return EmbeddedPictures([pictures[row] for row in rows], vectors, [items[row].sha256 for row in rows], skipped)


CANDIDATE = ""  # the name of the bundle that is measured, among those it is held against

Step = Callable[[str], AbstractContextManager[Progress]]


@dataclass(frozen=True, slots=True)
class EvaluationData:
    """Pictures as the bundle that is measured, and those it is held against, see them."""

    candidate: NamedBundle
    others: Mapping[str, NamedBundle]
    store: VectorStore
    step: Step

    def from_source(self, role: str, labelled: LabelledPictures) -> EmbeddedSet:
        """The labelled pictures of a source. Raises SourceError when none can be used."""
        with self.step(f"Embedding {role}") as progress:
            embedded = embed(labelled.pictures, self._bundles(), progress)
        skipped = [*labelled.skipped, *embedded.skipped]
        if not embedded.pictures:
            raise SourceError(f"No picture of {labelled.source} can be used: {skipped[0].place}: {skipped[0].reason}.")
        return replace(embedded, skipped=skipped)

    def from_catalogue(self, role: str, items: Sequence[Item]) -> EmbeddedSet:
        """Labelled items, the vectors of which the measured bundle has already. Raises SourceError for none."""
        items = [item for item in items if item.label is not None]
        if not items:
            raise SourceError(f"The catalogue has no labelled items to be the {role}; name --{role}.")
        pictures = as_pictures(items, self.candidate.artifacts)
        served = as_served(pictures, items, self.store)
        with self.step(f"Embedding {role}") as progress:
            embedded = embed(pictures, self._bundles(), progress, {CANDIDATE: served})
        if not embedded.pictures:
            raise SourceError(f"None of the catalogue's items can be the {role}: {embedded.skipped[0].reason}.")
        return embedded

    def _bundles(self) -> dict[str, Bundle]:
        return {CANDIDATE: self.candidate.bundle} | {name: other.bundle for name, other in self.others.items()}


def load_others(artifacts: Path, candidate: NamedBundle, against: Sequence[str]) -> dict[str, NamedBundle]:
    """What the bundle is held against: `live`, the `frozen` network, or any other one by its id."""
    others: dict[str, NamedBundle] = {}
    for name in against:
        other = load_named(artifacts, name)
        manifest = other.bundle.manifest
        if other.folder.resolve() == candidate.folder.resolve():
            raise SourceError(f"{name} is the bundle that is measured, {manifest.id}: there is nothing to compare.")
        short = LIVE if name == LIVE else "frozen" if manifest.encoder.stage == "frozen" else manifest.id
        others[manifest.id if short in others else short] = other
    return others


def all_items(artifacts: Path) -> list[Item]:
    """The catalogue, labelled or not."""
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
        return list(catalogue.items())
