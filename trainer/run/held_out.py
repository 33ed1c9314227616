"""What a run measures itself by at its end: pictures as they look to a model that was never trained on them.

A head is published fitted on every labelled picture, so it is its twins that are asked: the one that never saw the
held-out pictures, the one that never saw some labels at all, and for calibration one for each fold of all pictures.
A fine-tuned network has no twin, but has not seen the held-out pictures; a frozen one has seen nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import AgglomerativeClustering, KMeans

from retrieval import images
from retrieval.clusters import Metric
from retrieval.projection import Projection, unit
from trainer.data.augment import augment, generator
from trainer.data.split import TEST, TRAIN, UNLABELLED, VALIDATION
from trainer.evaluation.calibration import Pairs, Unseen, hits_of, joined
from trainer.evaluation.protocols import evaluate_vectors
from trainer.evaluation.results import Missing, Name, Protocol
from trainer.indexing import fit_pca
from trainer.progress import Progress
from trainer.run.live_baseline import Live
from trainer.training.dataset import encode_all
from trainer.training.head import Kernel, fit_head, new_labels
from trainer.training.stages import Tuning
from trainer.training.validation import MOST_QUERIES, Validation, by_labels

FOLDS = 4
MOST_FOR_WARD = 2_000  # pictures of one label; Ward's tree needs all their pairs
NO_FOLD = -1


def deal_out(features: NDArray[np.float32], labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """The fold 0..FOLDS-1 of each picture, int64 [n]; NO_FOLD for one without a label.

    The pictures of each label, by their features float32 [n, e], fall into FOLDS groups of least variance (Ward 1963,
    "Hierarchical Grouping to Optimize an Objective Function"), each of which goes to another fold.
    """
    folds = np.full(len(labels), NO_FOLD)
    for turn, label in enumerate(np.unique(labels[labels != UNLABELLED])):
        members = np.flatnonzero(labels == label)
        groups = _groups(unit(features[members]), seed)
        largest_first = np.argsort(np.argsort(-np.bincount(groups), kind="stable"))
        folds[members] = (largest_first[groups] + turn) % FOLDS
    return folds


def _groups(directions: NDArray[np.float32], seed: int) -> NDArray[np.int64]:
    """A group 0, 1, ... for each of a label's pictures, float32 [n, e]."""
    different = len(np.unique(directions.round(5), axis=0))
    count = min(FOLDS, different)
    if count < 2:
        return np.zeros(len(directions), np.int64)
    if len(directions) <= MOST_FOR_WARD:
        found: NDArray[np.int64] = AgglomerativeClustering(count, linkage="ward").fit_predict(directions)
    else:
        found = KMeans(count, n_init=1, random_state=seed).fit_predict(directions).astype(np.int64)
    return found


Embeddings = NDArray[np.float32]
"""Of all pictures of the run, [n, e]."""

FEWEST_LABELS = 2
FEWEST_QUERIES = 10  # that the live bundle has not seen either; fewer tell nothing


def protocols(tuning: Tuning, published: Embeddings, live: Live | None = None) -> tuple[Protocol | Missing, ...]:
    """Known labels and new labels, or why one of them cannot be measured, each against the frozen encoder.

    `published` are the embeddings by the encoder that is to be served. The difference to the `live` bundle is taken
    over those queries that it was not trained on either.
    """
    labels, parts = tuning.pictures.labels, tuning.pictures.parts

    def measured(name: Name, among: Validation, kernel: Kernel | None) -> Protocol | Missing:
        return _measured(tuning, name, among, _seen_by(tuning, published, kernel), live)

    if len(np.unique(labels[labels != UNLABELLED])) < FEWEST_LABELS:
        reason = "There are no two labels to tell apart."
        return Missing("known labels", reason), Missing("new labels", reason)
    # A publisher's test part has not even been chosen by.
    chosen = TEST if (parts == TEST).any() else VALIDATION
    held_out = parts == chosen if (parts != TRAIN).any() else np.ones(len(parts), bool)
    if tuning.reached == "frozen" or not tuning.pictures.supervised:
        found = measured("new labels", _among_all(labels, held_out), _twin(tuning))
        return Missing("known labels", "No label was looked at in training, so all of them are new."), found
    held = by_labels(labels, np.where(held_out, VALIDATION, TRAIN).astype(np.int8))
    if (held.own() >= 0).all():
        reason = 'The split holds out whole labels. For pictures of known labels, use by = "image" under [split].'
        return Missing("known labels", reason), measured("new labels", held, _twin(tuning))
    new = _new_labels(tuning)
    found = new if isinstance(new, Missing) else measured("new labels", *new)
    return measured("known labels", held, _twin(tuning)), found


