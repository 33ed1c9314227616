"""The search for duplicates over a whole catalogue, and its outcome. Blocking, for minutes: see job.py."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import chain
from typing import Literal

import numpy as np

from api.serving.snapshot import Snapshot
from retrieval import duplicates
from retrieval.calibration import Curve
from retrieval.catalogue import Item
from retrieval.clusters import Vectors
from retrieval.duplicates import CalibratedVectors, Duplicates, Sketch
from retrieval.duplicates.keeping import turns
from retrieval.errors import ImageError, PictureMissing

logger = logging.getLogger(__name__)

Tier = Literal["identical", "same_picture", "same_thing"]
Step = Literal["reading", "comparing"]
Report = Callable[[Step, int, int], None]
"""Hears which step is under way, how many of its pictures or pairs are done, and of how many. May raise to stop."""


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What a search found. Groups hold rows, which are places in `ids`, `sketches` and `vectors`."""

    bundle: str
    state: str
    """That the catalogue was in, see Dismissals.catalogue_state."""
    found_at: datetime
    unreadable: int
    """Items that were left out, as their picture is gone, broken, or was changed where it lies."""
    ids: tuple[str, ...]
    sketches: tuple[Sketch, ...]
    """Without the small pictures."""
    groups: Mapping[Tier, tuple[tuple[int, ...], ...]]
    vectors: Vectors | None
    """float32 [rows, d], zeros where an item has none; None where the bundle is not calibrated."""
    curve: Curve | None
    """From the cosine distance to a probability."""
    digests: tuple[str, ...] = ()
    """The SHA-256 of the files in which all of this was found."""


def look(snapshot: Snapshot, state: str, report: Report) -> Result:
    """Look for all three tiers; the third where the bundle is calibrated. Near-linear, see retrieval.duplicates.

    Takes 3 kB of memory a picture, and the vectors. A picture that cannot be read is passed over.
    """
    items, sketches, unreadable = _sketched(snapshot, report)

    def read(row: int) -> bytes:
        try:
            return snapshot.picture(items[row])
        except PictureMissing as error:
            raise FileNotFoundError(str(error)) from error  # gone since: what retrieval passes over

    same = duplicates.same_picture_pairs(sketches, read, lambda done, of: report("comparing", done, of))
    calibration = snapshot.bundle.calibration
    vectors = None if calibration is None else _vectors(snapshot, items)
    things = None if vectors is None or calibration is None else CalibratedVectors(vectors, calibration.cosine)
    everything = duplicates.find(sketches, same, calibrated=things)
    return _compact(snapshot, state, unreadable, items, sketches, everything, vectors)


def _sketched(snapshot: Snapshot, report: Report) -> tuple[list[Item], list[Sketch], int]:
    """The items that can be read, the sketch of each, and how many cannot. Copies of a file are decoded once.

    Every file is read all the same: one that was changed where it lies is no copy of what it was.
    """
    items: list[Item] = []
    sketches: list[Sketch] = []
    sketches_by_digest: dict[str, Sketch | None] = {}
    digests: dict[str, str] = {}
    unreadable, everything = 0, list(snapshot.catalogue.items())  # not held open while pictures are read
    for done, item in enumerate(everything, start=1):
        report("reading", done, len(everything))
        digests[item.id] = item.sha256
        if _is_further_face(item, digests):
            continue
        data = _read(snapshot, item)
        if data is not None and item.sha256 not in sketches_by_digest:
            sketches_by_digest[item.sha256] = _sketch(item, data)
        sketch = None if data is None else sketches_by_digest[item.sha256]
        if sketch is None:
            unreadable += 1
        else:
            items.append(item)
            sketches.append(sketch)
    return items, sketches, unreadable


def _is_further_face(item: Item, digests: Mapping[str, str]) -> bool:
    """Whether it is the second face of a file and so on: the first one, which comes before it, stands for the file."""
    file, mark, number = item.id.rpartition("#")
    return bool(mark) and number.isdecimal() and digests.get(file) == item.sha256


def _read(snapshot: Snapshot, item: Item) -> bytes | None:
    """The item's file, if it is the one that the catalogue knows."""
    try:
        data = snapshot.picture(item)
    except PictureMissing as error:
        logger.warning("left out of the search for duplicates: item %r: %s", item.id, error)
        return None
    if sha256(data).hexdigest() != item.sha256:
        logger.warning("left out of the search for duplicates: item %r: its file has changed; train again", item.id)
        return None
    return data


def _sketch(item: Item, data: bytes) -> Sketch | None:
    try:
        return duplicates.sketch(data)
    except ImageError as error:
        logger.warning("left out of the search for duplicates: item %r: %s", item.id, error)
        return None


def _written(snapshot: Snapshot, item: Item) -> float:
    """When its file was written, in seconds since 1970; where that cannot be told, when the item came."""
    try:
        return (snapshot.artifacts / item.location).stat().st_mtime
    except OSError:
        return item.created.timestamp()


def _vectors(snapshot: Snapshot, items: list[Item]) -> Vectors:
    vectors = np.zeros((len(items), snapshot.bundle.clusters.dims), np.float32)
    rows = {item.id: row for row, item in enumerate(items)}
    members = snapshot.store.get_many(list(rows))
    vectors[[rows[id_] for id_ in members.ids]] = members.vectors
    return vectors  # zeros, where an item has none, have no direction, and so are like nothing


def _compact(
    snapshot: Snapshot,
    state: str,
    unreadable: int,
    items: list[Item],
    sketches: list[Sketch],
    everything: Duplicates,
    vectors: Vectors | None,
) -> Result:
    """Only what is in some group is kept."""
    calibration = snapshot.bundle.calibration
    tiers: dict[Tier, list[tuple[int, ...]]] = {
        "identical": [group.members for group in everything.identical],
        "same_picture": [group.members for group in everything.same_picture],
        "same_thing": [group.members for group in everything.same_thing],
    }
    listed_rows = sorted(set(chain.from_iterable(chain.from_iterable(tiers.values()))))
    flips = {row: turn for group in everything.same_picture for row, turn in turns(group.members, sketches).items()}
    places = {row: place for place, row in enumerate(listed_rows)}
    nothing = np.zeros((0, 0, 3), np.uint8)
    return Result(
        bundle=snapshot.id,
        state=state,
        found_at=datetime.now(UTC),
        unreadable=unreadable,
        ids=tuple(items[row].id for row in listed_rows),
        sketches=tuple(
            replace(sketches[row], small=nothing, turn=flips.get(row, 0), written=_written(snapshot, items[row]))
            for row in listed_rows
        ),
        groups={
            tier: tuple(tuple(places[row] for row in members) for members in groups) for tier, groups in tiers.items()
        },
        vectors=None if vectors is None else vectors[listed_rows],
        curve=calibration.cosine if calibration else None,
        digests=tuple(items[row].sha256 for row in listed_rows),
    )
