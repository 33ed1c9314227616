"""How good a published bundle is on pictures that it has not been trained on: through its ONNX file, PCA and all."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval import bundle
from retrieval.bundle import Bundle
from retrieval.catalogue import Catalogue
from retrieval.clusters import Metric
from trainer.embedding import embed_readable
from trainer.errors import SourceError
from trainer.lookup import load_current, open_store
from trainer.metrics import Scores, score
from trainer.progress import Progress
from trainer.sources import read_source
from trainer.sources.base import Skipped

TIMED_QUERIES = 200


@dataclass(frozen=True, slots=True)
class Embedded:
    """Labelled pictures as vectors float32 [n, d]. `digests` are the SHA-256 of the files."""

    vectors: NDArray[np.float32]
    labels: NDArray[np.str_]
    digests: Sequence[str]
    paths: Sequence[Path] = ()
    skipped: Sequence[Skipped] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The measures of a bundle. `query_milliseconds` is the median of decoding, encoding and searching one picture."""

    bundle_id: str
    metric: Metric
    scores: Scores
    gallery: int
    query_milliseconds: float
    skipped: Sequence[Skipped]


def evaluate(artifacts: Path, queries: str, gallery: str | None, metric: Metric, progress: Progress) -> Evaluation:
    """Search every picture of the source `queries` in the source `gallery`, or in the catalogue.

    A query whose very file is in the gallery is left out of its own answer. Raises SourceError when there is nothing to
    measure, and BundleError when there is no bundle to measure with.
    """
    loaded = load_current(artifacts)
    asked = embed_source(queries, loaded, artifacts, progress)
    searched = embed_source(gallery, loaded, artifacts, progress) if gallery else _catalogue(artifacts, loaded)
    searched = _without_doubles(searched)
    rows = {digest: row for row, digest in enumerate(searched.digests)}
    same = np.array([rows.get(digest, -1) for digest in asked.digests], np.int64)
    try:
        scores = score(asked.vectors, asked.labels, searched.vectors, searched.labels, metric=metric, same=same)
    except ValueError as error:
        raise SourceError(
            f"Nothing to measure: {error}. Labels of queries and gallery are compared as text."
        ) from error
    return Evaluation(
        loaded.manifest.id,
        metric,
        scores,
        len(searched.labels),
        _query_milliseconds(asked.paths, loaded, artifacts, metric),
        [*asked.skipped, *searched.skipped],
    )


def embed_source(source: str, loaded: Bundle, artifacts: Path, progress: Progress) -> Embedded:
    """The labelled pictures of a source through the bundle. What cannot be used is skipped, with the reason."""
    listing = read_source(source, artifacts)
    unlabelled = [
        Skipped(str(picture.path), "it has no label to measure by")
        for picture in listing.pictures
        if picture.label is None
    ]
    labelled = [picture for picture in listing.pictures if picture.label is not None]
    found = embed_readable(labelled, loaded.embedder, progress)
    skipped = [*listing.skipped, *unlabelled, *found.skipped]
    if not found.pictures:
        raise SourceError(f"No picture of {source} can be used: {skipped[0].place}: {skipped[0].reason}.")
    labels = np.array([picture.label for picture in found.pictures])
    return Embedded(found.vectors, labels, found.digests, [picture.path for picture in found.pictures], skipped)


def _without_doubles(gallery: Embedded) -> Embedded:
    """Each file once: a second copy of a query would be a sure match that proves nothing."""
    rows = np.sort(np.unique(gallery.digests, return_index=True)[1])
    digests = [gallery.digests[row] for row in rows]
    return replace(gallery, vectors=gallery.vectors[rows], labels=gallery.labels[rows], digests=digests)


def _catalogue(artifacts: Path, loaded: Bundle) -> Embedded:
    """The labelled items of the catalogue, with the vectors they are served with."""
    catalogue, store = Catalogue(bundle.catalogue_url(artifacts)), open_store(artifacts, loaded)
    try:
        known = set(store.ids())
        items = [item for item in catalogue.items() if item.label is not None and item.id in known]
        if not items:
            raise SourceError("The catalogue has no labelled items to search in; name a --gallery.")
        vectors = np.stack([store.get(item.id) for item in items])
        return Embedded(vectors, np.array([item.label for item in items]), [item.sha256 for item in items])
    finally:
        store.close()
        catalogue.close()


def _query_milliseconds(paths: Sequence[Path], loaded: Bundle, artifacts: Path, metric: Metric) -> float:
    """The median time that a picture takes from its bytes to ten hits of the published store, one at a time."""
    store = open_store(artifacts, loaded)
    try:
        times = []
        for path in paths[:TIMED_QUERIES]:
            data = path.read_bytes()
            began = time.perf_counter()
            (query,) = loaded.embedder.embed([loaded.embedder.prepare(data)])
            store.search(query, k=10, metric=metric)
            times.append((time.perf_counter() - began) * 1000)
        return float(np.median(times))
    finally:
        store.close()
