"""Labels and parts from the folders that pictures lie in: the folder is the label, unless it means something else."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from retrieval.text import normal
from trainer.sources.base import PARTS, Part

Folders = tuple[str, ...]
"""The folders between the source and a picture, outermost first."""

GENERIC = frozenset(
    "images image imgs img pictures picture pics photos photo jpg jpeg jpegs png jpegimages".split()  # noqa: SIM905
)
_CAMERA = re.compile(r"[1-9][0-9]{2}[A-Z0-9_]{5}")  # 100CANON, 101APPLE: the standard for cameras (DCF)


@dataclass(frozen=True, slots=True)
class Labels:
    """What each of some folders means for the pictures in it, and notes on what is no label."""

    of: Mapping[Folders, tuple[str | None, Part | None]]
    notes: Sequence[str]


def read_labels(folders: Iterable[Folders], root: str) -> Labels:
    """The label and the part of the pictures in each of these folders of the source folder called `root`.

    The innermost folder is the label. But the folders of a split (train and test, perhaps val), all on one level, are
    parts; the folders of a camera are no labels; and where the innermost one is the same for all (cat/images,
    dog/images), the one above is the label.
    """
    places = list(dict.fromkeys(folders))
    notes: list[str] = []
    level = _split_level(places)
    inner = {place: place if level is None else _without_level(place, level, places) for place in places}
    inner = _without_cameras(inner, root, notes)
    inner = _without_constant(inner, notes)
    of: dict[Folders, tuple[str | None, Part | None]] = {}
    for place, names in inner.items():
        of[place] = (normal(names[-1]) or None if names else None, None if level is None else _part(place[level]))
    if level is not None:
        parts = ", ".join(sorted({place[level] for place in places}))
        notes.append(f"The folders {parts} are parts of a split, not labels.")
        unlabelled = {part for _, part in of.values()} - {part for label, part in of.values() if label}
        if unlabelled and len(unlabelled) < len(set(PARTS.values())):
            notes += [
                f"No picture of the part {part} lies in the folder of a label." for part in sorted(map(str, unlabelled))
            ]
    return Labels(of, notes)


def _part(name: str) -> Part | None:
    return PARTS.get(name.lower())


def _split_level(places: Sequence[Folders]) -> int | None:
    """The level that holds nothing but the folders of a split, each once."""
    for level in range(min(map(len, places), default=0)):
        names = {place[level] for place in places}
        parts = [part for name in names if (part := _part(name))]
        if len(parts) == len(names) == len(set(parts)) > 1 and "train" in parts:
            return level
    return None


def _without_level(place: Folders, level: int, places: Sequence[Folders]) -> Folders:
    """Without the folder of the part, and without what is above it where that is one folder for all."""
    above = place[:level] if len({other[:level] for other in places}) > 1 else ()
    return above + place[level + 1 :]


def _without_cameras(inner: Mapping[Folders, Folders], root: str, notes: list[str]) -> dict[Folders, Folders]:
    """Without DCIM and what a camera calls its folders in it."""
    cut: dict[Folders, Folders] = {}
    dropped: set[str] = set()
    all_of_cameras = all(names and _CAMERA.fullmatch(names[-1]) for names in inner.values())
    for place, names in inner.items():
        labels: list[str] = []
        above = root
        for name in names:
            in_dcim = above.upper() == "DCIM"
            is_numbered = _CAMERA.fullmatch(name) and (in_dcim or all_of_cameras)
            if name.upper() == "DCIM" or (in_dcim and name == "Camera") or is_numbered:
                dropped.add(name)
            else:
                labels.append(name)
            above = name
        cut[place] = tuple(labels)
    if dropped:
        notes.append(f"Folders of a camera are no labels: {', '.join(sorted(dropped)[:5])}.")
    return cut


def _without_constant(inner: Mapping[Folders, Folders], notes: list[str]) -> dict[Folders, Folders]:
    """Without innermost folders that are called the same under every label, or by a word for pictures."""
    cut = dict(inner)
    while (name := _constant(set(cut.values()) - {()})) is not None:
        cut = {place: names[:-1] if names[-1:] == (name,) else names for place, names in cut.items()}
        notes.append(f"All pictures lie in folders called {name}: the folder above each is the label.")
    among = Counter(names[:depth] for names in set(cut.values()) for depth in range(len(names)))
    filled = set(cut.values())
    is_alone: dict[str, bool] = {}
    for names in filled:
        if names and names[-1].lower() in GENERIC:
            alone = len(names) > 1 and among[names[:-1]] == 1 and names[:-1] not in filled
            is_alone[names[-1]] = is_alone.get(names[-1], True) and alone
    generic = sorted(name for name, alone in is_alone.items() if alone)
    if generic:
        cut = {place: names[:-1] if names and names[-1] in generic else names for place, names in cut.items()}
        notes.append(
            f"{', '.join(generic)}: no labels, as nothing lies beside them; the folder above each is the label."
        )
    return cut


def _constant(inner: set[Folders]) -> str | None:
    """The name that all of the innermost folders have, where several others are above them."""
    names = {folders[-1] for folders in inner}
    above = {folders[:-1] for folders in inner} - {()}
    name = next(iter(names), "")
    is_one = len(names) == 1 and (len(above) > 1 or (len(above) == 1 and name.lower() in GENERIC))
    return name if is_one else None
