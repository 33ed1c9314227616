"""Searches that a run is measured by at its end: pictures embedded by a model that was not trained on them.

The published head is fitted on every labelled picture. So other heads of the same settings are measured in its place:
one fitted without the held-out pictures, one fitted without some of the labels, and for calibration one for each fold
of all pictures. A fine-tuned network is measured itself, as it is trained without the held-out pictures. A frozen
network is trained on none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from retrieval import images
from retrieval.clusters import Metric
from retrieval.encoding.projection import Projection
from trainer.data.augment import augment, generator
from trainer.data.sampling import sample_evenly
from trainer.data.split import TEST, TRAIN, UNLABELLED, VALIDATION
from trainer.evaluation.expansion import Chosen, choose_expansion, expanded
from trainer.evaluation.judged import JudgedHits
from trainer.evaluation.protocols import evaluate_vectors
from trainer.evaluation.reliability import HeldOutSearch, Pairs, concatenated, hit_pairs
from trainer.evaluation.results import Missing, Name, Protocol
from trainer.indexing import fit_pca
from trainer.networks.feature_rows import FeatureRows
from trainer.progress import Progress
from trainer.run.folds import FOLDS, Sides, new_situations, sides
from trainer.run.live_baseline import Live
from trainer.training.epochs.dataset import encode_all
from trainer.training.examples import Kernel, new_labels
from trainer.training.head import fit_head
from trainer.training.tuning import Tuning
from trainer.training.validation import MAX_QUERIES, Validation, by_labels

Embeddings = NDArray[np.float32]
"""Of all pictures of the run, [n, e]."""

MIN_LABELS = 2
MIN_QUERIES = 10  # that the live bundle has not seen either; fewer tell nothing


def protocols(tuning: Tuning, published: Embeddings, live: Live | None = None) -> tuple[Protocol | Missing, ...]:
    """Known labels and new labels, or why one of them cannot be measured, each against the frozen encoder.

    `published` are the embeddings by the encoder that is to be served. The difference to the `live` bundle is taken
    over those queries that it was not trained on either.
    """
    labels, parts = tuning.pictures.labels, tuning.pictures.parts

    def measured(name: Name, among: Validation, kernel: Kernel | None) -> Protocol | Missing:
        return _measure_protocol(tuning, name, among, _embeddings_by(tuning, published, kernel), live)

    if len(np.unique(labels[labels != UNLABELLED])) < MIN_LABELS:
        reason = "There are no two labels to tell apart."
        return Missing("known labels", reason), Missing("new labels", reason)
    # A publisher's test part was not used to choose anything.
    part = TEST if (parts == TEST).any() else VALIDATION
    held_out = parts == part if (parts != TRAIN).any() else np.ones(len(parts), bool)
    if tuning.reached == "frozen" or not tuning.pictures.supervised:
        new_protocol = measured("new labels", _among_all(labels, held_out), _validation_kernel(tuning))
        return Missing("known labels", "No label was looked at in training, so all of them are new."), new_protocol
    search = by_labels(labels, np.where(held_out, VALIDATION, TRAIN).astype(np.int8))
    if (search.own() >= 0).all():
        reason = 'The split holds out whole labels. For pictures of known labels, use by = "image" under [split].'
        return Missing("known labels", reason), measured("new labels", search, _validation_kernel(tuning))
    new = _new_labels(tuning)
    new_protocol = new if isinstance(new, Missing) else measured("new labels", *new)
    return measured("known labels", search, _validation_kernel(tuning)), new_protocol


def calibration_pairs(
    tuning: Tuning, published: Embeddings, progress: Progress, judged: JudgedHits | None = None
) -> dict[Metric, Pairs]:
    """Hits of queries that the model was not trained on, for each metric; no pairs where there are no queries.

    `judged` hits are looked at by the same models, where a head is fitted without their queries.
    """
    pictures = tuning.pictures
    if not pictures.supervised or len(np.unique(pictures.labels)) < MIN_LABELS:
        return _pairs(_augmented_queries(tuning, published), progress)
    if tuning.has_seen_labels:
        embeddings = _embeddings_by(tuning, published, _validation_kernel(tuning))
        search = _search(tuning, by_labels(pictures.labels, pictures.parts), embeddings)
        return _pairs(iter([expanded(search, tuning.expand) if tuning.expand else search]), progress)
    return _pairs(_searches(tuning, published, sides(tuning), judged), progress)


def chosen_expansion(tuning: Tuning, published: Embeddings) -> Chosen | None:
    """How many neighbours queries are best moved towards, by the held-out pictures; None: it does not help."""
    pictures = tuning.pictures
    if not pictures.supervised or len(np.unique(pictures.labels[pictures.labels != UNLABELLED])) < MIN_LABELS:
        return None
    among = by_labels(pictures.labels, pictures.parts)
    known = _search(tuning, among, _embeddings_by(tuning, published, _validation_kernel(tuning)))
    new = _new_labels(tuning)
    other = None
    if not isinstance(new, Missing):
        other = _search(tuning, new[0], _embeddings_by(tuning, published, new[1]))
    return choose_expansion(known, other)


def pairs_of_new_situations(tuning: Tuning, published: Embeddings, progress: Progress) -> dict[Metric, Pairs]:
    """The same for queries unlike the gallery's pictures, where the split says that they are like them.

    No pairs where the split says otherwise, and none of a network that was fine-tuned on all situations.
    """
    pictures = tuning.pictures
    if tuning.config.split.by != "image" or tuning.has_seen_labels or not pictures.supervised:
        return {}
    if len(np.unique(pictures.labels)) < MIN_LABELS:
        return {}
    return _pairs(_searches(tuning, published, new_situations(tuning)), progress)


def _pairs(searches: Iterator[HeldOutSearch], progress: Progress) -> dict[Metric, Pairs]:
    pairs_by_metric: dict[Metric, list[Pairs]] = {metric: [] for metric in get_args(Metric)}
    for done, search in enumerate(searches, start=1):
        progress(done, FOLDS)
        for metric, pairs in pairs_by_metric.items():
            if len(search.queries) and len(search.gallery) > 1:
                pairs.append(hit_pairs(search, metric))
    return {metric: concatenated(pairs) for metric, pairs in pairs_by_metric.items() if pairs}


def _new_labels(tuning: Tuning) -> tuple[Validation, Kernel | None] | Missing:
    """Labels held out whole within the training part, and a head that never saw them, where there is a head."""
    if tuning.has_seen_labels:
        reason = 'The network was fine-tuned on every label. To measure on new ones, use by = "label" under [split].'
        return Missing("new labels", reason)
    split = new_labels(tuning.examples(), tuning.config.seed)
    if split is None or (tuning.reached == "head" and (tuning.head is None or tuning.head.new_label_kernel is None)):
        return Missing("new labels", "There are too few labels to hold some out whole: it takes four.")
    return by_labels(split.labels, split.parts), tuning.head.new_label_kernel if tuning.head is not None else None


def _measure_protocol(
    tuning: Tuning, name: Name, among: Validation, embeddings: Embeddings, live: Live | None
) -> Protocol | Missing:
    """One protocol of the run's model, reduced as what is served, against the frozen encoder and what is live."""
    here, before = _search(tuning, among, embeddings), _search(tuning, among, tuning.frozen)
    try:
        protocol = _protocol(tuning, name, here, {"frozen": (before.queries, before.gallery)})
        fresh = np.zeros(0, bool) if live is None else live.fresh[among.queries]
        if live is not None and fresh.sum() >= MIN_QUERIES:
            both = replace(among, queries=among.queries[fresh])
            theirs = live.vectors[both.queries], live.vectors[both.gallery]
            compared = _protocol(tuning, name, _search(tuning, both, embeddings), {"live": theirs})
            protocol = replace(protocol, against={**protocol.against, **compared.against})
    except ValueError as error:
        return Missing(name, f"Nothing could be measured: {error}.")
    return protocol


