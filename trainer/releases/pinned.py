"""artifacts/pinned.csv: the labelled pictures that every bundle is compared on before it goes live.

They are chosen once, and kept with the labels they had then: labels of the source that are mixed up later do not change
what a bundle is compared on; labels that people correct in the catalogue do. Those with the role "query" are searched
with, each among all others. Those from "items" count as long as they are items; those from a "source" that a person
named, always.

    path,label,sha256,role,from     path is relative to the artifacts folder where it lies inside
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Literal, get_args

from retrieval.durable import sync, write_atomically
from trainer.errors import ReleaseError

PINNED = "pinned.csv"
COLUMNS = ["path", "label", "sha256", "role", "from"]
MAX_QUERIES = 200
MAX_PICTURES = 2_000
"""Besides the queries: seconds to embed with a small network, a minute or two with a large one."""
COMPANIONS = 5
"""Pictures of each query's label that are pinned before any others, so that there is something to find."""


Origin = Literal["items", "source"]


@dataclass(frozen=True, slots=True)
class Pin:
    """One picture, its label as it was when it was pinned, whether it is searched with, and where it comes from."""

    path: Path
    label: str
    sha256: str
    query: bool = False
    origin: Origin = "items"


def choose(pictures: Iterable[Pin], held_out: frozenset[str]) -> list[Pin]:
    """The pictures to pin out of these: queries spread over the labels, then what they are searched among.

    `held_out` are the SHA-256 of pictures that nothing was trained on: they are preferred as queries. The same pictures
    give the same choice, in whatever order. Files that are there twice count once.
    """
    labels: dict[str, list[Pin]] = defaultdict(list)
    for pin in {pin.sha256: pin for pin in pictures}.values():
        labels[pin.label].append(pin)
    # The checksum of a file is as good as a random number, and the same each time.
    ranked = {
        label: sorted(labels[label], key=lambda pin: (pin.sha256 not in held_out, pin.sha256))
        for label in sorted(labels, key=lambda label: sha256(label.encode()).digest())
    }
    repeated = {label: pins for label, pins in ranked.items() if len(pins) > 1}
    held_out_pins = {label: [pin for pin in pins if pin.sha256 in held_out] for label, pins in repeated.items()}
    queries = _spread(held_out_pins, MAX_QUERIES, start={})
    queries = _spread(repeated, MAX_QUERIES, start=queries)
    query_labels = {pin.label for pin in queries.values()}
    companions = {label: pins for label, pins in repeated.items() if label in query_labels}
    max_count = len(queries) + MAX_PICTURES
    everything = _spread(companions, max_count, start=queries, rounds=COMPANIONS)
    everything = _spread(ranked, max_count, start=everything)
    return [replace(pin, query=digest in queries) for digest, pin in everything.items()]


def read(artifacts: Path) -> list[Pin] | None:
    """What is pinned; None where nothing is. Raises ReleaseError for a file that is no such table."""
    path = artifacts / PINNED
    try:
        with path.open(newline="", encoding="utf-8") as file:
            table = csv.DictReader(file)
            rows = list(table)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReleaseError(f"{path} cannot be read ({error}). {_mend()}") from error
    if table.fieldnames is None or not set(COLUMNS) <= set(table.fieldnames):
        raise ReleaseError(f"{path} has not the columns {', '.join(COLUMNS)}. {_mend()}")
    return [_pin(row, artifacts, f"{path}, row {number}") for number, row in enumerate(rows, start=2)]


def write(artifacts: Path, pins: Sequence[Pin]) -> None:
    """Pin these, at once or not at all; durably once the folder is synced, as it is before CURRENT changes."""
    home = artifacts.absolute()
    with write_atomically(artifacts / PINNED, durable=False) as draft:
        with draft.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for pin in pins:
                place = pin.path.relative_to(home) if pin.path.is_relative_to(home) else pin.path
                role = "query" if pin.query else "gallery"
                writer.writerow([place.as_posix(), pin.label, pin.sha256, role, pin.origin])
        sync(draft)


def _spread(
    labels: Mapping[str, Sequence[Pin]], limit: int, *, start: Mapping[str, Pin], rounds: int | None = None
) -> dict[str, Pin]:
    """`start` and more, by digest, until there are `limit`: the first of each label, the second of each, and so on."""
    chosen_pins = dict(start)
    waiting = {label: [pin for pin in pins if pin.sha256 not in chosen_pins] for label, pins in labels.items()}
    longest = max(map(len, waiting.values()), default=0)
    for turn in range(longest if rounds is None else min(rounds, longest)):
        for pins in waiting.values():
            if turn < len(pins):
                if len(chosen_pins) >= limit:
                    return chosen_pins
                chosen_pins[pins[turn].sha256] = pins[turn]
    return chosen_pins


def _pin(row: Mapping[str, str | None], artifacts: Path, where: str) -> Pin:
    path, label, digest, role, origin = (row.get(column) for column in COLUMNS)
    origins = {name: name for name in get_args(Origin)}
    if not path or not label or not digest or role not in ("query", "gallery") or origin not in origins:
        raise ReleaseError(f"{where} does not say {', '.join(COLUMNS)} as it should. {_mend()}")
    return Pin(artifacts.absolute() / path, label, digest, role == "query", origins[origin])


def _mend() -> str:
    return "Pin pictures anew: lookalike publish BUNDLE --pin SOURCE."
