"""Which of the copies of a picture is worth keeping, and why.

Preferred, in this order: the one that is not mirrored or turned over, more pixels, the older file, a label, a lossless
format, camera data, a colour profile, sharpness, bytes.

Pixels alone do not tell which of two pictures that mirror each other is the original. So the pictures of each way
round are taken together, and the names, the camera data, the numbers and the ages of the files decide between them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import numpy as np

from retrieval.duplicates.sketch import FLIPS, Sketch, flipped

COPY_WORDS = re.compile(
    r"(?<![a-z])(?:copy|copies|copied|dup(?:e|licate)?s?|flip(?:ped)?|mirror(?:ed)?|rotated?|turned|edit(?:ed)?|resaved?|"
    r"re-saved?|saved|small(?:er)?|thumb(?:nail)?s?|compressed|cropped|kopie|gespiegelt|bearbeitet|copie|copia)(?![a-z])"
    r"|\(\d+\)|コピー|反転|副本",
    re.IGNORECASE,
)
CLEARLY = 0.8
"""A picture is the other way round where that makes it so many times as different, or less."""
SAME_AGE_SECONDS = 60
"""Files that were written within this time came together: their times say nothing."""
Reason: TypeAlias = Literal[
    "orientation",
    "pixels",
    "oldest",
    "label",
    "lossless",
    "camera_data",
    "colour_profile",
    "sharpness",
    "bytes",
    "same_file",
    "first",
]
"""Why a picture is kept: by which of what is preferred it is better than others."""


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """What is known of a picture beside its file: the id of its item, and whether that has a label."""

    id: str = ""
    has_label: bool = False


def turns(rows: Sequence[int], sketches: Sequence[Sketch]) -> dict[int, int]:
    """By row, which of FLIPS makes a picture like the first one. Needs the small pictures of the sketches."""
    first = sketches[rows[0]].small.astype(np.float64)
    best_orientations = {}
    for row in rows:
        differences = [float(np.abs(first - flipped(sketches[row].small, flip)).mean()) for flip in range(len(FLIPS))]
        best = int(np.argmin(differences))
        best_orientations[row] = best if differences[best] < CLEARLY * differences[0] else 0
    return best_orientations


def best_member(
    members: Sequence[int], sketches: Sequence[Sketch], item_facts: Mapping[int, ItemFacts] | None = None
) -> tuple[int, str, tuple[Reason, ...]]:
    """The member to keep, and why: in words, and as codes."""
    facts = {row: (item_facts or {}).get(row, ItemFacts()) for row in members}
    original = _original_turn(members, sketches, facts)
    oldest = min(_age(sketches[row]) for row in members)

    def is_old(row: int) -> bool:
        return _age(sketches[row]) < oldest + SAME_AGE_SECONDS

    def size(row: int) -> str:
        return f"{sketches[row].width} x {sketches[row].height} pixels"

    criteria: list[tuple[Reason, Callable[[int], Any], Callable[[int], str]]] = [
        (
            "orientation",
            lambda row: sketches[row].turn == original,
            lambda _: "the right way round, where others are mirrored",
        ),
        (
            "pixels",
            lambda row: sketches[row].width * sketches[row].height,
            lambda row: f"the most pixels ({size(row)})",
        ),
        ("oldest", is_old, lambda row: f"the oldest file (of {_day(sketches[row].written)})"),
        ("label", lambda row: facts[row].has_label, lambda _: "with a label"),
        ("lossless", lambda row: sketches[row].is_lossless, lambda _: "saved without loss"),
        ("camera_data", lambda row: sketches[row].has_metadata, lambda _: "with camera data"),
        ("colour_profile", lambda row: sketches[row].has_profile, lambda _: "with a colour profile"),
        ("sharpness", lambda row: sketches[row].sharpness, lambda _: "the sharpest"),
        ("bytes", lambda row: sketches[row].size, lambda _: "the largest file"),
    ]
    keep = max(members, key=lambda row: (*(value(row) for _, value, _ in criteria), -row))
    if all(sketches[row].sha256 == sketches[keep].sha256 for row in members) and not any(
        value(row) != value(keep) for _, value, _ in criteria for row in members
    ):
        return keep, "all are the same file; this is the first", ("same_file",)
    words, reasons, rivals = [], [], [row for row in members if row != keep]
    for reason, value, say in criteria:
        beaten = [row for row in rivals if value(row) != value(keep)]
        rivals = [row for row in rivals if row not in beaten]
        if beaten:
            words.append(say(keep))
            reasons.append(reason)
    if rivals:
        words.append("the first")
        reasons.append("first")
    return keep, ", then ".join(words), tuple(reasons)


def _original_turn(members: Sequence[int], sketches: Sequence[Sketch], facts: Mapping[int, ItemFacts]) -> int:
    """The way round that the original has: 0 for that of the first member of the group that the sketches tell of."""
    by_turn: dict[int, list[int]] = {}
    for row in members:
        by_turn.setdefault(sketches[row].turn, []).append(row)

    def evidence(turn: int) -> tuple[bool, bool, int, float, int, int]:
        rows = by_turn[turn]
        return (
            any(not COPY_WORDS.search(facts[row].id) for row in rows),
            any(sketches[row].has_metadata for row in rows),
            len({sketches[row].sha256 for row in rows}),
            -min(_age(sketches[row]) for row in rows),
            max(sketches[row].width * sketches[row].height for row in rows),
            -min(rows),
        )

    return max(by_turn, key=evidence)


def _age(sketch: Sketch) -> float:
    """When a file was written, in seconds since 1970; infinity where that is not known."""
    return np.inf if sketch.written is None else sketch.written


def _day(written: float | None) -> str:
    return "unknown age" if written is None else datetime.fromtimestamp(written, UTC).strftime("%Y-%m-%d")
