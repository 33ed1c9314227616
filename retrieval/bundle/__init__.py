"""Read, verify, write and publish bundles.

    artifacts/
      CURRENT                       the id of the served bundle, unless the database says it
      catalogue.sqlite              the items
      store.json                    where items, pictures, vectors and bundles are, if not in this folder
      vectors/<id>.sqlite           the items' vectors under that bundle
      pending/<id>.jsonl            the items that a release adds when that bundle goes live
      bundles/<id>/
        manifest.json               what it is, and the checksum of every other file
        manifest.sha256             the checksum of the manifest
        encoder.onnx  projection.npz  clusters.npz
        calibration.npz             how sure it is of its hits, where pictures could be held out to learn that
        faces/                      the detector's models, where faces are compared
        report/                     what people read of it
        training/                   what only the trainer reads; nothing here opens these two

A bundle is written into a temporary folder, every file and folder of it made durable, and renamed; CURRENT is
replaced last. A crash at any moment leaves the old bundle or the new one.
"""

from retrieval.bundle.layout import (
    CALIBRATION,
    CHECKSUM,
    CLUSTERS,
    ENCODER,
    FACE_MODELS,
    FACES,
    MANIFEST,
    PROJECTION,
    REPORT,
    TRAINING,
    bundle_path,
    ids,
    pending_path,
)
from retrieval.bundle.library import Library, all_ids, current, fetched, open_library, publish, take_back
from retrieval.bundle.places import (
    Places,
    artifacts_url,
    catalogue_url,
    pending_lines,
    pictures_url,
    read_places,
    vectors_url,
    write_places,
)
from retrieval.bundle.reading import Bundle, face_stage, load, read_clusters, read_manifest, verify
from retrieval.bundle.writing import write

__all__ = [
    "CALIBRATION",
    "CHECKSUM",
    "CLUSTERS",
    "ENCODER",
    "FACES",
    "FACE_MODELS",
    "MANIFEST",
    "PROJECTION",
    "REPORT",
    "TRAINING",
    "Bundle",
    "Library",
    "Places",
    "all_ids",
    "artifacts_url",
    "bundle_path",
    "catalogue_url",
    "current",
    "face_stage",
    "fetched",
    "ids",
    "load",
    "open_library",
    "pending_lines",
    "pending_path",
    "pictures_url",
    "publish",
    "read_clusters",
    "read_manifest",
    "read_places",
    "take_back",
    "vectors_url",
    "verify",
    "write",
    "write_places",
]
