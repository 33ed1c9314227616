"""The report of the published bundle, from what is on disk: bundle, catalogue, vectors, and what training left."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval import bundle
from retrieval.bundle import REPORT, TRAINING, Bundle, checksums
from retrieval.catalogue import Catalogue
from retrieval.errors import VectorMissing
from retrieval.faces.spec import face_of
from retrieval.manifest import Manifest
from trainer.bundles import load_current, open_store
from trainer.errors import SourceError
from trainer.evaluation import results
from trainer.evaluation.inputs.training_split import SplitRow, learned_from, read_split
from trainer.pictures import picture_path
from trainer.report.model import Report
from trainer.report.write import EVALUATION
from trainer.sources.base import Picture
from trainer.training.epochs.history import read_history

HISTORY, MEASURED = f"{TRAINING}/history.csv", f"{REPORT}/{EVALUATION}"


def read_published(artifacts: Path) -> Report:
    """The published bundle's report, without its health. Raises BundleError, CatalogueError or VectorStoreError where
    there is none to report on, SourceError where the catalogue has no picture with a vector.
    """
    loaded = load_current(artifacts)
    manifest = loaded.manifest
    folder = bundle.bundle_path(artifacts, manifest.id)
    history, measured = (_text(folder, manifest, name) for name in (HISTORY, MEASURED))
    pictures, vectors = _gallery(artifacts, loaded)
    return Report(
        bundle_id=manifest.id,
        created=datetime.now(UTC),
        facts=describe(manifest),
        pictures=pictures,
        vectors=vectors,
        clusters=loaded.clusters.assign(vectors).astype(np.int64),
        held_out=_held_out(read_split(folder, manifest), manifest, pictures),
        scores=manifest.metrics,
        intervals=manifest.intervals,
        history=read_history(history, str(folder / HISTORY)) if history else (),
        evaluation=results.from_json(measured, str(folder / MEASURED)) if measured else None,
        sheets=folder / REPORT,
    )


def describe(manifest: Manifest) -> dict[str, str]:
    """What a bundle is, in words."""
    encoder, counts = manifest.encoder, manifest.counts
    facts = {
        "Encoder": f"{encoder.name}, {encoder.stage}, {encoder.precision}, {encoder.width} x {encoder.height} pixels",
        "Vectors": f"{manifest.dims} dimensions, from embeddings of {encoder.dims}",
        "Made from": f"{counts.items:,} pictures of {counts.labels:,} labels",
        "Clusters": f"{counts.clusters:,}",
        "Bundle made": f"{manifest.created:%Y-%m-%d %H:%M} UTC",
    }
    if manifest.split:
        facts["Held out"] = ", ".join(f"{name} {value}" for name, value in manifest.split.items())
    if manifest.faces:
        facts["Sees"] = "faces"
    return facts


def _gallery(artifacts: Path, loaded: Bundle) -> tuple[list[Picture], NDArray[np.float32]]:
    """The catalogue's items that have a vector, with the vectors they are served with [n, d]."""
    catalogue, store = Catalogue(bundle.catalogue_url(artifacts)), open_store(artifacts, loaded)
    pictures, vectors = [], []
    try:
        for item in catalogue.items():
            try:
                vectors.append(store.get(item.id))
            except VectorMissing:  # it was added to the catalogue, and is not embedded yet
                continue
            place, face = picture_path(artifacts, item), face_of(item.id, loaded.manifest.faces)
            pictures.append(Picture(item.id, place, item.label, item.attributes, face=face))
    finally:
        store.close()
        catalogue.close()
    if not pictures:
        raise SourceError(
            f"The catalogue in {artifacts} has no picture with a vector, so there is nothing to report on."
        )
    return pictures, np.stack(vectors)


def _held_out(split: Sequence[SplitRow], manifest: Manifest, pictures: Sequence[Picture]) -> NDArray[np.bool_]:
    """Which pictures the encoder has not learned from; of a bundle that does not tell, it may have from any."""
    learned = learned_from(manifest.encoder.stage)
    trained_on = {row.id for row in split if row.part in learned}
    if learned and not trained_on:
        return np.zeros(len(pictures), bool)
    return np.array([picture.id not in trained_on for picture in pictures])


def _text(folder: Path, manifest: Manifest, name: str) -> str | None:
    """A file of the bundle, checked; None where the bundle has none of that name."""
    return checksums.read(folder, manifest.files, name).decode() if name in manifest.files else None
