"""The embeddings of the gallery: from the features that the run has computed where it can, without decoding again.

A head is linear: it turns the features of the network before it into embeddings by one product, and a frozen encoder's
embeddings are its features. A sample of the pictures goes through the written encoder all the same: where it gives
anything else, so does the whole gallery. What is embedded is kept in the folder of the run, and a run that was stopped
goes on there.
"""

from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from retrieval.encoding.projection import unit
from trainer.data.features import FeatureCache
from trainer.data.large_arrays import empty_rows
from trainer.data.loading import BATCH, embed_gallery
from trainer.data.sampling import sample_evenly
from trainer.networks.forms import TOLERANCE, Encoders, fingerprint
from trainer.progress import Progress
from trainer.training.tuning import Tuning

SAMPLE = 32  # pictures that are embedded to check the others by


def embed(tuning: Tuning, encoder: Encoders, progress: Progress) -> NDArray[np.float32]:
    """Embeddings float32 [n, e] of all pictures of the run by the encoder that is to be served.

    Raises SourceError for a picture that can no longer be read.
    """
    pictures, opener = [file.picture for file in tuning.pictures.files], tuning.pictures.opener
    embeddings = _from_features(tuning, encoder)
    if embeddings is None:
        return _embed_all(tuning, encoder, progress)
    rows = sample_evenly(np.arange(len(pictures)), SAMPLE)
    sample = embed_gallery([pictures[row] for row in rows], encoder.onnx, progress, opener, tuning.pictures.fit)
    difference = float(np.abs(unit(embeddings[rows]) - unit(sample)).max())
    if difference <= TOLERANCE:
        progress(len(pictures), len(pictures))
        return embeddings
    tuning.listener.note(
        f"The features in the cache differ from the written encoder by up to {difference:.1e}: all pictures are "
        "embedded again."
    )
    return _embed_all(tuning, encoder, progress)


def _embed_all(tuning: Tuning, encoder: Encoders, progress: Progress) -> NDArray[np.float32]:
    """The embeddings [n, e] of all pictures, but for those that a stopped run has embedded by the same encoder."""
    files, opener, fit = tuning.pictures.files, tuning.pictures.opener, tuning.pictures.fit
    embeddings = empty_rows((len(files), encoder.onnx.dims), tuning.work)
    with FeatureCache(tuning.work / f"gallery-{fingerprint(encoder.graph)}.sqlite") as stored:
        for start in range(0, len(files), BATCH):
            some = files[start : start + BATCH]
            key = sha256("\n".join(file.key for file in some).encode()).hexdigest()
            embedded = stored.get(key, encoder.onnx.dims)
            if embedded is None:
                pictures = [file.picture for file in some]
                embedded = embed_gallery(pictures, encoder.onnx, lambda *_: None, opener, fit)
                stored.put(key, embedded)  # a batch as a whole, so that a run gone on with has the very same numbers
            embeddings[start : start + BATCH] = embedded
            progress(start + len(some), len(files))
    return embeddings


def _from_features(tuning: Tuning, encoder: Encoders) -> NDArray[np.float32] | None:
    """The embeddings [n, e] that follow from the features; None for a network that has changed since."""
    if encoder is not tuning.encoders:  # it was quantised
        return None
    features = tuning.features.values[:, 0]
    if tuning.reached in ("frozen", "autoencoder"):
        return features
    if tuning.reached == "head" and tuning.head is not None:
        product: NDArray[np.float32] = features @ tuning.head.kernel
        return product
    return None