def calibration_pairs(tuning: Tuning, published: Embeddings, progress: Progress) -> dict[Metric, Pairs]:
    """Hits of queries that the model asked was not trained on, by both metrics; no pairs where there are no queries."""
    pictures = tuning.pictures
    if not pictures.supervised or len(np.unique(pictures.labels)) < FEWEST_LABELS:
        worlds: Iterator[Unseen] = _copies(tuning, published)
    elif tuning.reached == "finetune":
        worlds = iter([_unseen(tuning, by_labels(pictures.labels, pictures.parts), published)])
    else:
        worlds = _folds(tuning, published)
    found: dict[Metric, list[Pairs]] = {metric: [] for metric in get_args(Metric)}
    for done, world in enumerate(worlds, start=1):
        progress(done, FOLDS)
        for metric, pairs in found.items():
            if len(world.queries) and len(world.gallery) > 1:
                pairs.append(hits_of(world, metric))
    return {metric: joined(pairs) for metric, pairs in found.items() if pairs}


def _new_labels(tuning: Tuning) -> tuple[Validation, Kernel | None] | Missing:
    """Labels held out whole within the training part, and a head that never saw them, where there is a head."""
    if tuning.reached == "finetune":
        reason = 'The network was fine-tuned on every label. To measure on new ones, use by = "label" under [split].'
        return Missing("new labels", reason)
    world = new_labels(tuning.examples(), tuning.config.seed)
    if world is None or (tuning.reached == "head" and (tuning.head is None or tuning.head.other is None)):
        return Missing("new labels", "There are too few labels to hold some out whole: it takes four.")
    return by_labels(world.labels, world.parts), tuning.head.other if tuning.head is not None else None


def _measured(
    tuning: Tuning, name: Name, among: Validation, embeddings: Embeddings, live: Live | None
) -> Protocol | Missing:
    """One protocol of the run's model, reduced as what is served, against the frozen encoder and what is live."""
    here, before = _unseen(tuning, among, embeddings), _unseen(tuning, among, tuning.frozen)
    try:
        found = _protocol(tuning, name, here, {"frozen": (before.queries, before.gallery)})
        fresh = np.zeros(0, bool) if live is None else live.fresh[among.queries]
        if live is not None and fresh.sum() >= FEWEST_QUERIES:
            both = replace(among, queries=among.queries[fresh])
            theirs = live.vectors[both.queries], live.vectors[both.gallery]
            compared = _protocol(tuning, name, _unseen(tuning, both, embeddings), {"live": theirs})
            found = replace(found, against={**found.against, **compared.against})
    except ValueError as error:
        return Missing(name, f"Nothing could be measured: {error}.")
    return found