def _protocol(
    tuning: Tuning, name: Name, here: HeldOutSearch, against: Mapping[str, tuple[Embeddings, Embeddings]]
) -> Protocol:
    names = _label_names(tuning)
    return evaluate_vectors(
        here.queries,
        names[here.query_labels],
        here.gallery,
        names[here.gallery_labels],
        here.same,
        metric="cosine",
        name=name,
        against=against,
    )


def _search(tuning: Tuning, among: Validation, embeddings: Embeddings) -> HeldOutSearch:
    vectors = _reduced(tuning, embeddings, among.gallery)
    labels = among.labels
    return HeldOutSearch(
        vectors[among.queries], labels[among.queries], vectors[among.gallery], labels[among.gallery], among.own()
    )


def _searches(
    tuning: Tuning, published: Embeddings, several: Sides, judged: JudgedHits | None = None
) -> Iterator[HeldOutSearch]:
    """Pictures searched among others, by a head that was fitted without them."""
    labels = tuning.pictures.labels
    for fitted, queries, gallery in several:
        kernel = None
        if tuning.reached == "head" and tuning.head is not None:
            kernel = fit_head(
                tuning.examples().rows(fitted),
                tuning.head.start,
                tuning.head.epochs,
                tuning.config.head,
                tuning.config.seed,
                max_dims=tuning.config.reduce.dims,
            )
        vectors = _reduced(tuning, _embeddings_by(tuning, published, kernel), gallery)
        if judged is not None:
            judged.look(vectors, queries)
        among = Validation(sample_evenly(queries, MAX_QUERIES), gallery, labels)
        rows = among.queries
        search = HeldOutSearch(vectors[rows], labels[rows], vectors[gallery], labels[gallery], among.own())
        yield expanded(search, tuning.expand) if tuning.expand else search


