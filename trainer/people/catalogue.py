"""Groups of unnamed faces, written into the catalogue as an attribute, and names given to them."""

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval import bundle
from retrieval.calibration import Curve
from retrieval.catalogue import Catalogue, Changes, Item
from retrieval.catalogue.facts.people import FACE_GROUP, ungrouped
from retrieval.errors import ItemMissing
from retrieval.faces.quality import FACE_BLUR, FACE_POSE
from retrieval.filters import Condition, Filter, Not, OneOf, Range
from retrieval.text import normal, unprintable
from retrieval.vectors.base import Members
from trainer.bundles import load_current, open_store
from trainer.errors import PeopleError
from trainer.people.grouping import group_faces, nearest_names

UNNAMED = Filter(label=OneOf((None,)))
WITH_LABEL = Filter(label=Not(OneOf((None,))))
PREFIX = "group-"
LIKELY = 0.5
"""Mean probability from which on a label is told as that of a group."""


@dataclass(frozen=True, slots=True)
class FaceGroup:
    """A group by its name in the catalogue; its members' ids; the label that is likely theirs, and how probably."""

    name: str
    ids: tuple[str, ...]
    label: str | None = None
    probability: float = 0.0


@dataclass(frozen=True, slots=True)
class Grouped:
    """The groups, those of most faces first, and how many faces without a name were looked at."""

    groups: Sequence[FaceGroup]
    faces: int


def find_groups(
    artifacts: Path,
    *,
    min_probability: float = 0.9,
    min_cosine: float | None = None,
    min_faces: int = 2,
    max_blur: float | None = None,
    max_pose: float | None = None,
) -> Grouped:
    """The groups of the faces that have no label, of the live bundle's items. Nothing is written.

    `min_cosine` stands in place of the calibration. With `max_blur` and `max_pose`, only faces that are known to be no
    worse are grouped. Raises PeopleError where the bundle compares no faces, or knows no probability and `min_cosine`
    is absent; BundleError.
    """
    loaded = load_current(artifacts)
    if loaded.manifest.faces is None:
        raise PeopleError("The live bundle compares whole pictures. Train one for faces: --config faces.")
    curve = _curve(loaded, min_cosine)
    bounds = {FACE_BLUR: max_blur, FACE_POSE: max_pose}
    quality: dict[str, Condition] = {name: Range(lte=bound) for name, bound in bounds.items() if bound is not None}
    with (
        closing(open_store(artifacts, loaded)) as store,
        closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue,
    ):
        faces = store.get_many(catalogue.matching(replace(UNNAMED, attributes=quality)))
        labelled = store.get_many(catalogue.matching(WITH_LABEL))
        labels = catalogue.labels_of(labelled.ids)
        items = catalogue.get_many(faces.ids)
    roots = group_faces(faces.vectors, curve, min_probability)
    likely = nearest_names(faces.vectors, labelled.vectors, curve)
    members: dict[int, list[int]] = {}
    for row, root in enumerate(roots.tolist()):
        members.setdefault(root, []).append(row)
    groups_of_rows = sorted(
        (rows for rows in members.values() if len(rows) >= min_faces), key=lambda rows: (-len(rows), rows)
    )
    ids = [[faces.ids[row] for row in rows] for rows in groups_of_rows]
    names = _names([[items[item_id] for item_id in of_group if item_id in items] for of_group in ids], items.values())
    groups = [
        _group(name, rows, faces, [labels[item_id] for item_id in labelled.ids], likely)
        for name, rows in zip(names, groups_of_rows, strict=True)
    ]
    return Grouped(groups, len(faces.ids))


def write_groups(artifacts: Path, groups: Sequence[FaceGroup]) -> int:
    """Make these the groups of the catalogue, all at once; those of earlier go. Returns how many items have changed.

    Who has been named meanwhile is left alone.
    """
    names_by_id = {item_id: group.name for group in groups for item_id in group.ids}
    changed = 0
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
        earlier = catalogue.matching(Filter(attributes={FACE_GROUP: Not(OneOf((None,)))}))
        with catalogue.writing() as rows:
            for item_id in sorted({*names_by_id, *earlier}):
                item = _item(rows, item_id)
                if item is None or (item.label is not None and FACE_GROUP not in item.attributes):
                    continue
                rest = {name: value for name, value in item.attributes.items() if name != FACE_GROUP}
                group = {FACE_GROUP: names_by_id[item_id]} if item_id in names_by_id and item.label is None else {}
                if rest | group != item.attributes:
                    rows.describe(replace(item, attributes=rest | group))
                    changed += 1
    return changed