def _protocol(
    tuning: Tuning, name: Name, here: Unseen, against: Mapping[str, tuple[Embeddings, Embeddings]]
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


def _unseen(tuning: Tuning, among: Validation, embeddings: Embeddings) -> Unseen:
    vectors = _reduced(tuning, embeddings, among.gallery)
    labels = among.labels
    return Unseen(
        vectors[among.queries], labels[among.queries], vectors[among.gallery], labels[among.gallery], among.own()
    )


def _folds(tuning: Tuning, published: Embeddings) -> Iterator[Unseen]:
    """Each fold of the labelled pictures searched among the others, by a head that was fitted on these alone."""
    clean, labels = tuning.features.values[:, 0], tuning.pictures.labels
    usable = np.where(tuning.pictures.parts == TEST, UNLABELLED, labels)
    folds = deal_out(clean, usable, tuning.config.seed)
    for fold in range(FOLDS):
        queries, gallery = np.flatnonzero(folds == fold), np.flatnonzero((folds != fold) & (folds != NO_FOLD))
        if not len(queries) or not len(gallery):
            continue
        kernel = None
        if tuning.reached == "head" and tuning.head is not None:
            examples = tuning.examples().rows(gallery)
            kernel = fit_head(examples, tuning.head.start, tuning.head.epochs, tuning.config.head, tuning.config.seed)
        vectors = _reduced(tuning, _seen_by(tuning, published, kernel), gallery)
        queries = queries[:: -(-len(queries) // MOST_QUERIES)]
        nobody = np.full(len(queries), -1)
        yield Unseen(vectors[queries], labels[queries], vectors[gallery], labels[gallery], nobody)


def _copies(tuning: Tuning, published: Embeddings) -> Iterator[Unseen]:
    """An altered copy of each held-out picture, or of each picture where nothing was trained, among all pictures."""
    pictures, encoder = tuning.pictures, tuning.encoders.onnx
    held = np.flatnonzero(pictures.parts == VALIDATION) if tuning.reached != "frozen" else np.arange(len(published))
    rows = held[:: max(1, -(-len(held) // MOST_QUERIES))]
    if not len(rows):
        return
    kernel = _twin(tuning)
    if kernel is not None:
        asked = tuning.features.values[rows, 1] @ kernel  # a head without labels always has views
    else:

        def altered(row: int) -> images.RGB:
            rng = generator(pictures.seed, f"copy {pictures.opened[row].key}")
            return augment(pictures.read(row, 2 * pictures.side), encoder.height, encoder.width, rng)

        asked = encode_all(encoder.encode, altered, rows)
    everything = np.arange(len(published))
    projection = _projection(tuning, _seen_by(tuning, published, kernel))
    gallery = projection.apply(_seen_by(tuning, published, kernel))
    yield Unseen(projection.apply(asked), rows, gallery, everything, np.full(len(rows), -1))


def _among_all(labels: NDArray[np.int64], asked: NDArray[np.bool_]) -> Validation:
    """The pictures that are `asked` for among all labelled ones, each left out of its own answer."""
    gallery = np.flatnonzero(labels != UNLABELLED)
    rows = np.flatnonzero((labels != UNLABELLED) & asked)
    return Validation(rows[:: max(1, -(-len(rows) // MOST_QUERIES))], gallery, labels)


def _label_names(tuning: Tuning) -> NDArray[np.str_]:
    """The label of each number (split.number_labels)."""
    return np.array(sorted({o.picture.label for o in tuning.pictures.opened if o.picture.label is not None}))


def _twin(tuning: Tuning) -> Kernel | None:
    """The head that never saw the held-out pictures, where a head is what is published."""
    return tuning.head.twin if tuning.head is not None and tuning.reached == "head" else None


def _seen_by(tuning: Tuning, published: Embeddings, kernel: Kernel | None) -> Embeddings:
    """Embeddings by a head of this run, or by the encoder that is published."""
    return published if kernel is None else tuning.features.values[:, 0] @ kernel


def _reduced(tuning: Tuning, embeddings: Embeddings, gallery: NDArray[np.int64]) -> Embeddings:
    """Vectors of all pictures under a PCA fitted on the gallery, as for what is served."""
    return _projection(tuning, embeddings[gallery]).apply(embeddings)


def _projection(tuning: Tuning, gallery: Embeddings) -> Projection:
    pca = fit_pca(unit(gallery), tuning.config.reduce, tuning.config.seed)
    return Projection(pca.mean_.astype(np.float32), pca.components_.astype(np.float32))