def _augmented_queries(tuning: Tuning, published: Embeddings) -> Iterator[HeldOutSearch]:
    """An altered copy of each held-out picture, or of each picture where nothing was trained, among all pictures."""
    pictures = tuning.pictures
    held_out = np.flatnonzero(pictures.parts == VALIDATION) if tuning.reached != "frozen" else np.arange(len(published))
    rows = sample_evenly(held_out, MAX_QUERIES)
    if not len(rows):
        return
    kernel = _validation_kernel(tuning)
    if kernel is not None:
        query_embeddings = tuning.features.values[rows, 1] @ kernel  # a head without labels always has views
    else:

        def altered(row: int) -> images.RGB:
            rng = generator(pictures.seed, f"copy {pictures.files[row].key}")
            return pictures.shape.each(pictures.read(row, 2 * pictures.side), partial(augment, rng=rng))

        query_embeddings = encode_all(tuning.encoders.onnx.encode, altered, rows)
    everything = np.arange(len(published))
    embeddings = _embeddings_by(tuning, published, kernel)
    projection = _projection(tuning, FeatureRows.of(embeddings))
    gallery = projection.apply(embeddings)
    yield HeldOutSearch(projection.apply(query_embeddings), rows, gallery, everything, np.full(len(rows), -1))


def _among_all(labels: NDArray[np.int64], queries: NDArray[np.bool_]) -> Validation:
    """The pictures marked in `queries` (bool [n]) among all labelled ones, each left out of its own answer."""
    gallery = np.flatnonzero(labels != UNLABELLED)
    rows = np.flatnonzero((labels != UNLABELLED) & queries)
    return Validation(sample_evenly(rows, MAX_QUERIES), gallery, labels)


def _label_names(tuning: Tuning) -> NDArray[np.str_]:
    """The label of each number (split.number_labels)."""
    return np.array(sorted({o.picture.label for o in tuning.pictures.files if o.picture.label is not None}))


def _validation_kernel(tuning: Tuning) -> Kernel | None:
    """The head that never saw the held-out pictures, where a head is what is published."""
    return tuning.head.validation_kernel if tuning.head is not None and tuning.reached == "head" else None


def _embeddings_by(tuning: Tuning, published: Embeddings, kernel: Kernel | None) -> Embeddings:
    """Embeddings by a head of this run, or by the encoder that is published."""
    return published if kernel is None else tuning.features.values[:, 0] @ kernel


def _reduced(tuning: Tuning, embeddings: Embeddings, gallery: NDArray[np.int64]) -> Embeddings:
    """Vectors of all pictures under a PCA fitted on the gallery, as for what is served."""
    return _projection(tuning, FeatureRows.of(embeddings, gallery)).apply(embeddings)


def _projection(tuning: Tuning, gallery: FeatureRows) -> Projection:
    pca = fit_pca(gallery, tuning.config.reduce, tuning.config.seed)
    return Projection(pca.mean_.astype(np.float32), pca.components_.astype(np.float32))
