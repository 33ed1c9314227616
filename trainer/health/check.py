"""Everything that can be wrong with the pictures of a run, in one pass over their files and one over their features."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from retrieval import duplicates
from retrieval.duplicates import CalibratedVectors, Group, Sketch
from retrieval.duplicates.keeping import ItemFacts
from retrieval.encoding.projection import unit
from retrieval.errors import ImageError
from trainer.data.split import TRAIN, number_labels
from trainer.health.findings import Copies, Health, LeakedPicture, Outlier, SmallLabel, WrongLabel
from trainer.health.label_errors import nearest_others, suspicious
from trainer.progress import Progress
from trainer.sources.base import Picture, Skipped
from trainer.threads import map_ahead

MIN_PICTURES = 3  # pictures of a label: two to learn from, one to check with
FAR = 5.0  # times the usual spread of distances to the nearest picture
SPREAD = 1.4826  # of the median absolute deviation, to be a standard deviation


def check(
    pictures: Sequence[Picture],
    features: NDArray[np.float32],
    parts: NDArray[np.int8],
    skipped: Sequence[Skipped],
    progress: Progress,
    *,
    things: CalibratedVectors | None = None,
    seed: int = 0,
) -> Health:
    """Look for what can be wrong with pictures whose features by the frozen encoder are float32 [n, e].

    `parts` int8 [n] (see trainer.data.split) say which were trained on; `things` has vectors of all of them, where same
    things are to be found, too. A picture that has become unreadable meanwhile is listed with the `skipped` ones.
    """
    sketches, rows, vanished = _sketches(pictures, progress)
    same = duplicates.same_picture_pairs(sketches, lambda row: pictures[rows[row]].path.read_bytes(), progress)
    file_rows = np.array(rows, np.int64)
    if things is not None:
        things = CalibratedVectors(things.vectors[file_rows], things.cosine, things.least)
    item_facts = {place: ItemFacts(pictures[row].id, pictures[row].label is not None) for place, row in enumerate(rows)}
    groups = duplicates.find(sketches, same, calibrated=things, item_facts=item_facts)

    def copies(groups: Sequence[Group]) -> list[Copies]:
        return [
            Copies([pictures[rows[row]] for row in group.members], pictures[rows[group.keep]], group.why)
            for group in groups
        ]

    held_out = (parts[file_rows] != TRAIN).tolist()
    leaks = duplicates.leaks(sketches, held_out, same) if any(held_out) else []
    return Health(
        unreadable=[*skipped, *vanished],
        identical=copies(groups.identical),
        same_picture=copies(groups.same_picture),
        same_thing=copies(groups.same_thing),
        wrong_labels=_wrong_labels(pictures, features, seed),
        outliers=_outliers(pictures, features),
        small_labels=_small_labels(pictures),
        leaks=[LeakedPicture(pictures[rows[k.held_out]].path, pictures[rows[k.other]].path, k.kind) for k in leaks],
    )


def _sketches(pictures: Sequence[Picture], progress: Progress) -> tuple[list[Sketch], list[int], list[Skipped]]:
    """The sketches of all that can be read, the row of each, and what cannot be read any more.

    Of several faces in one file, the first stands for the file.
    """
    sketches: list[Sketch] = []
    rows: list[int] = []
    vanished: list[Skipped] = []
    for row, result in enumerate(_sketched(pictures)):
        progress(row + 1, len(pictures))
        if isinstance(result, str):
            vanished.append(Skipped(pictures[row].place, result))
        elif pictures[row].face == 1:
            sketches.append(result)
            rows.append(row)
    return sketches, rows, vanished


def _sketched(pictures: Sequence[Picture]) -> Iterator[Sketch | str]:
    """The sketch of each picture in order, or why it cannot be read."""

    def sketch_picture(picture: Picture) -> Sketch | str:
        try:
            sketch = duplicates.sketch(picture.path.read_bytes())
            return replace(sketch, written=picture.path.stat().st_mtime)
        except (ImageError, OSError) as error:
            return error.strerror or str(error) if isinstance(error, OSError) else str(error)

    return map_ahead(sketch_picture, pictures)


def _wrong_labels(pictures: Sequence[Picture], features: NDArray[np.float32], seed: int) -> list[WrongLabel]:
    labels = number_labels([picture.label for picture in pictures])
    names = sorted({picture.label for picture in pictures if picture.label is not None})
    return [
        WrongLabel(pictures[row], names[suggested], confidence)
        for row, suggested, confidence in suspicious(features, labels, seed)
    ]


def _outliers(pictures: Sequence[Picture], features: NDArray[np.float32]) -> list[Outlier]:
    """Pictures whose nearest is much farther away than is usual, the loneliest first.

    Much farther: by FAR robust standard deviations of the logarithm of the distance (Rousseeuw & Croux 1993,
    "Alternatives to the Median Absolute Deviation"). Doubles, at no distance, are left out of what is usual.
    """
    if len(pictures) < MIN_PICTURES:
        return []
    cosines, _rows = nearest_others(unit(features), 1)
    distances = np.maximum(1 - cosines[:, 0].astype(np.float64), 0)
    usual = np.log(distances[distances > 1e-6])
    if not len(usual):
        return []
    middle = np.median(usual)
    limit = np.exp(middle + FAR * SPREAD * max(float(np.median(np.abs(usual - middle))), 0.05))
    order = np.argsort(-distances, kind="stable")
    return [Outlier(pictures[row], float(distances[row])) for row in order.tolist() if distances[row] > limit]


def _small_labels(pictures: Sequence[Picture]) -> list[SmallLabel]:
    counts = Counter(picture.label for picture in pictures if picture.label is not None)
    small = [SmallLabel(label, count) for label, count in counts.items() if count < MIN_PICTURES]
    return sorted(small, key=lambda entry: (entry.pictures, entry.label))