def members_of(artifacts: Path, group: str) -> list[Item]:
    """The items of a group, by id. Raises PeopleError where there is none."""
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue:
        ids = catalogue.matching(replace(UNNAMED, attributes={FACE_GROUP: OneOf((group,))}))
        items = catalogue.get_many(ids)
    if not items:
        raise PeopleError(f"There is no group {group}. `lookalike cluster --faces` shows which there are.")
    return [items[item_id] for item_id in ids if item_id in items]


def name_group(artifacts: Path, group: str, label: str, ids: Collection[str], leave_out: Collection[str]) -> int:
    """Give a label to these members of a group, all at once; those to leave out are in no group any more.

    Who is no unnamed member any more is left alone. Returns how many got the label.
    """
    named_count = 0
    with closing(Catalogue(bundle.catalogue_url(artifacts))) as catalogue, catalogue.writing() as rows:
        for item_id in sorted(ids):
            item = _item(rows, item_id)
            if item is None or item.label is not None or item.attributes.get(FACE_GROUP) != group:
                continue
            new_label = None if item_id in leave_out else label
            changed = replace(item, label=new_label, attributes=ungrouped(label, item.attributes))
            rows.describe(changed)
            rows.history.add(item, changed, None)
            named_count += new_label is not None
    return named_count


def checked_label(text: str) -> str:
    """A label in its normal form. Raises PeopleError for one that no item can have."""
    label = normal(text)
    if not label or (character := unprintable(label)):
        fault = f"it holds {character}, which cannot be printed" if label else "it has no character that can be seen"
        raise PeopleError(f"This cannot be a name: {fault}.")
    return label


def _curve(loaded: bundle.Bundle, min_cosine: float | None) -> Curve:
    if min_cosine is not None:
        least = 1 - min_cosine
        return Curve(np.array([least, np.nextafter(least, 3)]), np.array([1.0, 0.0]))
    if loaded.calibration is None or loaded.calibration.meaning != "label":
        raise PeopleError(
            "The live bundle has no calibration for people, as its source has too few labels to learn one from. Name "
            "the least cosine of two faces of one person: --min-cosine 0.4."
        )
    return loaded.calibration.cosine


def _names(members: Sequence[Sequence[Item]], items: Collection[Item]) -> list[str]:
    """A name for each group: the one that most of its members have already, or else a new one."""
    numbers = [str(item.attributes.get(FACE_GROUP, "")).removeprefix(PREFIX) for item in items]
    last = max((int(number) for number in numbers if number.isascii() and number.isdigit()), default=0)
    names: list[str] = []
    used_names: set[str] = set()
    for group in members:
        counts = Counter(str(item.attributes[FACE_GROUP]) for item in group if FACE_GROUP in item.attributes)
        name = next((name for name, _ in counts.most_common() if name not in used_names), None)
        if name is None:
            last += 1
            name = f"{PREFIX}{last}"
        names.append(name)
        used_names.add(name)
    return names


def _group(
    name: str,
    rows: Sequence[int],
    faces: Members,
    labels: Sequence[str | None],
    likely: tuple[NDArray[np.int64], NDArray[np.float64]],
) -> FaceGroup:
    """With the label of the named faces that its members are nearest to, if any is probable at all."""
    nearest, probabilities = likely
    tally: dict[str, float] = {}
    for row in rows:
        label = labels[nearest[row]] if nearest[row] >= 0 else None
        if label is not None and probabilities[row] > 0:
            tally[label] = tally.get(label, 0.0) + float(probabilities[row])
    ids = tuple(sorted(faces.ids[row] for row in rows))
    label = max(tally, key=lambda each: tally[each], default=None)
    if label is None or tally[label] < LIKELY * len(rows):
        return FaceGroup(name, ids)
    return FaceGroup(name, ids, label, tally[label] / len(rows))


def _item(rows: Changes, item_id: str) -> Item | None:
    try:
        return rows.get(item_id)
    except ItemMissing:  # deleted meanwhile
        return None
