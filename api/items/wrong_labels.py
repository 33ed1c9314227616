"""GET /labels/wrong: what the health check of the live bundle's training run says of labels. Blocking."""

import csv
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from pathlib import Path

from api.errors import Refusal
from api.schemas.items.wrong_labels import WrongLabel, WrongLabelsAnswer
from api.schemas.search.answer import ItemAnswer
from api.serving.bundles import find_report
from api.serving.snapshot import Snapshot
from retrieval.bundle import Library
from retrieval.catalogue import Item

TABLE = "wrong_labels.csv"
MAX_LOOKED_AT = 500
"""Of the list, the surest first: more are decided faster by another run, which learns from these."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """One line of the list: an item by its id, its label at that time, and the one that its neighbours have."""

    id: str
    label: str
    suggested: str
    confidence: float
    sha256: str | None
    """Of its picture at that time; None in lists from before that was written."""


def list_wrong_labels(artifacts: Path, snapshot: Snapshot, limit: int, offset: int) -> WrongLabelsAnswer:
    """Some of the undecided ones. Raises Refusal (bundle_damaged)."""
    suspects = _suspects(artifacts, snapshot.id)
    undecided = _undecided(snapshot, (suspects or ())[:MAX_LOOKED_AT])
    return WrongLabelsAnswer(
        bundle=snapshot.id,
        checked=None if suspects is None else snapshot.bundle.manifest.created,
        listed=len(suspects or ()),
        total=len(undecided),
        labels=[
            WrongLabel(item=ItemAnswer.of(item), suggested=suspect.suggested, confidence=suspect.confidence)
            for suspect, item in undecided[offset : offset + limit]
        ],
    )


def _undecided(snapshot: Snapshot, suspects: tuple[Suspect, ...]) -> list[tuple[Suspect, Item]]:
    ids = [suspect.id for suspect in suspects]
    items = snapshot.catalogue.get_many(ids)
    confirmed = snapshot.catalogue.feedback.confirmed(ids)
    there = [(suspect, items[suspect.id]) for suspect in suspects if suspect.id in items]
    return [
        (suspect, item)
        for suspect, item in there
        if item.label == suspect.label
        and (suspect.sha256 or item.sha256) == item.sha256
        and (item.id, item.sha256) not in confirmed
    ]


@lru_cache(maxsize=4)
def _suspects(artifacts: Path, bundle_id: str) -> tuple[Suspect, ...] | None:
    """The list of a bundle, which never changes; None if its run checked no labels."""
    try:
        data = find_report(Library(artifacts), bundle_id, TABLE).read()
    except Refusal as refusal:
        if refusal.code in {"report_missing", "bundle_missing"}:  # a training run may have swept the served one
            return None
        raise
    rows = csv.DictReader(StringIO(data.decode(), newline=""))
    try:
        return tuple(
            Suspect(r["id"], r["label"], r["suggested"], float(r["confidence"]), r.get("sha256")) for r in rows
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Refusal("bundle_damaged") from error
