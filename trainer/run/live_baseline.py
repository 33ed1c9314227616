"""The pictures of a run as the bundle that is live sees them, so that the run can say what it would change."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval import bundle
from retrieval.errors import BundleError, VectorStoreError
from trainer.bundles import load_current, open_store
from trainer.data.features import PictureFile
from trainer.evaluation.inputs.query_gallery import all_items
from trainer.evaluation.inputs.training_split import trained_on
from trainer.releases import missing_vectors


@dataclass(frozen=True, slots=True, eq=False)
class Live:
    """Vectors float32 [n, d] under the live bundle, and which pictures it was not trained on, bool [n]."""

    vectors: NDArray[np.float32]
    fresh: NDArray[np.bool_]


def live_vectors(artifacts: Path, files: Sequence[PictureFile]) -> Live | None:
    """None where nothing is live that can be read, or the live bundle has no vector of one of the very same files."""
    try:
        loaded = load_current(artifacts)
        if missing_vectors.missing(artifacts, loaded, {one.picture.id: one.sha256 for one in files}):
            return None
        with closing(open_store(artifacts, loaded)) as store:
            vectors = np.stack([store.get(one.picture.id) for one in files])
        learned = trained_on(bundle.bundle_path(artifacts, loaded.manifest.id), all_items(artifacts)).digests
    except (BundleError, VectorStoreError):
        return None
    return Live(vectors, np.array([one.sha256 not in learned for one in files]))
